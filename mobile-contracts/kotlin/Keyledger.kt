package keyledger

import java.security.MessageDigest
import java.time.Clock
import java.time.Duration
import java.util.UUID

/** Where a login is after a step. [problem]: why the step was refused; the login may go on all the same, by [SessionAnswer.next]. */
class Reply internal constructor(val state: SessionAnswer, val problem: Problem?, supports: List<Action>) {
    /** The login cannot go on in this version of the app: it takes a step that the app does not know. */
    val upgradeRequired: Boolean =
        problem?.code == ProblemCode.UPGRADE_REQUIRED ||
            state.session.endReason == EndReason.UPGRADE_REQUIRED ||
            (state.session.status == SessionStatus.RUNNING && !isKnown(state, supports))

    /** Until another code may be sent, by the engine's clock as it was at this answer. */
    val secondsUntilResend: Long =
        state.otp?.resendAt?.let { state.session.secondsLeft - Duration.between(it, state.session.expiresAt).seconds }?.coerceAtLeast(0) ?: 0

    /** Whether this step is legal now. */
    fun can(action: Action): Boolean = state.next.any { it.action == action }

    private companion object {
        val steps = listOf(Step.PASSKEY, Step.PASSWORD, Step.APPEND, Step.OTP, Step.PIN, Step.BIOMETRICS)

        /** Nothing is legal in a login that has run out of time, which is no step of a later release. */
        fun isKnown(state: SessionAnswer, supports: List<Action>): Boolean =
            state.next.isEmpty() || (state.session.step in steps && state.next.any { it.action in supports })
    }
}

/**
 * One installation of an app, with one login at a time. All that it needs to go on after the app was killed is in its store.
 *
 * Each method blocks until there is an answer: call it off the main thread, from a coroutine with
 * `runInterruptible(Dispatchers.IO) { keyledger.start(email) }`. It is safe to call from several threads.
 *
 * Whatever changes something goes out under one key until it is answered. Where no answer comes it throws [Unanswered]; the same call again
 * repeats that very request.
 *
 * @param engine its address, such as `https://login.example.com`
 * @param app the app's id in the engine's registry
 * @param supports the steps that the app has screens for; the engine leads through these alone
 * @param attempts how often a request is sent before [Unanswered] is thrown
 * @param device asked at each start
 */
class Keyledger(
    engine: String,
    private val app: String,
    private val store: SecureStore,
    private val supports: List<Action> = steps,
    attempts: Int = 6,
    private val clock: Clock = Clock.systemUTC(),
    private val device: () -> Device = { Device() },
) {
    private val courier = Courier(Http(engine), store, clock, attempts)

    /** The last answer that had a state; known after the app was killed, too. */
    val latest: SessionAnswer?
        get() = courier.memory.state

    val isSignedIn: Boolean
        get() = courier.memory.signedIn != null

    // Beginning

    /** A new login. Without an identifier a passkey is to say who it is. Who is signed in stays so until the new login is completed. */
    fun start(identifier: String? = null): Reply = begin(identifier, null, Bearer.NONE)

    /** For somebody who is signed in and wants to create a passkey: a short session of its own, with the offer as its one step. */
    fun openSettings(): Reply = begin(null, EntryPoint.SETTINGS, Bearer.ACCESS_TOKEN)

    /**
     * Call it when the app starts. What had no answer when the app was killed is sent once more, under its key.
     *
     * @return where the login is now; null when none was begun
     */
    fun resume(): Reply? {
        courier.memory.waiting[LOGIN]?.let { return carry(it) }
        val state = latest ?: return null
        return if (state.session.status == SessionStatus.RUNNING) state() else Reply(state, null, supports)
    }

    /** The state as it is now. It has no `requestOptions`: ask for them with [passkeyOptions]. */
    fun state(): Reply {
        val session = underWay().session
        return carry(Request("GET", "/v1/sessions/${session.id}?revision=${session.revision}", Bearer.FLOW_TOKEN, null, null))
    }

    /** Leaves a login that is not finished. Where the engine cannot be told, it runs out of time there. */
    fun leave() {
        val session = latest?.session
        try {
            if (session?.status == SessionStatus.RUNNING) ended(LOGIN, Request("DELETE", "/v1/sessions/${session.id}", Bearer.FLOW_TOKEN, null, null))
        } catch (_: Unanswered) {
        }
        courier.change { it.copy(flowToken = null, latest = null, waiting = it.waiting - LOGIN) }
    }

    // Steps. Each is legal when `next` has it.

    /** @param credentialJson AuthenticationResponseJSON, as the platform gave it */
    fun passkey(credentialJson: String): Reply = step(Action.PASSKEY, passkeyBody(Json.readObject(credentialJson)))

    /** Fresh `requestOptions`; those before are dead. */
    fun passkeyOptions(): Reply = step(Action.PASSKEY_OPTIONS)

    /** Why the device brought no passkey. */
    fun passkeyReport(failure: PasskeyFailure): Reply =
        step(Action.PASSKEY_REPORT, reportBody(device().platform, failure.code.take(128), failure.message?.take(512)))

    /**
     * @param insteadOf why not the passkey that was asked for
     * @param autofilled whether a credential manager filled the password in
     */
    fun password(password: String, insteadOf: PasswordReason? = null, autofilled: Boolean? = null): Reply =
        step(Action.PASSWORD, passwordBody(password, insteadOf, autofilled))

    /** Takes the offer: the answer has `creationOptions`. */
    fun appendOptions(): Reply = step(Action.APPEND_OPTIONS)

    /** @param credentialJson RegistrationResponseJSON, as the platform gave it */
    fun append(credentialJson: String): Reply = step(Action.APPEND, appendBody(Json.readObject(credentialJson)))

    /** No, in the app's own screen. */
    fun appendSkip(reason: SkipReason): Reply = step(Action.APPEND_SKIP, appendSkipBody(reason))

    /** Why the device created no passkey. */
    fun appendReport(failure: PasskeyFailure): Reply =
        step(Action.APPEND_REPORT, reportBody(device().platform, failure.code.take(128), failure.message?.take(512)))

    fun otpSend(channel: Channel): Reply = step(Action.OTP_SEND, otpSendBody(channel))

    fun otp(code: String): Reply = step(Action.OTP, otpBody(code))

    fun otpSkip(): Reply = step(Action.OTP_SKIP)

    /** @param pin null where it is kept on the device: then it says that one was set */
    fun pin(pin: String? = null): Reply = step(Action.PIN, pinBody(pin))

    fun pinSkip(): Reply = step(Action.PIN_SKIP)

    fun biometrics(enabled: Boolean): Reply = step(Action.BIOMETRICS, biometricsBody(enabled))

    fun biometricsSkip(): Reply = step(Action.BIOMETRICS_SKIP)

    // Signed in

    /**
     * A token that is good for half a minute at least. It is refreshed first if need be, once for all who ask.
     *
     * @param insteadOf the token that your backend would not take
     * @throws SignedOut let the person sign in
     * @throws Refused [ProblemCode.PIN_LOCKED]: a new login is needed. [ProblemCode.SESSION_OVER]: signed out elsewhere
     */
    fun accessToken(insteadOf: String? = null): String = courier.accessToken(insteadOf)

    /** The PIN, where the engine keeps it. */
    fun unlock(pin: String) {
        settled("POST", "/v1/sessions/${signedIn()}/unlock", unlockBody(pin), ::UnlockAnswer)
    }

    /** @return how it is now */
    fun switchBiometrics(enabled: Boolean): Boolean =
        settled("POST", "/v1/sessions/${signedIn()}/biometrics", biometricsBody(enabled), ::BiometricsAnswer).enabled

    /**
     * Ends the session, here and at the engine.
     *
     * @param everywhere on all of the person's devices
     * @throws Unanswered nothing has changed here; [forget] signs out without a network
     */
    fun signOut(everywhere: Boolean = false) {
        ended(SETTINGS, Request("DELETE", "/v1/sessions/${signedIn()}" + if (everywhere) "?everywhere=true" else "", Bearer.ACCESS_TOKEN, null, null))
        forget()
    }

    /** Drops the tokens and any login here, and tells nobody. The id of this installation stays. */
    fun forget() = courier.change { Memory() }

    fun listPasskeys(): PasskeysAnswer = answered(SETTINGS, Request("GET", "/v1/passkeys", Bearer.ACCESS_TOKEN, null, null), ::PasskeysAnswer)

    fun renamePasskey(id: String, name: String): PasskeysAnswer = settled("POST", "/v1/passkeys/$id/name", passkeyNameBody(name), ::PasskeysAnswer)

    /** Hand the `signals` of the answer to [Passkeys.signal], so that the device forgets it too. @throws Refused as [changePassword] */
    fun removePasskey(id: String): PasskeysAnswer = settled("DELETE", "/v1/passkeys/$id", null, ::PasskeysAnswer)

    fun listContacts(): OwnAccountAnswer = answered(SETTINGS, Request("GET", "/v1/account/contacts", Bearer.ACCESS_TOKEN, null, null), ::OwnAccountAnswer)

    /** Takes the place of the contacts of this channel. @throws Refused as [changePassword] */
    fun replaceContact(channel: Channel, address: String): OwnAccountAnswer =
        settled("POST", "/v1/account/contacts", contactBody(channel, address), ::OwnAccountAnswer)

    /**
     * Ends every session of the person, this one too.
     *
     * @throws Refused [ProblemCode.INSUFFICIENT_USER_AUTHENTICATION]: [start] a login, with a passkey if there is one, then do it again
     */
    fun changePassword(password: String): OwnAccountAnswer = settled("POST", "/v1/account/password", ownPasswordBody(password), ::OwnAccountAnswer)

    // One request

    private fun begin(identifier: String?, entryPoint: EntryPoint?, bearer: Bearer): Reply {
        val device = device()
        fun startWith(flowToken: String): Request {
            // The secret stays here and its hash goes out, as in PKCE (RFC 7636, 4.2).
            val challenge = Courier.base64Url(MessageDigest.getInstance("SHA-256").digest(flowToken.toByteArray()))
            val body = startBody(app, installation(), challenge, supports.map { it.name }, identifier, entryPoint, device)
            return Request("POST", Courier.START, bearer, Json.write(body), Courier.random(16))
        }

        val waiting = courier.memory.waiting[LOGIN]
        val again = courier.memory.flowToken?.let(::startWith)?.takeIf { waiting?.asksTheSameAs(it) == true }
        if (waiting != null && again != null) return carry(waiting)
        val flowToken = Courier.random(32)
        val request = startWith(flowToken)
        courier.change { it.copy(flowToken = flowToken, latest = null, waiting = it.waiting + (LOGIN to request)) }
        return carry(request)
    }

    /** Where the engine says that this step goes. */
    private fun step(action: Action, body: JsonObject? = null): Reply {
        val legal = underWay().next
        val next = legal.firstOrNull { it.action == action } ?: throw NotLegal(action, legal.map { it.action })
        return carry(courier.keyed(LOGIN, Request(next.method.name, next.href, Bearer.FLOW_TOKEN, body?.let(Json::write), null)))
    }

    private fun carry(request: Request): Reply {
        val answer = courier.carry(LOGIN, request)
        return Reply(answer.state ?: throw answer.fault(), answer.problem, supports)
    }

    private fun <T> settled(method: String, href: String, body: JsonObject?, read: (JsonObject) -> T): T =
        answered(SETTINGS, courier.keyed(SETTINGS, Request(method, href, Bearer.ACCESS_TOKEN, body?.let(Json::write), null)), read)

    private fun <T> answered(slot: String, request: Request, read: (JsonObject) -> T): T {
        val answer = courier.carry(slot, request)
        return try {
            read(answer.body.takeIf { answer.succeeded } ?: throw answer.fault())
        } catch (_: JsonFault) {
            throw Unreadable(answer.status)
        }
    }

    /** What is over already has ended, too: the answer to an earlier attempt may have been lost. */
    private fun ended(slot: String, request: Request) {
        try {
            val answer = courier.carry(slot, request)
            if (!answer.succeeded && answer.problem?.code !in over) throw answer.fault()
        } catch (refused: Refused) {
            if (refused.problem.code !in over) throw refused
        } catch (_: SignedOut) {
            return
        }
    }

    private fun HttpAnswer.fault(): KeyledgerException = problem?.let(::Refused) ?: Unreadable(status)

    private fun underWay(): SessionAnswer = latest ?: throw IllegalStateException("No login was started")

    private fun signedIn(): String = courier.memory.signedIn?.session ?: throw SignedOut()

    /** Random, made once, and kept on this device: by it the engine knows what was set up here. */
    private fun installation(): String =
        synchronized(store) { store.get(INSTALLATION) ?: UUID.randomUUID().toString().also { store.put(INSTALLATION, it) } }

    companion object {
        /** Every step that there is. */
        val steps: List<Action> =
            listOf(
                Action.PASSKEY,
                Action.PASSKEY_OPTIONS,
                Action.PASSKEY_REPORT,
                Action.PASSWORD,
                Action.APPEND_OPTIONS,
                Action.APPEND,
                Action.APPEND_SKIP,
                Action.APPEND_REPORT,
                Action.OTP_SEND,
                Action.OTP,
                Action.OTP_SKIP,
                Action.PIN,
                Action.PIN_SKIP,
                Action.BIOMETRICS,
                Action.BIOMETRICS_SKIP,
            )

        private const val LOGIN = "login"
        private const val SETTINGS = "settings"
        private const val INSTALLATION = "keyledger-installation"
        private val over =
            listOf(
                ProblemCode.SESSION_OVER,
                ProblemCode.SESSION_ENDED,
                ProblemCode.SESSION_EXPIRED,
                ProblemCode.SESSION_COMPLETED,
                ProblemCode.SESSION_UNKNOWN,
                ProblemCode.REFRESH_TOKEN_INVALID,
                ProblemCode.FORGOTTEN,
            )
    }
}
