import Foundation

/// One installation of an app, with one login at a time. All that it needs to go on after the app was killed is in its store.
///
/// Every method that changes something sends one request under one key until an answer comes. Where none comes it throws
/// `KeyledgerError.unanswered`; the same call with the same arguments then repeats that very request.
public actor KeyledgerClient {
    public struct Settings: Sendable {
        /// Where the engine listens, such as `https://login.example.com`.
        public var engine: URL
        /// The app's id in the engine's registry.
        public var app: String
        /// The actions that the app has screens for. The engine leads through these alone.
        public var supports: [Action]
        /// How often a request is sent at most before `unanswered` is thrown.
        public var attempts: Int

        public init(engine: URL, app: String, supports: [Action] = Settings.allSteps, attempts: Int = 5) {
            self.engine = engine
            self.app = app
            self.supports = supports
            self.attempts = attempts
        }

        public static let allSteps: [Action] = [
            .passkey, .passkeyOptions, .passkeyReport, .password, .appendOptions, .append, .appendSkip, .appendReport,
            .otpSend, .otp, .otpSkip, .pin, .pinSkip, .biometrics, .biometricsSkip,
        ]
    }

    let settings: Settings
    private let store: SecureStore
    private let courier: Courier
    var memory: Memory
    private var refreshing: Task<String, Error>?

    private static let item = "keyledger"
    private static let installationItem = "keyledger-installation"

    /// - Throws: what the store throws: the Keychain before the device was unlocked for the first time
    public init(settings: Settings, store: SecureStore, transport: Transport = URLSessionTransport()) throws {
        self.settings = settings
        self.store = store
        self.courier = Courier(engine: settings.engine, attempts: settings.attempts, transport: transport)
        let kept = try store.read(KeyledgerClient.item)
        self.memory = kept.flatMap { try? JSONDecoder().decode(Memory.self, from: $0) } ?? Memory()
    }

    /// The last answer with a state: where to go on, after the app was killed too.
    public var latest: SessionAnswer? { return memory.latest }
    public var isSignedIn: Bool { return memory.signedIn != nil }

    /// Sends once more what had no answer when the app was last seen. Call it when the app starts.
    /// - Returns: the state as it is now
    @discardableResult
    public func resume() async throws -> SessionAnswer? {
        // A refresh is repeated by `accessToken()`.
        for request in memory.pending where !request.isRefresh {
            let reply = try await carry(request)
            guard reply.isSuccess else { throw reply.failure }
        }
        return try memory.latest.map { try passable($0) }
    }

    /// Drops the login and the tokens here, and tells nobody: after an account was removed, or to sign out without a network.
    public func forget() throws {
        memory = Memory()
        try store.remove(KeyledgerClient.item)
    }

    /// An access token that is good for half a minute at least; refreshed first if need be, once for all who ask.
    /// - Parameter rejected: the token that your backend would not take
    /// - Throws: `signedOut`, `refused` (`sessionOver`: the person is signed out; `pinLocked`: a new login is needed), `unanswered`
    public func accessToken(insteadOf rejected: String? = nil) async throws -> String {
        guard let signedIn = memory.signedIn else { throw KeyledgerError.signedOut }
        let token = signedIn.tokens.accessToken
        if token != rejected && signedIn.isFresh(at: Date()) { return token }
        if let running = refreshing { return try await running.value }
        let task = Task { try await self.refresh() }
        refreshing = task
        defer { refreshing = nil }
        return try await task.value
    }

    /// `POST /v1/sessions/{id}/refresh`. A lost answer is repeated to its key, so the key is kept until there is one.
    private func refresh() async throws -> String {
        guard let signedIn = memory.signedIn else { throw KeyledgerError.signedOut }
        let body = try json(RefreshBody(refreshToken: signedIn.tokens.refreshToken))
        let request = keyed("POST", "/v1/sessions/\(signedIn.session)/refresh", .none, body)
        return try await answer(to: request, RefreshAnswer.self).tokens.accessToken
    }

    // MARK: One request

    /// A request with a key of its own, or the one that is still waiting for an answer to the same question.
    func keyed(_ method: String, _ href: String, _ authorization: PendingRequest.Authorization, _ body: Data?) -> PendingRequest {
        let key = Base64Url.encode(randomBytes(16))
        let request = PendingRequest(method: method, href: href, authorization: authorization, body: body, key: key)
        return memory.pending.first { $0.asks(sameAs: request) } ?? request
    }

    /// The same fields always give the same bytes.
    func json<Body: Encodable>(_ body: Body) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return try encoder.encode(body)
    }

    /// What changes nothing needs no key and is not kept.
    func unkeyed(_ method: String, _ href: String, _ authorization: PendingRequest.Authorization) -> PendingRequest {
        return PendingRequest(method: method, href: href, authorization: authorization, body: nil, key: nil)
    }

    func answer<Answer: Decodable>(to request: PendingRequest, _ type: Answer.Type) async throws -> Answer {
        let reply = try await carry(request)
        guard reply.isSuccess else { throw reply.failure }
        guard let answer = reply.read(type) else { throw KeyledgerError.unreadable(status: reply.status) }
        return answer
    }

    /// Until there is an answer that somebody decided; then what follows from it is kept.
    func carry(_ request: PendingRequest) async throws -> Reply {
        let token = try await bearer(for: request)
        if request.key != nil && !memory.pending.contains(request) {
            memory.pending.append(request)
            try save()
        }
        var reply = try await courier.carry(request, token)
        // The clock of the device may be wrong, and a token may have become old while the network was away.
        if let token = token, request.authorization == .accessToken, reply.problem?.code == .accessTokenInvalid {
            reply = try await courier.carry(request, try await accessToken(insteadOf: token))
        }
        try learn(from: reply, to: request)
        return reply
    }

    private func bearer(for request: PendingRequest) async throws -> String? {
        switch request.authorization {
        case .none: return nil
        case .flowToken: return memory.flowToken
        case .accessToken: return try await accessToken()
        }
    }

    /// Answers may overtake each other, and one may come after a new login was begun: the newest state of this login counts.
    private func learn(from reply: Reply, to request: PendingRequest) throws {
        if request.key != nil {
            guard reply.isFinal, let index = memory.pending.firstIndex(of: request) else { return }
            memory.pending.remove(at: index)
        }
        if var state = reply.state, isNews(state, to: request) {
            if let tokens = state.tokens {
                become(SignedIn(session: state.session.id, tokens: tokens, receivedAt: Date()))
            }
            state.tokens = nil
            memory.latest = state
        }
        if request.isRefresh, let signedIn = memory.signedIn, request.href.contains(signedIn.session) {
            if let answer = reply.read(RefreshAnswer.self) {
                become(SignedIn(session: signedIn.session, tokens: answer.tokens, receivedAt: Date()))
            } else if reply.problem?.code == .refreshTokenInvalid {
                become(nil)
            }
        }
        if reply.problem?.code == .sessionOver && request.authorization != .flowToken { become(nil) }
        try save()
    }

    /// What somebody did who is signed in no more must not be repeated in the name of the next one.
    private func become(_ signedIn: SignedIn?) {
        if signedIn?.session != memory.signedIn?.session {
            memory.pending.removeAll { $0.authorization == .accessToken || $0.isRefresh }
        }
        memory.signedIn = signedIn
    }

    private func isNews(_ state: SessionAnswer, to request: PendingRequest) -> Bool {
        if request.isStart { return true }
        guard let latest = memory.latest, latest.session.id == state.session.id else { return false }
        return state.session.revision >= latest.session.revision
    }

    func save() throws {
        try store.write(KeyledgerClient.item, try JSONEncoder().encode(memory))
    }

    /// Random, made once and kept on this device: by it the engine knows what was set up here.
    func installation() throws -> String {
        if let kept = try store.read(KeyledgerClient.installationItem), let id = String(data: kept, encoding: .utf8) { return id }
        let id = UUID().uuidString.lowercased()
        try store.write(KeyledgerClient.installationItem, Data(id.utf8))
        return id
    }
}
