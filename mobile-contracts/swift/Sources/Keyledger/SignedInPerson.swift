/// What somebody does who is signed in. Each method takes an access token, and refreshes it if need be.
extension KeyledgerClient {
    /// `POST /v1/sessions/{id}/unlock`. The PIN, where the engine keeps it.
    /// - Throws: `refused` with `pinRejected` and `attemptsLeft`, or `pinLocked`: sign in again
    public func unlock(pin: String) async throws {
        let request = try keyed("POST", path("/unlock"), .accessToken, json(UnlockBody(pin: pin)))
        _ = try await answer(to: request, UnlockAnswer.self)
    }

    /// `POST /v1/sessions/{id}/biometrics`. Switches local biometrics, after the login.
    /// - Returns: how it is now
    @discardableResult
    public func switchBiometrics(_ enabled: Bool) async throws -> Bool {
        let request = try keyed("POST", path("/biometrics"), .accessToken, json(BiometricsBody(enabled: enabled)))
        return try await answer(to: request, BiometricsAnswer.self).enabled
    }

    /// `DELETE /v1/sessions/{id}?everywhere=`. Signs out. Without a network it throws `unanswered`, and the person is still signed in.
    /// - Parameter everywhere: on all of the person's devices
    public func signOut(everywhere: Bool = false) async throws {
        let request = try unkeyed("DELETE", path(everywhere ? "?everywhere=true" : ""), .accessToken)
        let reply: Reply
        do {
            reply = try await carry(request)
        } catch KeyledgerError.refused(let refusal) where refusal.code == .sessionOver || refusal.code == .refreshTokenInvalid {
            return try forget()
        }
        let isOver = reply.isSuccess || reply.problem?.code == .sessionOver
        guard isOver else { throw reply.failure }
        try forget()
    }

    /// `GET /v1/passkeys`
    public func passkeys() async throws -> PasskeysAnswer {
        return try await answer(to: unkeyed("GET", "/v1/passkeys", .accessToken), PasskeysAnswer.self)
    }

    /// `POST /v1/passkeys/{id}/name`
    @discardableResult
    public func renamePasskey(_ id: String, to name: String) async throws -> PasskeysAnswer {
        let request = try keyed("POST", "/v1/passkeys/\(id)/name", .accessToken, json(PasskeyNameBody(name: name)))
        return try await answer(to: request, PasskeysAnswer.self)
    }

    /// `DELETE /v1/passkeys/{id}`. Takes a login of the last five minutes (RFC 9470).
    @discardableResult
    public func removePasskey(_ id: String) async throws -> PasskeysAnswer {
        let request = keyed("DELETE", "/v1/passkeys/\(id)", .accessToken, nil)
        return try await answer(to: request, PasskeysAnswer.self)
    }

    /// `GET /v1/account/contacts`
    public func contacts() async throws -> [Contact] {
        return try await answer(to: unkeyed("GET", "/v1/account/contacts", .accessToken), OwnAccountAnswer.self).contacts
    }

    /// `POST /v1/account/contacts`. Takes the place of the contacts of this channel, and a login of the last five minutes (RFC 9470).
    @discardableResult
    public func replaceContact(_ channel: Channel, with address: String) async throws -> [Contact] {
        let request = try keyed("POST", "/v1/account/contacts", .accessToken, json(ContactBody(channel: channel, address: address)))
        return try await answer(to: request, OwnAccountAnswer.self).contacts
    }

    /// `POST /v1/account/password`. Ends every session, this one too: let the person sign in with the new password. Takes a login of the last
    /// five minutes (RFC 9470).
    public func changePassword(to password: String) async throws {
        let request = try keyed("POST", "/v1/account/password", .accessToken, json(OwnPasswordBody(password: password)))
        _ = try await answer(to: request, OwnAccountAnswer.self)
        try forget()
    }

    /// Below the signed-in session, which is another one than that of the settings.
    private func path(_ rest: String) throws -> String {
        guard let signedIn = memory.signedIn else { throw KeyledgerError.signedOut }
        return "/v1/sessions/\(signedIn.session)\(rest)"
    }
}
