package keyledger

import java.time.Clock
import java.time.Duration
import java.time.Instant

/** Which token goes with a request. The token itself may change between two attempts. */
internal enum class Bearer { NONE, FLOW_TOKEN, ACCESS_TOKEN }

/** One request under one [key], repeated as it stands here until an answer comes: by the next run of the app, too. What only reads has no key. */
internal data class Request(val method: String, val href: String, val bearer: Bearer, val body: String?, val key: String?) {
    constructor(json: JsonObject) : this(
        method = json.text("method"),
        href = json.text("href"),
        bearer = Bearer.entries.firstOrNull { it.name == json.text("bearer") } ?: throw JsonFault("bearer is not known"),
        body = json.maybe("body", JsonObject::text),
        key = json.maybe("key", JsonObject::text),
    )

    fun json(): JsonObject = body("method" to method, "href" to href, "bearer" to bearer.name, "body" to body, "key" to key)

    fun asksTheSameAs(other: Request): Boolean = copy(key = null) == other.copy(key = null)

    /** No body is printed: it may hold a password. */
    override fun toString(): String = "$method $href"
}

/** Somebody is signed in. [receivedAt] is by this device's clock. */
internal data class SignedIn(val session: String, val tokens: JsonObject, val receivedAt: Instant) {
    constructor(json: JsonObject) : this(json.text("session"), json.json("tokens"), Instant.ofEpochMilli(json["receivedAt"] as? Long ?: 0))

    val accessToken: String = tokens.text("accessToken")
    val refreshToken: String = tokens.text("refreshToken")

    fun json(): JsonObject = body("session" to session, "tokens" to tokens, "receivedAt" to receivedAt.toEpochMilli())

    override fun toString(): String = "SignedIn(session=$session)"

    /** Half a minute before its end a token counts as old, since the request that carries it takes time too. Of a clock that was put back nothing is believed. */
    fun isFresh(clock: Clock): Boolean {
        val age = Duration.between(receivedAt, clock.instant()).seconds
        return age >= 0 && age < tokens.int("expiresIn") - 30
    }
}

/** What the client knows. It is kept as one text, so that an answer and what follows from it are written together or not at all. */
internal data class Memory(
    /** Of the login under way, or of the last one. */
    val flowToken: String? = null,
    /** The last answer that had a state, without the tokens. */
    val latest: JsonObject? = null,
    val signedIn: SignedIn? = null,
    /** Requests that have no answer yet: of the login, of the refresh, and of the person's settings, one each at most. */
    val waiting: Map<String, Request> = emptyMap(),
) {
    constructor(json: JsonObject) : this(
        flowToken = json.maybe("flowToken", JsonObject::text),
        latest = json.maybe("latest", JsonObject::json)?.also { SessionAnswer(it) },
        signedIn = json.maybe("signedIn", JsonObject::json)?.let(::SignedIn),
        waiting = json.json("waiting").keys.associateWith { Request(json.json("waiting").json(it)) },
    )

    val state: SessionAnswer? = latest?.let(::SessionAnswer)

    fun json(): JsonObject =
        body("flowToken" to flowToken, "latest" to latest, "signedIn" to signedIn?.json(), "waiting" to waiting.mapValues { it.value.json() })

    override fun toString(): String = "Memory(state=$state)"
}
