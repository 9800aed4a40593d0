import Foundation
import Keyledger

#if canImport(CryptoKit)
import CryptoKit

func softwarePasskeys(origin: String?) -> Passkeys? {
    return SoftwarePasskeys(origin: origin)
}

/// Passkeys in memory, with P-256 keys: authenticator and client in one (WebAuthn Level 3, 5.1 and 6). For a machine without a person.
final class SoftwarePasskeys: Passkeys, @unchecked Sendable {
    private struct Kept {
        let id: Data
        let rpId: String
        let userHandle: String
        let key: P256.Signing.PrivateKey
    }

    private let origin: String?
    private let lock = NSLock()
    private var kept: [Kept] = []

    init(origin: String?) {
        self.origin = origin
    }

    func use(_ options: RequestOptions, preferImmediatelyAvailable: Bool) async throws -> AssertionCredential {
        let allowed = options.allowCredentials.map { $0.id }
        guard let passkey = all().last(where: { $0.rpId == options.rpId && (allowed.isEmpty || allowed.contains(Base64Url.encode($0.id))) }) else {
            throw PasskeyFailure(code: "1001", message: "no passkey here")
        }
        let clientData = clientDataJSON("webauthn.get", options.challenge, options.rpId)
        let data = authenticatorData(options.rpId, flags: 0x1d, attested: Data())
        let signature = try passkey.key.signature(for: data + Sha256.hash(clientData)).derRepresentation
        return AssertionCredential(
            id: Base64Url.encode(passkey.id),
            authenticatorAttachment: "platform",
            response: AssertionCredential.Response(
                clientDataJSON: Base64Url.encode(clientData),
                authenticatorData: Base64Url.encode(data),
                signature: Base64Url.encode(signature),
                userHandle: passkey.userHandle
            )
        )
    }

    func create(_ options: CreationOptions, conditional: Bool) async throws -> RegistrationCredential {
        let excluded = options.excludeCredentials.map { $0.id }
        if all().contains(where: { excluded.contains(Base64Url.encode($0.id)) }) {
            throw PasskeyFailure(code: "1006", message: "there is a passkey already")
        }
        let key = P256.Signing.PrivateKey()
        let id = SymmetricKey(size: .bits128).withUnsafeBytes { Data($0) }
        keep(Kept(id: id, rpId: options.rp.id, userHandle: options.user.id, key: key))

        // AAGUID (none), length and id of the credential, COSE key (6.5.1).
        var attested = Data(count: 16)
        attested.append(contentsOf: [0, UInt8(id.count)])
        attested.append(id)
        attested.append(coseKey(key.publicKey))
        let data = authenticatorData(options.rp.id, flags: 0x5d, attested: attested)
        return RegistrationCredential(
            id: Base64Url.encode(id),
            authenticatorAttachment: "platform",
            response: RegistrationCredential.Response(
                clientDataJSON: Base64Url.encode(clientDataJSON("webauthn.create", options.challenge, options.rp.id)),
                attestationObject: Base64Url.encode(attestationObject(data)),
                transports: ["internal", "hybrid"]
            )
        )
    }

    private func all() -> [Kept] {
        lock.lock()
        defer { lock.unlock() }
        return kept
    }

    private func keep(_ passkey: Kept) {
        lock.lock()
        defer { lock.unlock() }
        kept.append(passkey)
    }

    private func clientDataJSON(_ type: String, _ challenge: String, _ rpId: String) -> Data {
        let place = origin ?? "https://\(rpId)"
        return Data("{\"type\":\"\(type)\",\"challenge\":\"\(challenge)\",\"origin\":\"\(place)\",\"crossOrigin\":false}".utf8)
    }

    /// Flags: user present, user verified, backup eligible, backed up; attested data with a creation. No counter (6.1).
    private func authenticatorData(_ rpId: String, flags: UInt8, attested: Data) -> Data {
        return Sha256.hash(Data(rpId.utf8)) + Data([flags, 0, 0, 0, 0]) + attested
    }

    /// CBOR by hand: {1: 2, 3: -7, -1: 1, -2: x, -3: y} (RFC 9053, 7.1).
    private func coseKey(_ key: P256.Signing.PublicKey) -> Data {
        let point = key.rawRepresentation
        let head = Data([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20])
        return head + point.prefix(32) + Data([0x22, 0x58, 0x20]) + point.suffix(32)
    }

    /// CBOR by hand: {"fmt": "none", "attStmt": {}, "authData": bytes} (6.5.4). 0x58: less than 256 bytes.
    private func attestationObject(_ authenticatorData: Data) -> Data {
        var object = Data([0xa3, 0x63])
        object.append(Data("fmt".utf8))
        object.append(0x64)
        object.append(Data("none".utf8))
        object.append(0x67)
        object.append(Data("attStmt".utf8))
        object.append(contentsOf: [0xa0, 0x68])
        object.append(Data("authData".utf8))
        object.append(contentsOf: [0x58, UInt8(authenticatorData.count)])
        object.append(authenticatorData)
        return object
    }
}
#else

func softwarePasskeys(origin: String?) -> Passkeys? {
    return nil
}
#endif
