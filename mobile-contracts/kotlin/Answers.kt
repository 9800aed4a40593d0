// What the engine answers, with the names of the contract. Fields that are not named here are passed over, and words that are not known are kept.
package keyledger

import java.time.DateTimeException
import java.time.Instant

/** Where a login is, and what is legal [next]. */
data class SessionAnswer(
    val session: SessionState,
    val next: List<NextAction>,
    val assertion: AssertionState?,
    val offer: OfferState?,
    val passkey: PasskeyState?,
    val otp: OtpState?,
    val pin: PinState?,
    val biometrics: BiometricsState?,
    /** As they came: `Passkeys.get` takes them as text. Not in the answer to a GET. */
    val requestOptions: JsonObject?,
    /** As they came: `Passkeys.create` takes them as text. */
    val creationOptions: JsonObject?,
    val signals: Signals?,
    val tokens: Tokens?,
) {
    internal constructor(json: JsonObject) : this(
        session = SessionState(json.json("session")),
        next = json.list("next", ::NextAction),
        assertion = json.maybe("assertion", JsonObject::json)?.let(::AssertionState),
        offer = json.maybe("offer", JsonObject::json)?.let(::OfferState),
        passkey = json.maybe("passkey", JsonObject::json)?.let(::PasskeyState),
        otp = json.maybe("otp", JsonObject::json)?.let(::OtpState),
        pin = json.maybe("pin", JsonObject::json)?.let(::PinState),
        biometrics = json.maybe("biometrics", JsonObject::json)?.let(::BiometricsState),
        requestOptions = json.maybe("requestOptions", JsonObject::json),
        creationOptions = json.maybe("creationOptions", JsonObject::json),
        signals = json.maybe("signals", JsonObject::json)?.let(::Signals),
        tokens = json.maybe("tokens", JsonObject::json)?.let(::Tokens),
    )
}

data class SessionState(
    val id: String,
    val purpose: SessionPurpose,
    val status: SessionStatus,
    val endReason: EndReason?,
    val step: Step?,
    /** Of the session's stream: the higher, the newer. */
    val revision: Int,
    val expiresAt: Instant,
    /** By the engine's clock; the device's own may be wrong. */
    val secondsLeft: Int,
    val attemptsLeft: Int,
) {
    internal constructor(json: JsonObject) : this(
        id = json.text("id"),
        purpose = SessionPurpose(json.text("purpose")),
        status = SessionStatus(json.text("status")),
        endReason = json.maybe("endReason", JsonObject::text)?.let(::EndReason),
        step = json.maybe("step", JsonObject::text)?.let(::Step),
        revision = json.int("revision"),
        expiresAt = json.instant("expiresAt"),
        secondsLeft = json.int("secondsLeft"),
        attemptsLeft = json.int("attemptsLeft"),
    )
}

/** [needs]: the fields that the body must have. [href] is below the engine's address; of [Action.RECOVER] it is a whole one, to be opened in a browser. */
data class NextAction(
    val action: Action,
    val method: Method,
    val href: String,
    val needs: List<String>,
) {
    internal constructor(json: JsonObject) : this(
        action = Action(json.text("action")),
        method = Method(json.text("method")),
        href = json.text("href"),
        needs = json.texts("needs"),
    )
}

/** The login with a passkey. [preferImmediatelyAvailable]: ask for passkeys on this device alone, and no sheet appears where there is none. */
data class AssertionState(
    val outcome: AssertionOutcome,
    val reason: String?,
    val retryable: Boolean,
    val preferImmediatelyAvailable: Boolean,
) {
    internal constructor(json: JsonObject) : this(
        outcome = AssertionOutcome(json.text("outcome")),
        reason = json.maybe("reason", JsonObject::text),
        retryable = json.flag("retryable"),
        preferImmediatelyAvailable = json.flag("preferImmediatelyAvailable"),
    )
}

/** The offer of a passkey, decided by the engine. */
data class OfferState(
    val outcome: AppendOutcome,
    val reason: String?,
    val number: Int,
    val mode: OfferMode,
    val entryPoint: EntryPoint,
    val variant: String?,
) {
    internal constructor(json: JsonObject) : this(
        outcome = AppendOutcome(json.text("outcome")),
        reason = json.maybe("reason", JsonObject::text),
        number = json.int("number"),
        mode = OfferMode(json.text("mode")),
        entryPoint = EntryPoint(json.text("entryPoint")),
        variant = json.maybe("variant", JsonObject::text),
    )
}

/** The passkey that this session created. */
data class PasskeyState(
    val id: String,
    val status: PasskeyStatus,
) {
    internal constructor(json: JsonObject) : this(
        id = json.text("id"),
        status = PasskeyStatus(json.text("status")),
    )
}

/** [channels]: where a code can go. [sendsLeft] and [attemptsLeft] are of this login. */
data class OtpState(
    val outcome: OtpOutcome,
    val channels: List<Channel>,
    val channel: Channel?,
    val delivery: Delivery?,
    val expiresAt: Instant?,
    val resendAt: Instant?,
    val sendsLeft: Int,
    val attemptsLeft: Int,
) {
    internal constructor(json: JsonObject) : this(
        outcome = OtpOutcome(json.text("outcome")),
        channels = json.texts("channels").map(::Channel),
        channel = json.maybe("channel", JsonObject::text)?.let(::Channel),
        delivery = json.maybe("delivery", JsonObject::text)?.let(::Delivery),
        expiresAt = json.maybe("expiresAt", JsonObject::instant),
        resendAt = json.maybe("resendAt", JsonObject::instant),
        sendsLeft = json.int("sendsLeft"),
        attemptsLeft = json.int("attemptsLeft"),
    )
}

data class PinState(
    val outcome: PinOutcome,
    val keptOn: PinKeeper,
) {
    internal constructor(json: JsonObject) : this(
        outcome = PinOutcome(json.text("outcome")),
        keptOn = PinKeeper(json.text("keptOn")),
    )
}

data class BiometricsState(
    val outcome: BiometricsOutcome,
) {
    internal constructor(json: JsonObject) : this(
        outcome = BiometricsOutcome(json.text("outcome")),
    )
}

/** For the signal methods of the platform: what a credential manager may keep, and what the account is called. */
data class Signals(
    val rpId: String,
    val userId: String,
    val acceptedCredentialIds: List<String>,
    val name: String,
    val displayName: String,
) {
    internal constructor(json: JsonObject) : this(
        rpId = json.text("rpId"),
        userId = json.text("userId"),
        acceptedCredentialIds = json.texts("acceptedCredentialIds"),
        name = json.text("name"),
        displayName = json.text("displayName"),
    )
}

/** Kept by the client: ask it for `accessToken()`. */
data class Tokens(
    val tokenType: String,
    val accessToken: String,
    val expiresIn: Int,
    val refreshToken: String,
    val refreshExpiresAt: Instant,
) {
    internal constructor(json: JsonObject) : this(
        tokenType = json.text("tokenType"),
        accessToken = json.text("accessToken"),
        expiresIn = json.int("expiresIn"),
        refreshToken = json.text("refreshToken"),
        refreshExpiresAt = json.instant("refreshExpiresAt"),
    )

    /** No token gets into a log by accident. */
    override fun toString(): String = "Tokens(expiresIn=$expiresIn, refreshExpiresAt=$refreshExpiresAt)"
}

data class RefreshAnswer(
    val tokens: Tokens,
) {
    internal constructor(json: JsonObject) : this(
        tokens = Tokens(json.json("tokens")),
    )
}

data class UnlockAnswer(
    val unlocked: Boolean,
) {
    internal constructor(json: JsonObject) : this(
        unlocked = json.flag("unlocked"),
    )
}

data class BiometricsAnswer(
    val enabled: Boolean,
) {
    internal constructor(json: JsonObject) : this(
        enabled = json.flag("enabled"),
    )
}

data class PasskeysAnswer(
    val passkeys: List<Passkey>,
    val signals: Signals,
) {
    internal constructor(json: JsonObject) : this(
        passkeys = json.list("passkeys", ::Passkey),
        signals = Signals(json.json("signals")),
    )
}

/** A passkey in the person's list. [provider]: who keeps it, null where that is not known. [here]: it was created or used on this installation. */
data class Passkey(
    val id: String,
    val name: String,
    val provider: String?,
    val aaguid: String,
    val status: PasskeyStatus,
    val createdAt: Instant,
    val lastUsedAt: Instant?,
    val backedUp: Boolean,
    val here: Boolean,
) {
    internal constructor(json: JsonObject) : this(
        id = json.text("id"),
        name = json.text("name"),
        provider = json.maybe("provider", JsonObject::text),
        aaguid = json.text("aaguid"),
        status = PasskeyStatus(json.text("status")),
        createdAt = json.instant("createdAt"),
        lastUsedAt = json.maybe("lastUsedAt", JsonObject::instant),
        backedUp = json.flag("backedUp"),
        here = json.flag("here"),
    )
}

data class OwnAccountAnswer(
    val contacts: List<Contact>,
) {
    internal constructor(json: JsonObject) : this(
        contacts = json.list("contacts", ::Contact),
    )
}

/** Where codes and notices go. */
data class Contact(
    val id: String,
    val channel: Channel,
    val address: String,
) {
    internal constructor(json: JsonObject) : this(
        id = json.text("id"),
        channel = Channel(json.text("channel")),
        address = json.text("address"),
    )
}

/** Why a request was refused (RFC 9457). Decide by [code]; [detail] is for developers. */
data class Problem(
    val type: String,
    val title: String,
    val status: Int,
    val code: ProblemCode,
    val detail: String?,
    val reason: String?,
    val retryable: Boolean?,
    val attemptsLeft: Int?,
    val unknownCredentialId: String?,
    val retryAfterSeconds: Int?,
    val maxAgeSeconds: Int?,
) {
    internal constructor(json: JsonObject) : this(
        type = json.text("type"),
        title = json.text("title"),
        status = json.int("status"),
        code = ProblemCode(json.text("code")),
        detail = json.maybe("detail", JsonObject::text),
        reason = json.maybe("reason", JsonObject::text),
        retryable = json.maybe("retryable", JsonObject::flag),
        attemptsLeft = json.maybe("attemptsLeft", JsonObject::int),
        unknownCredentialId = json.maybe("unknownCredentialId", JsonObject::text),
        retryAfterSeconds = json.maybe("retryAfterSeconds", JsonObject::int),
        maxAgeSeconds = json.maybe("maxAgeSeconds", JsonObject::int),
    )
}

private fun JsonObject.instant(name: String): Instant =
    try {
        Instant.parse(text(name))
    } catch (_: DateTimeException) {
        throw JsonFault("$name is no time")
    }
