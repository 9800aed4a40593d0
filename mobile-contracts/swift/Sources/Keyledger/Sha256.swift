import Foundation
#if canImport(CryptoKit)
import CryptoKit

public enum Sha256 {
    public static func hash(_ data: Data) -> Data {
        return Data(SHA256.hash(data: data))
    }
}
#else

/// FIPS 180-4, 6.2, for machines without CryptoKit. `keyledger-login selftest` holds it against published vectors.
public enum Sha256 {
    public static func hash(_ data: Data) -> Data {
        var state: [UInt32] = [
            0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
        ]
        let message = padded([UInt8](data))
        var start = 0
        while start < message.count {
            compress(&state, message, start)
            start += 64
        }
        var digest = Data(capacity: 32)
        for word in state {
            digest.append(UInt8(word >> 24))
            digest.append(UInt8((word >> 16) & 0xff))
            digest.append(UInt8((word >> 8) & 0xff))
            digest.append(UInt8(word & 0xff))
        }
        return digest
    }

    /// A one bit, zeros, and the length in bits (5.1.1).
    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        var message = bytes
        message.append(0x80)
        while message.count % 64 != 56 { message.append(0) }
        let bits = UInt64(bytes.count) * 8
        for index in 0..<8 {
            let shift = UInt64(56 - 8 * index)
            message.append(UInt8((bits >> shift) & 0xff))
        }
        return message
    }

    private static func compress(_ state: inout [UInt32], _ message: [UInt8], _ start: Int) {
        var w = [UInt32](repeating: 0, count: 64)
        for t in 0..<16 {
            let at = start + 4 * t
            let high: UInt32 = UInt32(message[at]) << 24 | UInt32(message[at + 1]) << 16
            let low: UInt32 = UInt32(message[at + 2]) << 8 | UInt32(message[at + 3])
            w[t] = high | low
        }
        for t in 16..<64 {
            let s0: UInt32 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ (w[t - 15] >> 3)
            let s1: UInt32 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ (w[t - 2] >> 10)
            w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
        }

        var v = state
        for t in 0..<64 {
            let s1: UInt32 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)
            let choice: UInt32 = (v[4] & v[5]) ^ (~v[4] & v[6])
            let t1: UInt32 = v[7] &+ s1 &+ choice &+ constants[t] &+ w[t]
            let s0: UInt32 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)
            let majority: UInt32 = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
            let t2: UInt32 = s0 &+ majority
            v = [t1 &+ t2, v[0], v[1], v[2], v[3] &+ t1, v[4], v[5], v[6]]
        }
        for index in 0..<8 { state[index] = state[index] &+ v[index] }
    }

    private static func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 {
        return (word >> bits) | (word << (32 - bits))
    }

    private static let constants: [UInt32] = [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ]
}
#endif
