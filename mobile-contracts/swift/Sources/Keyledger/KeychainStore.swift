// Not compiled where this package is tested: there is no Keychain on Linux.
#if canImport(Security)
import Foundation
import Security

/// The Keychain, for this device alone: what is kept here is in no backup and on no other device.
/// It outlives the app being deleted. To begin anew after a reinstallation, call `removeAll()` when a flag in `UserDefaults` is missing.
public final class KeychainStore: SecureStore {
    public struct Failure: Error, Sendable {
        /// errSec…
        public let status: Int32
    }

    private let service: String

    /// `service`: tells the items of several engines or apps apart.
    public init(service: String = "keyledger") {
        self.service = service
    }

    public func read(_ name: String) throws -> Data? {
        var query = item(name)
        query[kSecReturnData as String] = true
        query[kSecMatchLimit as String] = kSecMatchLimitOne
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        if status == errSecItemNotFound { return nil }
        guard status == errSecSuccess else { throw Failure(status: status) }
        return found as? Data
    }

    public func write(_ name: String, _ data: Data) throws {
        let changes: [String: Any] = [kSecValueData as String: data]
        let status = SecItemUpdate(item(name) as CFDictionary, changes as CFDictionary)
        if status == errSecSuccess { return }
        guard status == errSecItemNotFound else { throw Failure(status: status) }
        var added = item(name)
        added[kSecValueData as String] = data
        // After the first unlock: tokens are refreshed in the background too. Never synchronized, never in a backup.
        added[kSecAttrAccessible as String] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
        let addedStatus = SecItemAdd(added as CFDictionary, nil)
        guard addedStatus == errSecSuccess else { throw Failure(status: addedStatus) }
    }

    public func remove(_ name: String) throws {
        try delete(item(name))
    }

    public func removeAll() throws {
        try delete([kSecClass as String: kSecClassGenericPassword, kSecAttrService as String: service])
    }

    private func item(_ name: String) -> [String: Any] {
        return [
            kSecClass as String: kSecClassGenericPassword,
            kSecAttrService as String: service,
            kSecAttrAccount as String: name,
        ]
    }

    private func delete(_ query: [String: Any]) throws {
        let status = SecItemDelete(query as CFDictionary)
        guard status == errSecSuccess || status == errSecItemNotFound else { throw Failure(status: status) }
    }
}
#endif
