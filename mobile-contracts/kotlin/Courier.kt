package keyledger

import java.io.IOException
import java.security.SecureRandom
import java.time.Clock
import java.util.Base64

/** Carries requests until they are answered, and keeps what follows from the answers. */
internal class Courier(private val http: Http, private val store: SecureStore, private val clock: Clock, private val attempts: Int) {
    private val refreshing = Any()
    private val changing = Any()

    @Volatile
    var memory: Memory = kept()
        private set

    fun change(how: (Memory) -> Memory) {
        synchronized(changing) {
            val changed = how(memory)
            if (changed == memory) return
            store.put(ITEM, Json.write(changed.json()))
            memory = changed
        }
    }

    /** What another version of the app kept, and this one cannot read, is worth a new login and no more. */
    private fun kept(): Memory =
        try {
            store.get(ITEM)?.let { Memory(Json.readObject(it)) }
        } catch (_: JsonFault) {
            null
        } ?: Memory()

    /** A request under a key of its own; or the one that is still waiting for an answer to the same question, under the key that it has. */
    fun keyed(slot: String, request: Request): Request =
        memory.waiting[slot]?.takeIf { it.asksTheSameAs(request) } ?: request.copy(key = random(16))

    /** @throws Unanswered */
    fun carry(slot: String, request: Request): HttpAnswer {
        if (request.key != null) change { it.copy(waiting = it.waiting + (slot to request)) }
        var token = tokenFor(request)
        var answer = exchange(request, token)
        // The device's clock may be wrong, and the token may have become old on the way.
        if (request.bearer == Bearer.ACCESS_TOKEN && answer.problem?.code == ProblemCode.ACCESS_TOKEN_INVALID) {
            token = accessToken(insteadOf = token)
            answer = exchange(request, token)
        }
        change { learnt(it, slot, request, token, answer) }
        return answer
    }

    /** One refresh for all who ask at the same time: whoever waited here finds the new token. */
    fun accessToken(insteadOf: String?): String {
        fresh(insteadOf)?.let { return it }
        synchronized(refreshing) {
            fresh(insteadOf)?.let { return it }
            val old = memory.signedIn ?: throw SignedOut()
            val body = Json.write(refreshBody(old.refreshToken))
            val answer = carry(REFRESH, keyed(REFRESH, Request("POST", "/v1/sessions/${old.session}/refresh", Bearer.NONE, body, null)))
            answer.problem?.let { throw Refused(it) }
            if (answer.refreshed == null) throw Unreadable(answer.status)
            return memory.signedIn?.accessToken ?: throw SignedOut()
        }
    }

    private fun fresh(insteadOf: String?): String? {
        val signedIn = memory.signedIn ?: throw SignedOut()
        return signedIn.accessToken.takeIf { it != insteadOf && signedIn.isFresh(clock) }
    }

    private fun tokenFor(request: Request): String? =
        when (request.bearer) {
            Bearer.NONE -> null
            Bearer.FLOW_TOKEN -> memory.flowToken
            Bearer.ACCESS_TOKEN -> accessToken(insteadOf = null)
        }

    /** The same request, byte for byte, until somebody decides it. */
    private fun exchange(request: Request, token: String?): HttpAnswer {
        var answer: HttpAnswer? = null
        for (attempt in 1..attempts) {
            answer =
                try {
                    http.exchange(request.method, request.href, token, request.key, request.body)
                } catch (_: IOException) {
                    null
                }
            if (answer?.isOpen == false) return answer
            if (attempt < attempts) Thread.sleep(pause(attempt, answer?.retryAfterSeconds))
        }
        throw Unanswered(answer?.problem)
    }

    /** Milliseconds: what the engine asks for; else twice as long each time, less a random half of it, so that many apps do not come back at once. */
    private fun pause(attempt: Int, retryAfterSeconds: Int?): Long {
        if (retryAfterSeconds != null) return retryAfterSeconds.coerceIn(0, 30) * 1000L
        val longest = (250L shl attempt.coerceAtMost(5))
        return longest / 2 + randomness.nextInt(longest.toInt() / 2)
    }

    /** Answers may overtake each other, and one may come when something newer was begun: then it changes nothing here. */
    private fun learnt(old: Memory, slot: String, request: Request, token: String?, answer: HttpAnswer): Memory {
        if (request.key != null && old.waiting[slot]?.key != request.key) return old
        var new = old.copy(waiting = if (request.key == null) old.waiting else old.waiting - slot)
        val (state, body) = answer.state to answer.body
        if (state != null && body != null && isNews(state, old, request)) {
            val tokens = state.tokens?.let { SignedIn(state.session.id, body.json("tokens"), clock.instant()) }
            new = new.copy(latest = body - "tokens", signedIn = tokens ?: new.signedIn)
        }
        // Somebody else may have signed in since this request was begun.
        val signedIn = new.signedIn ?: return new
        val isOfRefresh = slot == REFRESH && signedIn.session in request.href
        if (isOfRefresh && answer.refreshed != null && body != null) {
            return new.copy(signedIn = signedIn.copy(tokens = body.json("tokens"), receivedAt = clock.instant()))
        }
        val isOver = answer.problem?.code in signedOutBy && (isOfRefresh || token == signedIn.accessToken)
        return if (isOver) new.copy(signedIn = null) else new
    }

    private fun isNews(state: SessionAnswer, old: Memory, request: Request): Boolean {
        val before = old.state?.session ?: return request.href == START
        return before.id == state.session.id && before.revision <= state.session.revision
    }

    companion object {
        const val START = "/v1/sessions"
        const val REFRESH = "refresh"
        private const val ITEM = "keyledger"
        private val signedOutBy = listOf(ProblemCode.SESSION_OVER, ProblemCode.REFRESH_TOKEN_INVALID, ProblemCode.FORGOTTEN)
        private val randomness = SecureRandom()

        fun random(bytes: Int): String = base64Url(ByteArray(bytes).also(randomness::nextBytes))

        fun base64Url(bytes: ByteArray): String = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)
    }
}
