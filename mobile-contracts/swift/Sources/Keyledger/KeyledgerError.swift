import Foundation

/// Why a request did not bring what was asked for.
public enum KeyledgerError: Error, Sendable {
    /// The engine said no. Show what the guide says for the code, and go by the state, if there is one.
    case refused(Refusal)
    /// No answer came, or one that nobody decided (with its problem). The request is kept: ask the person to try again, and call the same method
    /// with the same arguments, or `resume()`. It is repeated as it was, under its key, so nothing happens twice.
    case unanswered(Problem?)
    /// The login demands a step that this version of the app cannot take: show where to get a newer one.
    case upgradeRequired
    /// The step is not among what the last answer allows: show the step that is.
    case notLegal(Action)
    /// Nobody is signed in: start a login.
    case signedOut
    /// Something answered that is not the engine, such as a proxy.
    case unreadable(status: Int)
}

public struct Refusal: Equatable, Sendable {
    public let problem: Problem
    /// What the login is at after the refusal; nil for a problem without a session.
    public let state: SessionAnswer?
    /// Seconds after which it may be tried again, where the engine said so.
    public let retryAfter: Double?

    public var code: ProblemCode { return problem.code }
}
