package keyledger

/** A word of the contract. Every list is open: a word of a later release is kept as it came, so each `when` has an `else`. */
interface Word {
    val name: String
}

/** What an app may do next. */
@JvmInline
value class Action(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val PASSKEY = Action("passkey")
        val PASSKEY_OPTIONS = Action("passkey_options")
        val PASSKEY_REPORT = Action("passkey_report")
        val PASSWORD = Action("password")
        val APPEND_OPTIONS = Action("append_options")
        val APPEND = Action("append")
        val APPEND_SKIP = Action("append_skip")
        val APPEND_REPORT = Action("append_report")
        val OTP_SEND = Action("otp_send")
        val OTP = Action("otp")
        val OTP_SKIP = Action("otp_skip")
        val PIN = Action("pin")
        val PIN_SKIP = Action("pin_skip")
        val BIOMETRICS = Action("biometrics")
        val BIOMETRICS_SKIP = Action("biometrics_skip")
        val REFRESH = Action("refresh")
        val UNLOCK = Action("unlock")
        val SWITCH_BIOMETRICS = Action("switch_biometrics")
        val SIGN_OUT = Action("sign_out")
        val RECOVER = Action("recover")
    }
}

/** Where in the app it began. */
@JvmInline
value class EntryPoint(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val POST_LOGIN = EntryPoint("post_login")
        val LOGIN_ERROR = EntryPoint("login_error")
        val CROSS_DEVICE = EntryPoint("cross_device")
        val SETTINGS = EntryPoint("settings")
    }
}

@JvmInline
value class Platform(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val IOS = Platform("ios")
        val ANDROID = Platform("android")
        val WEB = Platform("web")
    }
}

/** `settings`: a short session in which somebody who is signed in creates a passkey. */
@JvmInline
value class SessionPurpose(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val LOGIN = SessionPurpose("login")
        val SETTINGS = SessionPurpose("settings")
    }
}

@JvmInline
value class SessionStatus(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val RUNNING = SessionStatus("running")
        val COMPLETED = SessionStatus("completed")
        val EXPIRED = SessionStatus("expired")
        val ENDED = SessionStatus("ended")
    }
}

/** Why a login ended before its time. */
@JvmInline
value class EndReason(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val TOO_MANY_REFUSALS = EndReason("too_many_refusals")
        val ACCOUNT_DISABLED = EndReason("account_disabled")
        val NO_CONTACT = EndReason("no_contact")
        val UPGRADE_REQUIRED = EndReason("upgrade_required")
        val IDENTIFIER_NEEDED = EndReason("identifier_needed")
        val SIGNED_OUT = EndReason("signed_out")
    }
}

/** What a login is at. */
@JvmInline
value class Step(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val PASSKEY = Step("passkey")
        val PASSWORD = Step("password")
        val APPEND = Step("append")
        val OTP = Step("otp")
        val PIN = Step("pin")
        val BIOMETRICS = Step("biometrics")
    }
}

@JvmInline
value class Method(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val GET = Method("GET")
        val POST = Method("POST")
        val DELETE = Method("DELETE")
    }
}

@JvmInline
value class AssertionOutcome(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val REQUESTED = AssertionOutcome("requested")
        val VERIFIED = AssertionOutcome("verified")
        val REJECTED = AssertionOutcome("rejected")
        val NOT_USED = AssertionOutcome("not_used")
    }
}

/** What became of the offer of a passkey. Declined, dismissed, never shown and failed are four different facts. */
@JvmInline
value class AppendOutcome(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val DUE = AppendOutcome("due")
        val WITHHELD = AppendOutcome("withheld")
        val OFFERED = AppendOutcome("offered")
        val STARTED = AppendOutcome("started")
        val APPENDED = AppendOutcome("appended")
        val SKIPPED = AppendOutcome("skipped")
        val CANCELLED = AppendOutcome("cancelled")
        val NOT_SHOWN = AppendOutcome("not_shown")
        val FAILED = AppendOutcome("failed")
    }
}

/** `automatic`: open the prompt without a screen of your own. `conditional`: create without a prompt. */
@JvmInline
value class OfferMode(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val MANUAL = OfferMode("manual")
        val AUTOMATIC = OfferMode("automatic")
        val CONDITIONAL = OfferMode("conditional")
    }
}

/** `pending`: it signs in nowhere until the codes of its login were given. */
@JvmInline
value class PasskeyStatus(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val PENDING = PasskeyStatus("pending")
        val ACTIVE = PasskeyStatus("active")
    }
}

@JvmInline
value class OtpOutcome(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val DUE = OtpOutcome("due")
        val VERIFIED = OtpOutcome("verified")
        val SKIPPED = OtpOutcome("skipped")
    }
}

/** What became of a code that was sent. */
@JvmInline
value class Delivery(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val PENDING = Delivery("pending")
        val SENT = Delivery("sent")
        val FAILED = Delivery("failed")
    }
}

/** How a code reaches a person. */
@JvmInline
value class Channel(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val EMAIL = Channel("email")
        val SMS = Channel("sms")
    }
}

/** `here`: it was set on this installation before. */
@JvmInline
value class PinOutcome(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val DUE = PinOutcome("due")
        val HERE = PinOutcome("here")
        val SET = PinOutcome("set")
        val SKIPPED = PinOutcome("skipped")
    }
}

/** Where the PIN is kept. */
@JvmInline
value class PinKeeper(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val DEVICE = PinKeeper("device")
        val SERVER = PinKeeper("server")
    }
}

/** `here`: it was settled on this installation before. */
@JvmInline
value class BiometricsOutcome(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val DUE = BiometricsOutcome("due")
        val HERE = BiometricsOutcome("here")
        val ON = BiometricsOutcome("on")
        val OFF = BiometricsOutcome("off")
        val SKIPPED = BiometricsOutcome("skipped")
    }
}

/** Why the password, although a passkey was asked for. */
@JvmInline
value class PasswordReason(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val NO_CREDENTIAL = PasswordReason("no_credential")
        val CANCELLED = PasswordReason("cancelled")
        val FAILED = PasswordReason("failed")
        val CHOSEN = PasswordReason("chosen")
    }
}

/** A no in the app's own screen. */
@JvmInline
value class SkipReason(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val DECLINED = SkipReason("declined")
        val NEVER = SkipReason("never")
    }
}

/** What an app decides by. */
@JvmInline
value class ProblemCode(override val name: String) : Word {
    override fun toString(): String = name

    companion object {
        val ACCESS_TOKEN_INVALID = ProblemCode("access_token_invalid")
        val ACCOUNT_DISABLED = ProblemCode("account_disabled")
        val APP_UNKNOWN = ProblemCode("app_unknown")
        val APPEND_REJECTED = ProblemCode("append_rejected")
        val BUSY = ProblemCode("busy")
        val CHALLENGE_USED = ProblemCode("challenge_used")
        val CONFLICT = ProblemCode("conflict")
        val CONTACT_MALFORMED = ProblemCode("contact_malformed")
        val CREDENTIAL_UNKNOWN = ProblemCode("credential_unknown")
        val DELIVERY_FAILED = ProblemCode("delivery_failed")
        val DELIVERY_REFUSED = ProblemCode("delivery_refused")
        val FACTOR_DISABLED = ProblemCode("factor_disabled")
        val FLOW_TOKEN_INVALID = ProblemCode("flow_token_invalid")
        val FORGOTTEN = ProblemCode("forgotten")
        val GUESSING_DELAYED = ProblemCode("guessing_delayed")
        val IDEMPOTENCY_KEY_MISSING = ProblemCode("idempotency_key_missing")
        val IDENTIFIER_MALFORMED = ProblemCode("identifier_malformed")
        val IDENTIFIER_NEEDED = ProblemCode("identifier_needed")
        val INSUFFICIENT_USER_AUTHENTICATION = ProblemCode("insufficient_user_authentication")
        val INTERNAL = ProblemCode("internal")
        val KEY_REUSED = ProblemCode("key_reused")
        val LOG_OUTCOME_UNKNOWN = ProblemCode("log_outcome_unknown")
        val LOG_TOO_LARGE = ProblemCode("log_too_large")
        val LOG_UNAVAILABLE = ProblemCode("log_unavailable")
        val MALFORMED = ProblemCode("malformed")
        val NO_CONTACT = ProblemCode("no_contact")
        val NOT_JSON = ProblemCode("not_json")
        val OTP_CHANNEL_UNAVAILABLE = ProblemCode("otp_channel_unavailable")
        val OTP_REJECTED = ProblemCode("otp_rejected")
        val OTP_RESEND_TOO_SOON = ProblemCode("otp_resend_too_soon")
        val OTP_SENDS_EXHAUSTED = ProblemCode("otp_sends_exhausted")
        val PASSKEY_REJECTED = ProblemCode("passkey_rejected")
        val PASSKEY_UNKNOWN = ProblemCode("passkey_unknown")
        val PASSWORD_REJECTED = ProblemCode("password_rejected")
        val PASSWORD_UNACCEPTABLE = ProblemCode("password_unacceptable")
        val PIN_BELONGS_ON_DEVICE = ProblemCode("pin_belongs_on_device")
        val PIN_EXPECTED_HERE = ProblemCode("pin_expected_here")
        val PIN_LOCKED = ProblemCode("pin_locked")
        val PIN_NOT_KEPT_HERE = ProblemCode("pin_not_kept_here")
        val PIN_REJECTED = ProblemCode("pin_rejected")
        val PIN_TOO_WEAK = ProblemCode("pin_too_weak")
        val REFRESH_TOKEN_INVALID = ProblemCode("refresh_token_invalid")
        val SESSION_COMPLETED = ProblemCode("session_completed")
        val SESSION_ENDED = ProblemCode("session_ended")
        val SESSION_EXPIRED = ProblemCode("session_expired")
        val SESSION_OVER = ProblemCode("session_over")
        val SESSION_UNKNOWN = ProblemCode("session_unknown")
        val STEP_NOT_LEGAL = ProblemCode("step_not_legal")
        val TOKEN_MISSING = ProblemCode("token_missing")
        val TOO_LARGE = ProblemCode("too_large")
        val UNKNOWN_EVENT = ProblemCode("unknown_event")
        val UPGRADE_REQUIRED = ProblemCode("upgrade_required")
    }
}
