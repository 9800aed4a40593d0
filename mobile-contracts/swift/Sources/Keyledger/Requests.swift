// The bodies of the requests. What is nil is left out.

struct StartBody: Encodable {
    let app: String
    let installation: String
    let flowChallenge: String
    let supports: [Action]
    let identifier: String?
    let entryPoint: EntryPoint?
    let device: Device
}

/// What the app knows of its device, told at each start. It decides whether a passkey can be offered at all.
public struct Device: Codable, Equatable, Sendable {
    public var platform: Platform
    /// BCP 47; codes and notices are written in it.
    public var locale: String?
    public var osVersion: String?
    public var appVersion: String?
    public var model: String?
    /// Without a screen lock a device cannot keep a passkey.
    public var screenLock: Bool?
    /// Whether local biometrics are enrolled: without them nobody is asked whether to unlock by them.
    public var biometrics: Bool?
    /// Whether a credential manager that keeps passkeys is there and switched on.
    public var credentialManager: Bool?
    /// Whether the platform can create a passkey without a prompt: iOS 18 and later.
    public var conditionalCreate: Bool?

    public init(
        platform: Platform = .ios,
        locale: String? = nil,
        osVersion: String? = nil,
        appVersion: String? = nil,
        model: String? = nil,
        screenLock: Bool? = nil,
        biometrics: Bool? = nil,
        credentialManager: Bool? = nil,
        conditionalCreate: Bool? = nil
    ) {
        self.platform = platform
        self.locale = locale
        self.osVersion = osVersion
        self.appVersion = appVersion
        self.model = model
        self.screenLock = screenLock
        self.biometrics = biometrics
        self.credentialManager = credentialManager
        self.conditionalCreate = conditionalCreate
    }
}

struct PasskeyBody: Encodable {
    let credential: AssertionCredential
}

struct AppendBody: Encodable {
    let credential: RegistrationCredential
}

struct ReportBody: Encodable {
    let platform: Platform
    let code: String
    let message: String?
}

struct PasswordBody: Encodable {
    let password: String
    let insteadOf: PasswordReason?
    let autofilled: Bool?
}

struct AppendSkipBody: Encodable {
    let reason: SkipReason
}

struct OtpSendBody: Encodable {
    let channel: Channel
}

struct OtpBody: Encodable {
    let code: String
}

struct PinBody: Encodable {
    let pin: String?
}

struct BiometricsBody: Encodable {
    let enabled: Bool
}

struct RefreshBody: Encodable {
    let refreshToken: String
}

struct UnlockBody: Encodable {
    let pin: String
}

struct PasskeyNameBody: Encodable {
    let name: String
}

struct ContactBody: Encodable {
    let channel: Channel
    let address: String
}

struct OwnPasswordBody: Encodable {
    let password: String
}
