import Foundation

/// What the client knows, kept as one item, so that an answer and what follows from it are written together or not at all.
struct Memory: Codable {
    /// Of the login that is under way, or of the last one.
    var flowToken: String?
    var platform: Platform = .ios
    /// The last answer with a state.
    var latest: SessionAnswer?
    /// Requests that have no answer yet, oldest first.
    var pending: [PendingRequest] = []
    var signedIn: SignedIn?

    init() {}

    /// Each part by itself: what an older version of the app wrote and this one cannot read costs a login at most, and never the others.
    init(from decoder: Decoder) throws {
        let kept = try decoder.container(keyedBy: CodingKeys.self)
        flowToken = try? kept.decode(String.self, forKey: .flowToken)
        platform = (try? kept.decode(Platform.self, forKey: .platform)) ?? .ios
        latest = try? kept.decode(SessionAnswer.self, forKey: .latest)
        pending = (try? kept.decode([PendingRequest].self, forKey: .pending)) ?? []
        signedIn = try? kept.decode(SignedIn.self, forKey: .signedIn)
    }
}

/// One request under one key. It is repeated as it stands here until an answer comes, by another run of the app too.
struct PendingRequest: Codable, Equatable {
    /// Which token goes with it. The token itself may change between two attempts.
    enum Authorization: String, Codable {
        case none
        case flowToken
        case accessToken
    }

    let method: String
    let href: String
    let authorization: Authorization
    let body: Data?
    /// 128 random bits; nil for what needs none.
    let key: String?

    /// The path of a start, whose answer is the first of a login.
    static let start = "/v1/sessions"
    var isStart: Bool { return href == PendingRequest.start }
    var isRefresh: Bool { return href.hasSuffix("/refresh") }
    /// Of a login, as opposed to what somebody does who is signed in.
    var isOfLogin: Bool { return isStart || authorization == .flowToken }

    func asks(sameAs other: PendingRequest) -> Bool {
        return method == other.method && href == other.href && authorization == other.authorization && body == other.body
    }
}

struct SignedIn: Codable {
    let session: String
    let tokens: Tokens
    /// By this device's clock.
    let receivedAt: Date

    /// Half a minute before its end a token counts as old: the request that carries it takes time too. A clock that was put back says nothing.
    func isFresh(at now: Date) -> Bool {
        let age = now.timeIntervalSince(receivedAt)
        return age >= 0 && age < Double(tokens.expiresIn) - 30
    }
}
