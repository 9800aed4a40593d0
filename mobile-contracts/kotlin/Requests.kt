// The bodies that an app sends, with the names of the contract.
package keyledger

/**
 * What the engine may know of the device: by it the engine decides whether to offer a passkey here. What is null is not said.
 *
 * [screenLock]: without one no passkey can be kept. [biometrics]: whether any are enrolled. [credentialManager]: whether one that keeps
 * passkeys is there and switched on. [conditionalCreate]: whether a passkey can be created without a prompt.
 */
data class Device(
    val platform: Platform = Platform.ANDROID,
    val locale: String? = null,
    val osVersion: String? = null,
    val appVersion: String? = null,
    val model: String? = null,
    val screenLock: Boolean? = null,
    val biometrics: Boolean? = null,
    val credentialManager: Boolean? = null,
    val conditionalCreate: Boolean? = null,
) {
    internal fun json(): JsonObject =
        body(
            "platform" to platform,
            "locale" to locale,
            "osVersion" to osVersion,
            "appVersion" to appVersion,
            "model" to model,
            "screenLock" to screenLock,
            "biometrics" to biometrics,
            "credentialManager" to credentialManager,
            "conditionalCreate" to conditionalCreate,
        )
}

internal fun startBody(
    app: String,
    installation: String,
    flowChallenge: String,
    supports: List<String>,
    identifier: String?,
    entryPoint: EntryPoint?,
    device: Device,
) = body(
    "app" to app,
    "installation" to installation,
    "flowChallenge" to flowChallenge,
    "supports" to supports,
    "identifier" to identifier,
    "entryPoint" to entryPoint,
    "device" to device.json(),
)

internal fun passkeyBody(credential: JsonObject) = body("credential" to credential)

internal fun reportBody(platform: Platform, code: String, message: String?) = body("platform" to platform, "code" to code, "message" to message)

internal fun passwordBody(password: String, insteadOf: PasswordReason?, autofilled: Boolean?) =
    body("password" to password, "insteadOf" to insteadOf, "autofilled" to autofilled)

internal fun appendBody(credential: JsonObject) = body("credential" to credential)

internal fun appendSkipBody(reason: SkipReason) = body("reason" to reason)

internal fun otpSendBody(channel: Channel) = body("channel" to channel)

internal fun otpBody(code: String) = body("code" to code)

internal fun pinBody(pin: String?) = body("pin" to pin)

internal fun biometricsBody(enabled: Boolean) = body("enabled" to enabled)

internal fun refreshBody(refreshToken: String) = body("refreshToken" to refreshToken)

internal fun unlockBody(pin: String) = body("pin" to pin)

internal fun passkeyNameBody(name: String) = body("name" to name)

internal fun contactBody(channel: Channel, address: String) = body("channel" to channel, "address" to address)

internal fun ownPasswordBody(password: String) = body("password" to password)
