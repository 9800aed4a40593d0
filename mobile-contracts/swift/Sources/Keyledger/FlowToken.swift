import Foundation

/// The app's secret of one login, as the code verifier of PKCE (RFC 7636): the start carries its hash, every later request the token itself.
enum FlowToken {
    static func make() -> String {
        return Base64Url.encode(randomBytes(32))
    }

    static func challenge(of token: String) -> String {
        return Base64Url.encode(Sha256.hash(Data(token.utf8)))
    }
}

/// From the system's source, which is a cryptographic one on every platform.
func randomBytes(_ count: Int) -> Data {
    var generator = SystemRandomNumberGenerator()
    var bytes = Data(capacity: count)
    for _ in 0..<count {
        bytes.append(UInt8.random(in: UInt8.min...UInt8.max, using: &generator))
    }
    return bytes
}
