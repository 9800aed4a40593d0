/// The system's prompts, with what comes before and after them. An app that does this itself has the single steps.
extension KeyledgerClient {
    /// The system's prompt for the passkey that is asked for, and what came of it: the passkey, or the report why there is none. The credential
    /// manager is told what the engine says of its passkeys.
    /// - Throws: `notLegal` where none is asked for; `refused` with `passkeyRejected` or `credentialUnknown`
    @discardableResult
    public func signIn(with passkeys: Passkeys) async throws -> SessionAnswer {
        var state = memory.latest
        if state?.allows(.passkey) != true || state?.requestOptions == nil { state = try await passkeyOptions() }
        guard let options = state?.requestOptions else { throw KeyledgerError.notLegal(.passkey) }
        let hereFirst = state?.assertion?.preferImmediatelyAvailable ?? true
        let credential: AssertionCredential
        do {
            credential = try await passkeys.use(options, preferImmediatelyAvailable: hereFirst)
        } catch let failure as PasskeyFailure {
            return try await reportPasskey(failure)
        }
        do {
            return try await told(passkeys, sendPasskey(credential))
        } catch KeyledgerError.refused(let refusal) {
            throw await told(passkeys, refusal, rpId: options.rpId)
        }
    }

    /// The options, the system's prompt, and what came of it: the passkey, or the report why there is none. After either the login goes on.
    /// - Throws: `refused` with `appendRejected`
    @discardableResult
    public func createPasskey(with passkeys: Passkeys) async throws -> SessionAnswer {
        let state = try await appendOptions()
        guard let options = state.creationOptions else { throw KeyledgerError.notLegal(.append) }
        let credential: RegistrationCredential
        do {
            credential = try await passkeys.create(options, conditional: state.offer?.mode == .conditional)
        } catch let failure as PasskeyFailure {
            return try await reportAppend(failure)
        }
        do {
            return try await told(passkeys, sendAppend(credential))
        } catch KeyledgerError.refused(let refusal) {
            throw await told(passkeys, refusal, rpId: options.rp.id)
        }
    }

    /// The credential manager hears what the answer says of its passkeys.
    private func told(_ passkeys: Passkeys, _ state: SessionAnswer) async -> SessionAnswer {
        if let signals = state.signals { await passkeys.signal(signals) }
        return state
    }

    private func told(_ passkeys: Passkeys, _ refusal: Refusal, rpId: String) async -> KeyledgerError {
        if let id = refusal.problem.unknownCredentialId { await passkeys.signalUnknown(credentialId: id, rpId: rpId) }
        return .refused(refusal)
    }
}
