import Foundation

/// Where the client keeps what outlives the app's process: the flow token, requests without an answer, the tokens.
/// All of it is secret. On Apple's platforms use `KeychainStore`.
public protocol SecureStore: Sendable {
    /// nil for what was never written, or was removed.
    func read(_ name: String) throws -> Data?
    /// What was there before is replaced as a whole.
    func write(_ name: String, _ data: Data) throws
    func remove(_ name: String) throws
}

/// Keeps nothing beyond the process: for tests, and for the executable of this package.
public final class MemoryStore: SecureStore, @unchecked Sendable {
    private let lock = NSLock()
    private var items: [String: Data] = [:]

    public init() {}

    public func read(_ name: String) -> Data? {
        lock.lock()
        defer { lock.unlock() }
        return items[name]
    }

    public func write(_ name: String, _ data: Data) {
        lock.lock()
        defer { lock.unlock() }
        items[name] = data
    }

    public func remove(_ name: String) {
        lock.lock()
        defer { lock.unlock() }
        items[name] = nil
    }
}
