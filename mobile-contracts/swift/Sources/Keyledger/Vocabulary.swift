// The words of the API. Each list is open: a later release may say a word that is not here, and it is kept as it came.

/// What an app may do next. A name stands for one request; the engine tells which are legal now.
public struct Action: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let passkey = Action(rawValue: "passkey")
    public static let passkeyOptions = Action(rawValue: "passkey_options")
    public static let passkeyReport = Action(rawValue: "passkey_report")
    public static let password = Action(rawValue: "password")
    public static let appendOptions = Action(rawValue: "append_options")
    public static let append = Action(rawValue: "append")
    public static let appendSkip = Action(rawValue: "append_skip")
    public static let appendReport = Action(rawValue: "append_report")
    public static let otpSend = Action(rawValue: "otp_send")
    public static let otp = Action(rawValue: "otp")
    public static let otpSkip = Action(rawValue: "otp_skip")
    public static let pin = Action(rawValue: "pin")
    public static let pinSkip = Action(rawValue: "pin_skip")
    public static let biometrics = Action(rawValue: "biometrics")
    public static let biometricsSkip = Action(rawValue: "biometrics_skip")
    public static let refresh = Action(rawValue: "refresh")
    public static let unlock = Action(rawValue: "unlock")
    public static let switchBiometrics = Action(rawValue: "switch_biometrics")
    public static let signOut = Action(rawValue: "sign_out")
    public static let recover = Action(rawValue: "recover")
}

/// What a login is at.
public struct Step: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let passkey = Step(rawValue: "passkey")
    public static let password = Step(rawValue: "password")
    public static let append = Step(rawValue: "append")
    public static let otp = Step(rawValue: "otp")
    public static let pin = Step(rawValue: "pin")
    public static let biometrics = Step(rawValue: "biometrics")
}

public struct SessionStatus: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let running = SessionStatus(rawValue: "running")
    public static let completed = SessionStatus(rawValue: "completed")
    public static let expired = SessionStatus(rawValue: "expired")
    public static let ended = SessionStatus(rawValue: "ended")
}

/// `settings`: a short session in which somebody who is signed in creates a passkey.
public struct SessionPurpose: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let login = SessionPurpose(rawValue: "login")
    public static let settings = SessionPurpose(rawValue: "settings")
}

/// Why a login ended without completion.
public struct EndReason: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let tooManyRefusals = EndReason(rawValue: "too_many_refusals")
    public static let accountDisabled = EndReason(rawValue: "account_disabled")
    public static let noContact = EndReason(rawValue: "no_contact")
    public static let upgradeRequired = EndReason(rawValue: "upgrade_required")
    public static let identifierNeeded = EndReason(rawValue: "identifier_needed")
    public static let signedOut = EndReason(rawValue: "signed_out")
}

/// Where the offer of a passkey is made.
public struct EntryPoint: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let postLogin = EntryPoint(rawValue: "post_login")
    public static let loginError = EntryPoint(rawValue: "login_error")
    public static let crossDevice = EntryPoint(rawValue: "cross_device")
    public static let settings = EntryPoint(rawValue: "settings")
}

/// `automatic`: open the system's prompt without a screen of the app's own. `conditional`: create without a prompt.
public struct OfferMode: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let manual = OfferMode(rawValue: "manual")
    public static let automatic = OfferMode(rawValue: "automatic")
    public static let conditional = OfferMode(rawValue: "conditional")
}

/// What became of an offer.
public struct AppendOutcome: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let due = AppendOutcome(rawValue: "due")
    public static let withheld = AppendOutcome(rawValue: "withheld")
    public static let offered = AppendOutcome(rawValue: "offered")
    public static let started = AppendOutcome(rawValue: "started")
    public static let appended = AppendOutcome(rawValue: "appended")
    public static let skipped = AppendOutcome(rawValue: "skipped")
    public static let cancelled = AppendOutcome(rawValue: "cancelled")
    public static let notShown = AppendOutcome(rawValue: "not_shown")
    public static let failed = AppendOutcome(rawValue: "failed")
}

public struct SkipReason: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let declined = SkipReason(rawValue: "declined")
    public static let never = SkipReason(rawValue: "never")
}

/// Why the password, although a passkey was asked for.
public struct PasswordReason: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let noCredential = PasswordReason(rawValue: "no_credential")
    public static let cancelled = PasswordReason(rawValue: "cancelled")
    public static let failed = PasswordReason(rawValue: "failed")
    public static let chosen = PasswordReason(rawValue: "chosen")
}

/// What became of a login with a passkey.
public struct AssertionOutcome: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let requested = AssertionOutcome(rawValue: "requested")
    public static let verified = AssertionOutcome(rawValue: "verified")
    public static let rejected = AssertionOutcome(rawValue: "rejected")
    public static let notUsed = AssertionOutcome(rawValue: "not_used")
}

/// `pending`: it signs in nowhere before the codes of its login were given.
public struct PasskeyStatus: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let pending = PasskeyStatus(rawValue: "pending")
    public static let active = PasskeyStatus(rawValue: "active")
}

/// How a code reaches a person.
public struct Channel: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let email = Channel(rawValue: "email")
    public static let sms = Channel(rawValue: "sms")
}

public struct OtpOutcome: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let due = OtpOutcome(rawValue: "due")
    public static let verified = OtpOutcome(rawValue: "verified")
    public static let skipped = OtpOutcome(rawValue: "skipped")
}

/// Whether the carrier took the code.
public struct OtpDelivery: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let pending = OtpDelivery(rawValue: "pending")
    public static let sent = OtpDelivery(rawValue: "sent")
    public static let failed = OtpDelivery(rawValue: "failed")
}

/// Who keeps the PIN.
public struct PinKeeper: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let device = PinKeeper(rawValue: "device")
    public static let server = PinKeeper(rawValue: "server")
}

/// `here`: it was set on this installation before.
public struct PinOutcome: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let due = PinOutcome(rawValue: "due")
    public static let here = PinOutcome(rawValue: "here")
    public static let set = PinOutcome(rawValue: "set")
    public static let skipped = PinOutcome(rawValue: "skipped")
}

/// `here`: it was switched on this installation before.
public struct BiometricsOutcome: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let due = BiometricsOutcome(rawValue: "due")
    public static let here = BiometricsOutcome(rawValue: "here")
    public static let on = BiometricsOutcome(rawValue: "on")
    public static let off = BiometricsOutcome(rawValue: "off")
    public static let skipped = BiometricsOutcome(rawValue: "skipped")
}

public struct Platform: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let ios = Platform(rawValue: "ios")
    public static let android = Platform(rawValue: "android")
    public static let web = Platform(rawValue: "web")
}

public struct HTTPMethod: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let get = HTTPMethod(rawValue: "GET")
    public static let post = HTTPMethod(rawValue: "POST")
    public static let delete = HTTPMethod(rawValue: "DELETE")
}
