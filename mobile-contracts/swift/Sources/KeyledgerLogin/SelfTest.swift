import Foundation
import Keyledger

/// What can be tested without an engine. The vectors: of nothing, from the CAVP of NIST; the other three, FIPS 180-2, appendix B; the challenge,
/// RFC 7636, appendix B.
func selfTest() -> Bool {
    let vectors: [(String, String)] = [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ]
    var isGood = true
    for (text, expected) in vectors {
        let digest = Sha256.hash(Data(text.utf8)).map { String(format: "%02x", $0) }.joined()
        if digest != expected {
            print("SHA-256 of \(text.count) characters is \(digest)")
            isGood = false
        }
    }
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    if Base64Url.encode(Sha256.hash(Data(verifier.utf8))) != "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" {
        print("the challenge of the flow token is wrong")
        isGood = false
    }
    if Base64Url.decode("_-8") != Data([0xff, 0xef]) {
        print("base64url is wrong")
        isGood = false
    }
    print(isGood ? "selftest: good" : "selftest: failed")
    return isGood
}
