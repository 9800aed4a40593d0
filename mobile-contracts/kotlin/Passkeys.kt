package keyledger

/** The passkeys of the device. `CredentialManagerPasskeys` is the one for Android. Both ceremonies block until the person has decided. */
interface Passkeys {
    /**
     * @param optionsJson PublicKeyCredentialCreationOptionsJSON, as the engine sent it
     * @param conditional create without a prompt, or fail without one
     * @return RegistrationResponseJSON
     * @throws PasskeyFailure
     */
    fun create(optionsJson: String, conditional: Boolean): String

    /**
     * @param requestJson PublicKeyCredentialRequestOptionsJSON, as the engine sent it
     * @param preferImmediatelyAvailable ask for passkeys on this device alone, and fail without a sheet where there is none
     * @return AuthenticationResponseJSON
     * @throws PasskeyFailure
     */
    fun get(requestJson: String, preferImmediatelyAvailable: Boolean): String

    /** The passkeys and the name that the account has now. What comes of it, no login depends on. */
    fun signal(signals: Signals) {}

    /** A passkey that the engine does not take: the credential manager may forget it. */
    fun signalUnknown(rpId: String, credentialId: String) {}
}

/**
 * The device brought no passkey. [code] is the platform's own and is reported as it is: of Android the name of the exception's class, and
 * of a DOM exception that name, a slash and the name of its DOM error. [message] is for people who look for a fault.
 */
class PasskeyFailure(val code: String, message: String? = null) : Exception(message)
