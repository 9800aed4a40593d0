import Foundation

/// The state of a login and what is legal next. An app follows `next` and keeps no flow of its own.
public struct SessionAnswer: Codable, Equatable, Sendable {
    public let session: SessionState
    public let next: [NextAction]
    /// The login with a passkey; nil where none was asked for.
    public let assertion: AssertionState?
    /// The offer of a passkey; nil where none was made.
    public let offer: OfferState?
    /// The passkey that this session created.
    public let passkey: PasskeyState?
    public let otp: OtpState?
    public let pin: PinState?
    public let biometrics: BiometricsState?
    /// While a passkey is asked for.
    public let requestOptions: RequestOptions?
    /// Answered when the offer is taken.
    public let creationOptions: CreationOptions?
    /// What the credential manager may know of the account's passkeys: for `Passkeys.signal`.
    public let signals: Signals?
    /// Answered to the request that completed the login. The client keeps them: `accessToken()` is what an app needs.
    public internal(set) var tokens: Tokens?

    public func allows(_ action: Action) -> Bool {
        return next.contains { $0.action == action }
    }
}

public struct SessionState: Codable, Equatable, Sendable {
    public let id: String
    public let purpose: SessionPurpose
    public let status: SessionStatus
    public let endReason: EndReason?
    /// What the login is at; nil when it is over.
    public let step: Step?
    public let revision: Int
    public let expiresAt: Moment
    public let secondsLeft: Int
    /// Wrong proofs that this session still takes.
    public let attemptsLeft: Int
}

public struct NextAction: Codable, Equatable, Sendable {
    public let action: Action
    public let method: HTTPMethod
    /// Below the engine's address, but for `recover`, which is a whole one.
    public let href: String
    /// The fields that the body must have.
    public let needs: [String]
}

public struct AssertionState: Codable, Equatable, Sendable {
    public let outcome: AssertionOutcome
    public let reason: String?
    public let retryable: Bool
    /// Ask for passkeys on this device alone first: no sheet appears where there is none.
    public let preferImmediatelyAvailable: Bool
}

public struct OfferState: Codable, Equatable, Sendable {
    public let outcome: AppendOutcome
    public let reason: String?
    /// How many offers were made to this account, this one included.
    public let number: Int
    public let mode: OfferMode
    public let entryPoint: EntryPoint
    public let variant: String?
}

public struct PasskeyState: Codable, Equatable, Sendable {
    public let id: String
    public let status: PasskeyStatus
}

public struct OtpState: Codable, Equatable, Sendable {
    public let outcome: OtpOutcome
    /// Where a code can go.
    public let channels: [Channel]
    public let channel: Channel?
    public let delivery: OtpDelivery?
    public let expiresAt: Moment?
    public let resendAt: Moment?
    public let sendsLeft: Int
    public let attemptsLeft: Int
}

public struct PinState: Codable, Equatable, Sendable {
    public let outcome: PinOutcome
    public let keptOn: PinKeeper
}

public struct BiometricsState: Codable, Equatable, Sendable {
    public let outcome: BiometricsOutcome
}

/// PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3, 5.1).
public struct RequestOptions: Codable, Equatable, Sendable {
    public let challenge: String
    /// Milliseconds.
    public let timeout: Int
    public let rpId: String
    /// Empty: any passkey of this domain.
    public let allowCredentials: [Descriptor]
    public let userVerification: String
}

/// PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3, 5.1).
public struct CreationOptions: Codable, Equatable, Sendable {
    public let rp: RelyingParty
    public let user: UserEntity
    public let challenge: String
    public let pubKeyCredParams: [CredentialParameters]
    /// Milliseconds.
    public let timeout: Int
    public let excludeCredentials: [Descriptor]
    public let authenticatorSelection: AuthenticatorSelection
    public let attestation: String
}

public struct RelyingParty: Codable, Equatable, Sendable {
    public let id: String
    public let name: String
}

public struct UserEntity: Codable, Equatable, Sendable {
    public let id: String
    public let name: String
    public let displayName: String
}

public struct CredentialParameters: Codable, Equatable, Sendable {
    public let type: String
    /// Of the COSE registry: -7 is ECDSA with SHA-256 on P-256.
    public let alg: Int
}

public struct AuthenticatorSelection: Codable, Equatable, Sendable {
    public let residentKey: String
    public let requireResidentKey: Bool
    public let userVerification: String
}

public struct Descriptor: Codable, Equatable, Sendable {
    public let type: String
    public let id: String
    public let transports: [String]
}

/// What a credential manager may keep, and what the account is called (WebAuthn Level 3, 5.1.10).
public struct Signals: Codable, Equatable, Sendable {
    public let rpId: String
    /// base64url.
    public let userId: String
    /// A passkey of the person that is not among them may be hidden or removed.
    public let acceptedCredentialIds: [String]
    public let name: String
    public let displayName: String
}

public struct Tokens: Codable, Equatable, Sendable {
    public let tokenType: String
    /// JWT (RFC 9068).
    public let accessToken: String
    /// Seconds.
    public let expiresIn: Int
    public let refreshToken: String
    public let refreshExpiresAt: Moment
}

public struct RefreshAnswer: Codable, Equatable, Sendable {
    public let tokens: Tokens
}

public struct UnlockAnswer: Codable, Equatable, Sendable {
    public let unlocked: Bool
}

public struct BiometricsAnswer: Codable, Equatable, Sendable {
    public let enabled: Bool
}

public struct PasskeysAnswer: Codable, Equatable, Sendable {
    public let passkeys: [Passkey]
    public let signals: Signals
}

/// A passkey in the person's list.
public struct Passkey: Codable, Equatable, Sendable {
    public let id: String
    /// As the person called it, else the provider.
    public let name: String
    /// Who keeps it; nil for a provider that is not known.
    public let provider: String?
    public let aaguid: String
    public let status: PasskeyStatus
    public let createdAt: Moment
    /// nil: never, or not known now.
    public let lastUsedAt: Moment?
    /// It is synchronized, so losing the device does not lose it.
    public let backedUp: Bool
    /// It was created or used on this installation.
    public let here: Bool
}

public struct OwnAccountAnswer: Codable, Equatable, Sendable {
    public let contacts: [Contact]
}

/// Where codes and notices go.
public struct Contact: Codable, Equatable, Sendable {
    public let id: String
    public let channel: Channel
    public let address: String
}

/// What the engine says when it says no (RFC 9457).
public struct Problem: Codable, Equatable, Sendable {
    public let type: String
    public let title: String
    public let status: Int
    public let code: ProblemCode
    public let detail: String?
    public let reason: String?
    public let retryable: Bool?
    public let attemptsLeft: Int?
    /// A passkey that is not known here, or was not taken: the device may forget it.
    public let unknownCredentialId: String?
    /// With `insufficientUserAuthentication`: how fresh the login must be, in seconds (RFC 9470).
    /// With a 429: so long until the request is looked at, in seconds.
    public let retryAfterSeconds: Int?
    public let maxAgeSeconds: Int?
}

/// A time as the engine writes it (ISO 8601, UTC).
public struct Moment: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// nil for what cannot be read.
    public var date: Date? {
        let reader = ISO8601DateFormatter()
        reader.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        if let date = reader.date(from: rawValue) { return date }
        reader.formatOptions = [.withInternetDateTime]
        return reader.date(from: rawValue)
    }
}
