import Foundation

/// The device's passkeys: `AuthenticationServicesPasskeys` on iOS, something in software for a test.
public protocol Passkeys: Sendable {
    /// `preferImmediatelyAvailable`: ask for passkeys on this device alone, and fail without a sheet where there is none.
    /// - Throws: `PasskeyFailure`
    func use(_ options: RequestOptions, preferImmediatelyAvailable: Bool) async throws -> AssertionCredential
    /// `conditional`: create without a prompt, or fail without one.
    /// - Throws: `PasskeyFailure`
    func create(_ options: CreationOptions, conditional: Bool) async throws -> RegistrationCredential
    /// The passkeys and the name that the account has now. What comes of it, no login depends on.
    func signal(_ signals: Signals) async
    /// A passkey that the engine does not take: the credential manager may forget it.
    func signalUnknown(credentialId: String, rpId: String) async
}

extension Passkeys {
    public func signal(_ signals: Signals) async {}
    public func signalUnknown(credentialId: String, rpId: String) async {}
}

/// The device brought no passkey. It is reported as the platform said it, and the login goes on.
public struct PasskeyFailure: Error, Equatable, Sendable {
    /// The platform's own code: the number of an `ASAuthorizationError` as text, such as `1001`; of another domain its name, a slash and the number.
    public let code: String
    /// For people who look for a fault. Not stored.
    public let message: String?

    public init(code: String, message: String? = nil) {
        self.code = code
        self.message = message
    }
}
