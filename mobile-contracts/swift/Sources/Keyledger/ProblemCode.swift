/// What an app decides by when the engine says no. An open list: treat an unknown code by its HTTP status.
/// What to show for each stands in the guide (`mobile-contracts/README.md`).
public struct ProblemCode: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// 401: The access token is not valid.
    public static let accessTokenInvalid = ProblemCode(rawValue: "access_token_invalid")
    /// 403: The account is disabled.
    public static let accountDisabled = ProblemCode(rawValue: "account_disabled")
    /// 400: No app of this name is registered.
    public static let appUnknown = ProblemCode(rawValue: "app_unknown")
    /// 422: The passkey was refused.
    public static let appendRejected = ProblemCode(rawValue: "append_rejected")
    /// 503: Too many logins at once.
    public static let busy = ProblemCode(rawValue: "busy")
    /// 409: The challenge was used, or replaced by a newer one.
    public static let challengeUsed = ProblemCode(rawValue: "challenge_used")
    /// 409: The session changed while this was decided: ask for its state.
    public static let conflict = ProblemCode(rawValue: "conflict")
    /// 400: This is no address of the channel: an e-mail address, or a phone number with its country code.
    public static let contactMalformed = ProblemCode(rawValue: "contact_malformed")
    /// 403: The account has no such passkey, or no longer: the device may forget it.
    public static let credentialUnknown = ProblemCode(rawValue: "credential_unknown")
    /// 503: The code could not be sent: ask for it again with a new key.
    public static let deliveryFailed = ProblemCode(rawValue: "delivery_failed")
    /// 422: No code can be sent to this contact.
    public static let deliveryRefused = ProblemCode(rawValue: "delivery_refused")
    /// 403: It was guessed wrong too often and is disabled.
    public static let factorDisabled = ProblemCode(rawValue: "factor_disabled")
    /// 401: The flow token is not that of this session, or the session is completed.
    public static let flowTokenInvalid = ProblemCode(rawValue: "flow_token_invalid")
    /// 410: The account is gone.
    public static let forgotten = ProblemCode(rawValue: "forgotten")
    /// 429: Too many wrong guesses in a row: this one was not looked at.
    public static let guessingDelayed = ProblemCode(rawValue: "guessing_delayed")
    /// 400: This request takes an Idempotency-Key of 22 to 128 characters.
    public static let idempotencyKeyMissing = ProblemCode(rawValue: "idempotency_key_missing")
    /// 400: This is neither an e-mail address, nor a phone number with its country code, nor a username.
    public static let identifierMalformed = ProblemCode(rawValue: "identifier_malformed")
    /// 422: No passkey says who this is: start again with an identifier.
    public static let identifierNeeded = ProblemCode(rawValue: "identifier_needed")
    /// 401: This takes a login of a moment ago, with a passkey if there is one.
    public static let insufficientUserAuthentication = ProblemCode(rawValue: "insufficient_user_authentication")
    /// 500: This should not have happened.
    public static let `internal` = ProblemCode(rawValue: "internal")
    /// 422: This Idempotency-Key was used for another request.
    public static let keyReused = ProblemCode(rawValue: "key_reused")
    /// 503: The event log did not answer: repeat the request with the same key.
    public static let logOutcomeUnknown = ProblemCode(rawValue: "log_outcome_unknown")
    /// 413: The request is too large to be kept.
    public static let logTooLarge = ProblemCode(rawValue: "log_too_large")
    /// 503: The event log is out of reach.
    public static let logUnavailable = ProblemCode(rawValue: "log_unavailable")
    /// 400: The request does not have the form that it must have.
    public static let malformed = ProblemCode(rawValue: "malformed")
    /// 403: A code is required and there is no contact that it could go to.
    public static let noContact = ProblemCode(rawValue: "no_contact")
    /// 415: The body must be application/json in UTF-8.
    public static let notJson = ProblemCode(rawValue: "not_json")
    /// 422: The account has no contact of this kind.
    public static let otpChannelUnavailable = ProblemCode(rawValue: "otp_channel_unavailable")
    /// 403: The code was refused.
    public static let otpRejected = ProblemCode(rawValue: "otp_rejected")
    /// 429: The next code may be asked for a little later.
    public static let otpResendTooSoon = ProblemCode(rawValue: "otp_resend_too_soon")
    /// 429: No more codes are sent in this session.
    public static let otpSendsExhausted = ProblemCode(rawValue: "otp_sends_exhausted")
    /// 403: The passkey was refused.
    public static let passkeyRejected = ProblemCode(rawValue: "passkey_rejected")
    /// 404: The account has no such passkey.
    public static let passkeyUnknown = ProblemCode(rawValue: "passkey_unknown")
    /// 403: The password was refused.
    public static let passwordRejected = ProblemCode(rawValue: "password_rejected")
    /// 422: This cannot be a password.
    public static let passwordUnacceptable = ProblemCode(rawValue: "password_unacceptable")
    /// 422: The PIN is kept on the device: do not send it.
    public static let pinBelongsOnDevice = ProblemCode(rawValue: "pin_belongs_on_device")
    /// 422: The PIN is kept by the server: send it.
    public static let pinExpectedHere = ProblemCode(rawValue: "pin_expected_here")
    /// 403: The PIN is locked: sign in again.
    public static let pinLocked = ProblemCode(rawValue: "pin_locked")
    /// 409: No PIN of this installation is kept here.
    public static let pinNotKeptHere = ProblemCode(rawValue: "pin_not_kept_here")
    /// 403: The PIN is wrong.
    public static let pinRejected = ProblemCode(rawValue: "pin_rejected")
    /// 422: The PIN is too simple, or not 4 to 12 digits.
    public static let pinTooWeak = ProblemCode(rawValue: "pin_too_weak")
    /// 401: The refresh token is not valid.
    public static let refreshTokenInvalid = ProblemCode(rawValue: "refresh_token_invalid")
    /// 409: The login is completed.
    public static let sessionCompleted = ProblemCode(rawValue: "session_completed")
    /// 410: The login has ended.
    public static let sessionEnded = ProblemCode(rawValue: "session_ended")
    /// 410: The login was not finished in time.
    public static let sessionExpired = ProblemCode(rawValue: "session_expired")
    /// 401: The signed-in session is over.
    public static let sessionOver = ProblemCode(rawValue: "session_over")
    /// 404: There is no such session.
    public static let sessionUnknown = ProblemCode(rawValue: "session_unknown")
    /// 409: This step is not legal now.
    public static let stepNotLegal = ProblemCode(rawValue: "step_not_legal")
    /// 401: A bearer token is needed.
    public static let tokenMissing = ProblemCode(rawValue: "token_missing")
    /// 413: The body is too large.
    public static let tooLarge = ProblemCode(rawValue: "too_large")
    /// 503: This session was written by a newer release.
    public static let unknownEvent = ProblemCode(rawValue: "unknown_event")
    /// 422: This version of the app cannot take a step that is required.
    public static let upgradeRequired = ProblemCode(rawValue: "upgrade_required")
}
