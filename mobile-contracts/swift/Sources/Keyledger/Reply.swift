import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// An answer as it came.
struct Reply {
    let status: Int
    let data: Data
    let retryAfter: Double?

    init(_ data: Data, _ response: HTTPURLResponse) {
        self.status = response.statusCode
        self.data = data
        self.retryAfter = response.value(forHTTPHeaderField: "Retry-After").flatMap { Double($0) }
    }

    var isSuccess: Bool { return status >= 200 && status < 300 }

    func read<Answer: Decodable>(_ type: Answer.Type) -> Answer? {
        return try? JSONDecoder().decode(type, from: data)
    }

    /// Of an answer, or carried by a problem.
    var state: SessionAnswer? { return read(SessionAnswer.self) }
    var problem: Problem? { return isSuccess ? nil : read(Problem.self) }

    /// Nobody decided it, so the same request may be sent again. A problem with a state was decided, a 503 too: the carrier would not take a code.
    var isUndecided: Bool { return [502, 503, 504].contains(status) && state == nil }

    /// It will be the same however often the request is repeated. After a 500 nobody knows, so its key is kept.
    var isFinal: Bool {
        if isSuccess { return true }
        return problem != nil && (status < 500 || state != nil)
    }

    var failure: KeyledgerError {
        guard let problem = problem else { return .unreadable(status: status) }
        if problem.code == .upgradeRequired { return .upgradeRequired }
        return .refused(Refusal(problem: problem, state: state, retryAfter: retryAfter))
    }
}
