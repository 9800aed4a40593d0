import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Carries a request again and again, as it is, until there is an answer that somebody decided.
struct Courier {
    let engine: URL
    let attempts: Int
    let transport: Transport

    /// - Throws: `KeyledgerError.unanswered` after the last attempt
    func carry(_ request: PendingRequest, _ token: String?) async throws -> Reply {
        let made = try urlRequest(request, token)
        var sent = 0
        while true {
            var problem: Problem?
            var wait = Courier.pause(after: sent)
            do {
                let (data, response) = try await transport.send(made)
                let reply = Reply(data, response)
                if !reply.isUndecided { return reply }
                problem = reply.problem
                if let seconds = reply.retryAfter { wait = min(max(seconds, 0), 30) }
            } catch let error as URLError where error.code != .cancelled {
                // The network failed: the engine may or may not have had it.
            }
            sent += 1
            if sent >= attempts { throw KeyledgerError.unanswered(problem) }
            try await Task.sleep(nanoseconds: UInt64(wait * 1_000_000_000))
        }
    }

    /// Seconds: twice as long each time, up to 8, less a random half of it, so that many apps do not come back at once.
    private static func pause(after sent: Int) -> Double {
        let longest = min(0.25 * Double(1 << min(sent, 6)), 8)
        return longest * Double.random(in: 0.5...1)
    }

    private func urlRequest(_ request: PendingRequest, _ token: String?) throws -> URLRequest {
        var address = engine.absoluteString
        while address.hasSuffix("/") { address.removeLast() }
        guard let url = URL(string: address + request.href) else { throw URLError(.badURL) }
        var made = URLRequest(url: url)
        made.httpMethod = request.method
        made.httpBody = request.body
        if request.body != nil { made.setValue("application/json", forHTTPHeaderField: "Content-Type") }
        if let key = request.key { made.setValue(key, forHTTPHeaderField: "Idempotency-Key") }
        if let token = token { made.setValue("Bearer " + token, forHTTPHeaderField: "Authorization") }
        return made
    }
}
