import Foundation

/// A login, from the identifier to the tokens. Each step answers with the state, and `next` in it says which methods are legal now.
/// After completion `accessToken()` has what the app's backends take.
extension KeyledgerClient {
    /// `POST /v1/sessions`. A new login; the one before is left to expire.
    /// - Parameters:
    ///   - identifier: as the person typed it; nil: a passkey says who it is
    ///   - entryPoint: `loginError` or `crossDevice` where that is why the person signs in again
    @discardableResult
    public func start(identifier: String?, device: Device, entryPoint: EntryPoint? = nil) async throws -> SessionAnswer {
        return try await begin(identifier: identifier, device: device, entryPoint: entryPoint, .none)
    }

    /// `POST /v1/sessions`. A short session for creating a passkey, by somebody who is signed in. It takes a login of the last five minutes, else
    /// `insufficientUserAuthentication`: let the person sign in, then call it again. It gives no tokens, and those of the app stay as they are.
    @discardableResult
    public func startSettings(device: Device) async throws -> SessionAnswer {
        return try await begin(identifier: nil, device: device, entryPoint: .settings, .accessToken)
    }

    /// `GET /v1/sessions/{id}?revision=`. The state as the engine's readers have it, not older than the last answer.
    /// - Throws: `signedOut` before the first start
    public func state() async throws -> SessionAnswer {
        guard let session = memory.latest?.session else { throw KeyledgerError.signedOut }
        let isDone = session.status == .completed && session.purpose == .login
        let request = unkeyed("GET", "/v1/sessions/\(session.id)?revision=\(session.revision)", isDone ? .accessToken : .flowToken)
        return try passable(try await answer(to: request, SessionAnswer.self))
    }

    // MARK: Passkey

    /// `POST /v1/sessions/{id}/passkey`. Signs in with a passkey. `signIn(with:)` does this and the two that follow.
    @discardableResult
    public func sendPasskey(_ credential: AssertionCredential) async throws -> SessionAnswer {
        return try await step(.passkey, PasskeyBody(credential: credential))
    }

    /// `POST /v1/sessions/{id}/passkey/options`. Fresh `requestOptions`, after a prompt that may be tried again.
    @discardableResult
    public func passkeyOptions() async throws -> SessionAnswer {
        return try await step(.passkeyOptions)
    }

    /// `POST /v1/sessions/{id}/passkey/report`. Why the device brought no passkey.
    @discardableResult
    public func reportPasskey(_ failure: PasskeyFailure) async throws -> SessionAnswer {
        return try await step(.passkeyReport, ReportBody(platform: memory.platform, code: failure.code, message: failure.message))
    }

    // MARK: Password

    /// `POST /v1/sessions/{id}/password`. Signs in with the password.
    /// - Parameters:
    ///   - insteadOf: why not the passkey that was asked for
    ///   - autofilled: a credential manager filled it in, so a passkey may be created without a prompt
    @discardableResult
    public func sendPassword(_ password: String, insteadOf: PasswordReason? = nil, autofilled: Bool? = nil) async throws -> SessionAnswer {
        return try await step(.password, PasswordBody(password: password, insteadOf: insteadOf, autofilled: autofilled))
    }

    // MARK: The offer of a passkey

    /// `POST /v1/sessions/{id}/append/options`. Takes the offer; the answer has `creationOptions`. `createPasskey(with:)` does this and what follows.
    @discardableResult
    public func appendOptions() async throws -> SessionAnswer {
        return try await step(.appendOptions)
    }

    /// `POST /v1/sessions/{id}/append`. The passkey that was created.
    @discardableResult
    public func sendAppend(_ credential: RegistrationCredential) async throws -> SessionAnswer {
        return try await step(.append, AppendBody(credential: credential))
    }

    /// `POST /v1/sessions/{id}/append/skip`. The person said no in the app's own screen.
    @discardableResult
    public func skipAppend(_ reason: SkipReason = .declined) async throws -> SessionAnswer {
        return try await step(.appendSkip, AppendSkipBody(reason: reason))
    }

    /// `POST /v1/sessions/{id}/append/report`. Why the device created no passkey.
    @discardableResult
    public func reportAppend(_ failure: PasskeyFailure) async throws -> SessionAnswer {
        return try await step(.appendReport, ReportBody(platform: memory.platform, code: failure.code, message: failure.message))
    }

    // MARK: Code

    /// `POST /v1/sessions/{id}/otp/send`. Has a code sent.
    @discardableResult
    public func sendCode(to channel: Channel) async throws -> SessionAnswer {
        return try await step(.otpSend, OtpSendBody(channel: channel))
    }

    /// `POST /v1/sessions/{id}/otp`. The code that the person got.
    @discardableResult
    public func verifyCode(_ code: String) async throws -> SessionAnswer {
        return try await step(.otp, OtpBody(code: code))
    }

    /// `POST /v1/sessions/{id}/otp/skip`
    @discardableResult
    public func skipCode() async throws -> SessionAnswer {
        return try await step(.otpSkip)
    }

    // MARK: PIN and biometrics

    /// `POST /v1/sessions/{id}/pin`. A PIN was set.
    /// - Parameter pin: nil where the device keeps it (`pin.keptOn`)
    @discardableResult
    public func setPin(_ pin: String?) async throws -> SessionAnswer {
        return try await step(.pin, PinBody(pin: pin))
    }

    /// `POST /v1/sessions/{id}/pin/skip`
    @discardableResult
    public func skipPin() async throws -> SessionAnswer {
        return try await step(.pinSkip)
    }

    /// `POST /v1/sessions/{id}/biometrics`. Whether the person unlocks the app by biometrics, said during the login.
    @discardableResult
    public func setBiometrics(_ enabled: Bool) async throws -> SessionAnswer {
        return try await step(.biometrics, BiometricsBody(enabled: enabled))
    }

    /// `POST /v1/sessions/{id}/biometrics/skip`
    @discardableResult
    public func skipBiometrics() async throws -> SessionAnswer {
        return try await step(.biometricsSkip)
    }

    /// `DELETE /v1/sessions/{id}`. Leaves a login that is not finished; a passkey that is still pending is revoked.
    public func leave() async throws {
        guard let session = memory.latest?.session else { return }
        let reply = try await carry(unkeyed("DELETE", "/v1/sessions/\(session.id)", .flowToken))
        guard reply.isSuccess else { throw reply.failure }
        dropLogin()
        try save()
    }

    // MARK: What they have in common

    private func begin(
        identifier: String?,
        device: Device,
        entryPoint: EntryPoint?,
        _ authorization: PendingRequest.Authorization
    ) async throws -> SessionAnswer {
        let here = try installation()
        func request(_ flowToken: String) throws -> PendingRequest {
            let body = StartBody(
                app: settings.app,
                installation: here,
                flowChallenge: FlowToken.challenge(of: flowToken),
                supports: settings.supports,
                identifier: identifier,
                entryPoint: entryPoint,
                device: device
            )
            return try keyed("POST", PendingRequest.start, authorization, json(body))
        }
        // The same start once more, when it had no answer: with the token of that time, or it would be another login.
        if let flowToken = memory.flowToken {
            let again = try request(flowToken)
            if memory.pending.contains(again) { return try passable(try await answer(to: again, SessionAnswer.self)) }
        }
        let flowToken = FlowToken.make()
        dropLogin()
        memory.flowToken = flowToken
        memory.platform = device.platform
        return try passable(try await answer(to: try request(flowToken), SessionAnswer.self))
    }

    private func dropLogin() {
        memory.flowToken = nil
        memory.latest = nil
        memory.pending.removeAll { $0.isOfLogin }
    }

    /// A step that is legal now, where `next` says that it goes.
    private func step<Body: Encodable>(_ action: Action, _ body: Body) async throws -> SessionAnswer {
        return try await take(action, json(body))
    }

    private func step(_ action: Action) async throws -> SessionAnswer {
        return try await take(action, nil)
    }

    private func take(_ action: Action, _ body: Data?) async throws -> SessionAnswer {
        guard let next = memory.latest?.next.first(where: { $0.action == action }) else { throw KeyledgerError.notLegal(action) }
        let request = keyed(next.method.rawValue, next.href, .flowToken, body)
        return try passable(try await answer(to: request, SessionAnswer.self))
    }

    /// - Throws: `upgradeRequired` where the login goes on by nothing that the app has a screen for
    func passable(_ state: SessionAnswer) throws -> SessionAnswer {
        let steps = state.next.map { $0.action }.filter { $0 != .recover }
        let known = steps.contains { settings.supports.contains($0) }
        if state.session.status == .running && !steps.isEmpty && !known { throw KeyledgerError.upgradeRequired }
        return state
    }
}
