// For Android; compiled in an app, not in the tests here. It takes androidx.credentials 1.6 or later, with
// androidx.credentials:credentials-play-services-auth for Android 13 and older.
package keyledger

import android.app.Activity
import android.app.KeyguardManager
import android.content.Context
import android.os.Build
import androidx.credentials.CreatePublicKeyCredentialRequest
import androidx.credentials.CreatePublicKeyCredentialResponse
import androidx.credentials.CredentialManager
import androidx.credentials.GetCredentialRequest
import androidx.credentials.GetPublicKeyCredentialOption
import androidx.credentials.PublicKeyCredential
import androidx.credentials.SignalAllAcceptedCredentialIdsRequest
import androidx.credentials.SignalCredentialStateRequest
import androidx.credentials.SignalCurrentUserDetailsRequest
import androidx.credentials.SignalUnknownCredentialRequest
import androidx.credentials.exceptions.CreateCredentialCancellationException
import androidx.credentials.exceptions.CreateCredentialCustomException
import androidx.credentials.exceptions.CreateCredentialException
import androidx.credentials.exceptions.CreateCredentialInterruptedException
import androidx.credentials.exceptions.CreateCredentialNoCreateOptionException
import androidx.credentials.exceptions.CreateCredentialProviderConfigurationException
import androidx.credentials.exceptions.CreateCredentialUnknownException
import androidx.credentials.exceptions.CreateCredentialUnsupportedException
import androidx.credentials.exceptions.GetCredentialCancellationException
import androidx.credentials.exceptions.GetCredentialCustomException
import androidx.credentials.exceptions.GetCredentialException
import androidx.credentials.exceptions.GetCredentialInterruptedException
import androidx.credentials.exceptions.GetCredentialProviderConfigurationException
import androidx.credentials.exceptions.GetCredentialUnknownException
import androidx.credentials.exceptions.GetCredentialUnsupportedException
import androidx.credentials.exceptions.NoCredentialException
import androidx.credentials.exceptions.domerrors.AbortError
import androidx.credentials.exceptions.domerrors.ConstraintError
import androidx.credentials.exceptions.domerrors.DataCloneError
import androidx.credentials.exceptions.domerrors.DataError
import androidx.credentials.exceptions.domerrors.DomError
import androidx.credentials.exceptions.domerrors.EncodingError
import androidx.credentials.exceptions.domerrors.HierarchyRequestError
import androidx.credentials.exceptions.domerrors.InUseAttributeError
import androidx.credentials.exceptions.domerrors.InvalidCharacterError
import androidx.credentials.exceptions.domerrors.InvalidModificationError
import androidx.credentials.exceptions.domerrors.InvalidNodeTypeError
import androidx.credentials.exceptions.domerrors.InvalidStateError
import androidx.credentials.exceptions.domerrors.NamespaceError
import androidx.credentials.exceptions.domerrors.NetworkError
import androidx.credentials.exceptions.domerrors.NoModificationAllowedError
import androidx.credentials.exceptions.domerrors.NotAllowedError
import androidx.credentials.exceptions.domerrors.NotFoundError
import androidx.credentials.exceptions.domerrors.NotReadableError
import androidx.credentials.exceptions.domerrors.NotSupportedError
import androidx.credentials.exceptions.domerrors.OperationError
import androidx.credentials.exceptions.domerrors.OptOutError
import androidx.credentials.exceptions.domerrors.QuotaExceededError
import androidx.credentials.exceptions.domerrors.ReadOnlyError
import androidx.credentials.exceptions.domerrors.SecurityError
import androidx.credentials.exceptions.domerrors.SyntaxError
import androidx.credentials.exceptions.domerrors.TimeoutError
import androidx.credentials.exceptions.domerrors.TransactionInactiveError
import androidx.credentials.exceptions.domerrors.UnknownError
import androidx.credentials.exceptions.domerrors.VersionError
import androidx.credentials.exceptions.domerrors.WrongDocumentError
import androidx.credentials.exceptions.publickeycredential.CreatePublicKeyCredentialDomException
import androidx.credentials.exceptions.publickeycredential.CreatePublicKeyCredentialException
import androidx.credentials.exceptions.publickeycredential.GetPublicKeyCredentialDomException
import androidx.credentials.exceptions.publickeycredential.GetPublicKeyCredentialException
import java.util.Locale
import kotlinx.coroutines.runBlocking

/**
 * [Passkeys] of the Credential Manager. Make one for each activity, whose window the sheet appears over, and call it off the main thread: the
 * sheet needs that one.
 */
class CredentialManagerPasskeys(private val activity: Activity) : Passkeys {
    private val manager = CredentialManager.create(activity)

    override fun create(optionsJson: String, conditional: Boolean): String =
        try {
            // Without a prompt there is nothing to fall back to another device for.
            val request =
                CreatePublicKeyCredentialRequest(
                    requestJson = optionsJson,
                    preferImmediatelyAvailableCredentials = conditional,
                    isConditional = conditional,
                )
            val response = runBlocking { manager.createCredential(activity, request) } as CreatePublicKeyCredentialResponse
            response.registrationResponseJson
        } catch (failure: CreateCredentialException) {
            throw PasskeyFailure(codeOf(failure), failure.errorMessage?.toString())
        }

    override fun get(requestJson: String, preferImmediatelyAvailable: Boolean): String =
        try {
            val request =
                GetCredentialRequest(
                    credentialOptions = listOf(GetPublicKeyCredentialOption(requestJson)),
                    preferImmediatelyAvailableCredentials = preferImmediatelyAvailable,
                )
            val response = runBlocking { manager.getCredential(activity, request) }
            (response.credential as PublicKeyCredential).authenticationResponseJson
        } catch (failure: GetCredentialException) {
            throw PasskeyFailure(codeOf(failure), failure.errorMessage?.toString())
        }

    override fun signal(signals: Signals) {
        val account = mapOf("rpId" to signals.rpId, "userId" to signals.userId)
        send(SignalAllAcceptedCredentialIdsRequest(Json.write(account + ("allAcceptedCredentialIds" to signals.acceptedCredentialIds))))
        send(SignalCurrentUserDetailsRequest(Json.write(account + mapOf("name" to signals.name, "displayName" to signals.displayName))))
    }

    override fun signalUnknown(rpId: String, credentialId: String) =
        send(SignalUnknownCredentialRequest(Json.write(mapOf("rpId" to rpId, "credentialId" to credentialId))))

    /** A provider that does not know the signals may throw what it likes; the login does not depend on it. */
    private fun send(request: SignalCredentialStateRequest) {
        runCatching { runBlocking { manager.signalCredentialState(request) } }
    }

    // The names are written out, since R8 may rename the classes in a release build.

    private fun codeOf(failure: CreateCredentialException): String =
        when (failure) {
            is CreatePublicKeyCredentialDomException -> "CreatePublicKeyCredentialDomException/${nameOf(failure.domError)}"
            is CreateCredentialCancellationException -> "CreateCredentialCancellationException"
            is CreateCredentialInterruptedException -> "CreateCredentialInterruptedException"
            is CreateCredentialNoCreateOptionException -> "CreateCredentialNoCreateOptionException"
            is CreateCredentialProviderConfigurationException -> "CreateCredentialProviderConfigurationException"
            is CreateCredentialUnsupportedException -> "CreateCredentialUnsupportedException"
            is CreateCredentialUnknownException -> "CreateCredentialUnknownException"
            is CreateCredentialCustomException -> "CreateCredentialCustomException"
            is CreatePublicKeyCredentialException -> "CreatePublicKeyCredentialException"
            else -> failure.javaClass.simpleName
        }

    private fun codeOf(failure: GetCredentialException): String =
        when (failure) {
            is GetPublicKeyCredentialDomException -> "GetPublicKeyCredentialDomException/${nameOf(failure.domError)}"
            is NoCredentialException -> "NoCredentialException"
            is GetCredentialCancellationException -> "GetCredentialCancellationException"
            is GetCredentialInterruptedException -> "GetCredentialInterruptedException"
            is GetCredentialProviderConfigurationException -> "GetCredentialProviderConfigurationException"
            is GetCredentialUnsupportedException -> "GetCredentialUnsupportedException"
            is GetCredentialUnknownException -> "GetCredentialUnknownException"
            is GetCredentialCustomException -> "GetCredentialCustomException"
            is GetPublicKeyCredentialException -> "GetPublicKeyCredentialException"
            else -> failure.javaClass.simpleName
        }

    private fun nameOf(error: DomError): String =
        when (error) {
            is AbortError -> "AbortError"
            is ConstraintError -> "ConstraintError"
            is DataCloneError -> "DataCloneError"
            is DataError -> "DataError"
            is EncodingError -> "EncodingError"
            is HierarchyRequestError -> "HierarchyRequestError"
            is InUseAttributeError -> "InUseAttributeError"
            is InvalidCharacterError -> "InvalidCharacterError"
            is InvalidModificationError -> "InvalidModificationError"
            is InvalidNodeTypeError -> "InvalidNodeTypeError"
            is InvalidStateError -> "InvalidStateError"
            is NamespaceError -> "NamespaceError"
            is NetworkError -> "NetworkError"
            is NoModificationAllowedError -> "NoModificationAllowedError"
            is NotAllowedError -> "NotAllowedError"
            is NotFoundError -> "NotFoundError"
            is NotReadableError -> "NotReadableError"
            is NotSupportedError -> "NotSupportedError"
            is OperationError -> "OperationError"
            is OptOutError -> "OptOutError"
            is QuotaExceededError -> "QuotaExceededError"
            is ReadOnlyError -> "ReadOnlyError"
            is SecurityError -> "SecurityError"
            is SyntaxError -> "SyntaxError"
            is TimeoutError -> "TimeoutError"
            is TransactionInactiveError -> "TransactionInactiveError"
            is UnknownError -> "UnknownError"
            is VersionError -> "VersionError"
            is WrongDocumentError -> "WrongDocumentError"
            else -> error.javaClass.simpleName
        }
}

/** What the platform tells of itself. Whether biometrics are enrolled, the app adds: `BiometricManager` of androidx.biometric knows. */
fun deviceOf(context: Context, appVersion: String): Device =
    Device(
        locale = Locale.getDefault().stripExtensions().toLanguageTag(),
        osVersion = Build.VERSION.RELEASE.take(32),
        appVersion = appVersion.take(32),
        model = Build.MODEL.take(48),
        screenLock = context.getSystemService(KeyguardManager::class.java)?.isDeviceSecure,
        conditionalCreate = true,
    )
