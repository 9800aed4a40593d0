import Foundation
import Keyledger

let usage = """
    keyledger-login selftest
    keyledger-login append|skip|passkey ENGINE APP IDENTIFIER PASSWORD [ORIGIN]

    Plays a login against a live engine and ends with 0 if it was completed: with a passkey created on the way, with the offer declined, or with
    a passkey created first and used in a second login. Where a code is demanded it is read from the standard input. ORIGIN is that of the
    passkeys' client data: https:// and the app's domain, if it is left out.
    """

@main
struct Login {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments == ["selftest"] {
            exit(selfTest() ? 0 : 1)
        }
        guard arguments.count >= 5, let engine = URL(string: arguments[1]) else {
            print(usage)
            exit(2)
        }
        do {
            let settings = KeyledgerClient.Settings(engine: engine, app: arguments[2])
            let client = try KeyledgerClient(settings: settings, store: MemoryStore())
            let origin = arguments.count > 5 ? arguments[5] : nil
            let person = Person(client: client, identifier: arguments[3], password: arguments[4], passkeys: softwarePasskeys(origin: origin))
            try await person.play(arguments[0])
            let token = try await client.accessToken()
            print("signed in: an access token of \(token.count) characters")
            try await client.signOut()
            exit(0)
        } catch {
            print("failed: \(error)")
            exit(1)
        }
    }
}

/// Somebody who goes along, step by step, wherever the engine leads.
struct Person {
    let client: KeyledgerClient
    let identifier: String
    let password: String
    /// nil: this machine has no P-256.
    let passkeys: Passkeys?

    struct Stuck: Error {
        let step: String
    }

    func play(_ mode: String) async throws {
        guard ["append", "skip", "passkey"].contains(mode) else { throw Stuck(step: "there is no mode \(mode)") }
        if mode != "skip" && passkeys == nil { print("left out: no CryptoKit here, so no passkey; the offer is declined") }
        try await signIn(takesOffer: mode != "skip")
        if mode == "passkey" && passkeys != nil {
            try await client.signOut()
            try await signIn(takesOffer: false)
        }
    }

    private func signIn(takesOffer: Bool) async throws {
        let device = Device(platform: .ios, locale: "en", osVersion: "18.0", appVersion: "1.0", screenLock: true, credentialManager: true)
        var state = try await client.start(identifier: identifier, device: device)
        while state.session.status == .running {
            let step = state.session.step
            print("step: \(step?.rawValue ?? "none")")
            state = try await taken(state, takesOffer: takesOffer)
        }
        print("login: \(state.session.status.rawValue), passkey: \(state.passkey?.status.rawValue ?? state.assertion?.outcome.rawValue ?? "none")")
        guard state.session.status == .completed else { throw Stuck(step: state.session.endReason?.rawValue ?? "expired") }
    }

    private func taken(_ state: SessionAnswer, takesOffer: Bool) async throws -> SessionAnswer {
        if state.allows(.passkey), let passkeys = passkeys { return try await client.signIn(with: passkeys) }
        if state.session.step == .append {
            if takesOffer, let passkeys = passkeys { return try await client.createPasskey(with: passkeys) }
            return try await client.skipAppend()
        }
        if state.allows(.password) { return try await client.sendPassword(password) }
        if state.allows(.otp) { return try await client.verifyCode(askForCode()) }
        if state.allows(.otpSend) { return try await client.sendCode(to: state.otp?.channels.first ?? .email) }
        if state.allows(.pin) { return try await client.setPin(state.pin?.keptOn == .server ? "271828" : nil) }
        if state.allows(.biometrics) { return try await client.setBiometrics(true) }
        throw Stuck(step: state.session.step?.rawValue ?? "none")
    }

    private func askForCode() throws -> String {
        print("code?")
        guard let line = readLine() else { throw Stuck(step: "no code on the standard input") }
        return line.trimmingCharacters(in: .whitespaces)
    }
}
