package keyledger

/** A password as it was entered. [autofilled]: a credential manager filled it in. */
class Password(val text: String, val autofilled: Boolean? = null)

enum class OfferChoice { CREATE, NOT_NOW, NEVER }

/** [code] null: send another one, where [Reply.can] it. */
class Code(val code: String?)

/**
 * The screens of a login. Each is shown for where the login is, blocks until the person has decided, and may show [Reply.problem] of the step
 * before. Null: the person would rather not, which can be answered only where the engine lets a step be skipped. To leave the login throw [LeaveLogin].
 */
interface LoginScreens {
    /** Asked where a passkey could not say who it is. */
    fun identifier(): String

    fun password(reply: Reply): Password

    /** No passkey came of it. True: try again; false: the password, or where there is none the identifier. */
    fun passkeyAgain(reply: Reply): Boolean = false

    fun offer(reply: Reply): OfferChoice

    /** Where the code is to go. Asked where there are several ways, and before another one is sent: [Reply.secondsUntilResend] must have passed. */
    fun channel(reply: Reply): Channel?

    fun code(reply: Reply): Code?

    /** The new PIN; where [PinState.keptOn] is the device, keep it there: it is not sent. */
    fun pin(reply: Reply): String?

    fun biometrics(reply: Reply): Boolean?
}

class LeaveLogin : Exception()

sealed interface LoginOutcome {
    data object SignedIn : LoginOutcome

    /** It ended, or ran out of time. [reply] says why. */
    class Over(val reply: Reply) : LoginOutcome

    data object UpgradeRequired : LoginOutcome

    data object Left : LoginOutcome
}

/** Follows `next` from the start of a login to its end. An app with a flow of its own calls [Keyledger] itself. */
class Login(private val keyledger: Keyledger, private val passkeys: Passkeys, private val screens: LoginScreens) {
    fun run(identifier: String? = null): LoginOutcome = follow { keyledger.start(identifier) }

    /** The login that was under way when the app was killed; null when there was none. */
    fun resume(): LoginOutcome? = keyledger.resume()?.let { reply -> follow { reply } }

    private fun follow(begin: () -> Reply): LoginOutcome =
        try {
            val replies = generateSequence(begin) { reply -> if (isOver(reply)) null else step(reply) }
            val reply = replies.onEach { it.state.signals?.let(passkeys::signal) }.last()
            when {
                reply.upgradeRequired -> LoginOutcome.UpgradeRequired
                reply.state.session.status == SessionStatus.COMPLETED -> LoginOutcome.SignedIn
                reply.state.session.endReason == EndReason.IDENTIFIER_NEEDED -> run(screens.identifier())
                else -> LoginOutcome.Over(reply)
            }
        } catch (_: LeaveLogin) {
            keyledger.leave()
            LoginOutcome.Left
        }

    private fun isOver(reply: Reply): Boolean =
        reply.upgradeRequired || reply.state.session.status != SessionStatus.RUNNING || reply.state.next.isEmpty()

    private fun step(reply: Reply): Reply =
        when (reply.state.session.step) {
            Step.PASSKEY -> passkey(reply)
            Step.PASSWORD -> password(reply, null)
            Step.APPEND -> append(reply)
            Step.OTP -> otp(reply)
            Step.PIN -> pin(reply)
            Step.BIOMETRICS -> screens.biometrics(reply)?.let(keyledger::biometrics) ?: keyledger.biometricsSkip()
            else -> error("This is a step for which upgradeRequired stands")
        }

    private fun password(reply: Reply, insteadOf: PasswordReason?): Reply = screens.password(reply).let { keyledger.password(it.text, insteadOf, it.autofilled) }

    private fun passkey(reply: Reply): Reply {
        if (reply.can(Action.PASSKEY)) {
            val options = reply.state.requestOptions ?: return keyledger.passkeyOptions()
            return try {
                val credential = passkeys.get(Json.write(options), reply.state.assertion?.preferImmediatelyAvailable ?: true)
                keyledger.passkey(credential).also { forgetUnknown(it, options["rpId"]) }
            } catch (failure: PasskeyFailure) {
                keyledger.passkeyReport(failure)
            }
        }
        // An app never tries again by itself.
        if (reply.can(Action.PASSKEY_OPTIONS) && screens.passkeyAgain(reply)) return keyledger.passkeyOptions()
        return if (reply.can(Action.PASSWORD)) password(reply, PasswordReason.CHOSEN) else keyledger.start(screens.identifier())
    }

    private fun append(reply: Reply): Reply {
        val offer = reply.state.offer
        val isFirst = offer?.outcome == AppendOutcome.OFFERED
        return when {
            isFirst && offer.mode == OfferMode.CONDITIONAL -> createPasskey(conditional = true)
            isFirst && offer.mode == OfferMode.AUTOMATIC -> createPasskey(conditional = false)
            else ->
                when (screens.offer(reply)) {
                    OfferChoice.CREATE -> createPasskey(conditional = false)
                    OfferChoice.NOT_NOW -> keyledger.appendSkip(SkipReason.DECLINED)
                    OfferChoice.NEVER -> keyledger.appendSkip(SkipReason.NEVER)
                }
        }
    }

    private fun createPasskey(conditional: Boolean): Reply {
        val started = keyledger.appendOptions()
        val options = started.state.creationOptions ?: return started
        return try {
            keyledger.append(passkeys.create(Json.write(options), conditional)).also { forgetUnknown(it, (options["rp"] as? Map<*, *>)?.get("id")) }
        } catch (failure: PasskeyFailure) {
            keyledger.appendReport(failure)
        }
    }

    private fun forgetUnknown(reply: Reply, rpId: Any?) {
        reply.problem?.unknownCredentialId?.let { passkeys.signalUnknown(rpId as? String ?: return, it) }
    }

    private fun otp(reply: Reply): Reply {
        if (!reply.can(Action.OTP) && !reply.can(Action.OTP_SEND)) return keyledger.otpSkip()
        val sent = reply.state.otp?.delivery?.let { it != Delivery.FAILED } ?: false
        if (!sent || !reply.can(Action.OTP)) return sendCode(reply)
        val entered = screens.code(reply) ?: return keyledger.otpSkip()
        return entered.code?.let(keyledger::otp) ?: sendCode(reply)
    }

    private fun sendCode(reply: Reply): Reply {
        val otp = reply.state.otp
        // Only the first one goes out unasked: an app that sends by itself would do so again and again.
        val only = if (otp?.channel == null && reply.problem == null) otp?.channels?.singleOrNull() else null
        return keyledger.otpSend(only ?: screens.channel(reply) ?: return keyledger.otpSkip())
    }

    private fun pin(reply: Reply): Reply {
        val pin = screens.pin(reply) ?: return keyledger.pinSkip()
        return keyledger.pin(pin.takeIf { reply.state.pin?.keptOn == PinKeeper.SERVER })
    }
}
