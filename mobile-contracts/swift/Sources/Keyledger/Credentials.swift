// What the platform's passkey API gave, in the form of WebAuthn Level 3, 5.1. All binary values are base64url.

/// AuthenticationResponseJSON: a passkey that signs in.
public struct AssertionCredential: Encodable, Equatable, Sendable {
    public struct Response: Encodable, Equatable, Sendable {
        public let clientDataJSON: String
        public let authenticatorData: String
        public let signature: String
        public let userHandle: String?

        public init(clientDataJSON: String, authenticatorData: String, signature: String, userHandle: String?) {
            self.clientDataJSON = clientDataJSON
            self.authenticatorData = authenticatorData
            self.signature = signature
            self.userHandle = userHandle
        }
    }

    public let type: String
    public let id: String
    public let rawId: String
    /// `platform`, or `cross-platform` for a passkey of another device.
    public let authenticatorAttachment: String?
    public let clientExtensionResults: [String: Bool]
    public let response: Response

    public init(id: String, authenticatorAttachment: String?, response: Response) {
        self.type = "public-key"
        self.id = id
        self.rawId = id
        self.authenticatorAttachment = authenticatorAttachment
        self.clientExtensionResults = [:]
        self.response = response
    }
}

/// RegistrationResponseJSON: a passkey that was created.
public struct RegistrationCredential: Encodable, Equatable, Sendable {
    public struct Response: Encodable, Equatable, Sendable {
        public let clientDataJSON: String
        public let attestationObject: String
        public let transports: [String]

        public init(clientDataJSON: String, attestationObject: String, transports: [String]) {
            self.clientDataJSON = clientDataJSON
            self.attestationObject = attestationObject
            self.transports = transports
        }
    }

    public let type: String
    public let id: String
    public let rawId: String
    public let authenticatorAttachment: String?
    public let clientExtensionResults: [String: Bool]
    public let response: Response

    public init(id: String, authenticatorAttachment: String?, response: Response) {
        self.type = "public-key"
        self.id = id
        self.rawId = id
        self.authenticatorAttachment = authenticatorAttachment
        self.clientExtensionResults = [:]
        self.response = response
    }
}
