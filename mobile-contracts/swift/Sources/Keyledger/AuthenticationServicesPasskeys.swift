// Written against Apple's documentation and not compiled where this package is tested: AuthenticationServices is on Apple's platforms alone.
// The app needs the entitlement `webcredentials:<rpId>` (Associated Domains), and the domain the file that the engine serves.
#if canImport(AuthenticationServices) && os(iOS)
import AuthenticationServices
import Foundation

/// Apple's passkeys, iOS 16 and later. One prompt at a time; create one for each screen.
@available(iOS 16.0, *)
@MainActor
public final class AuthenticationServicesPasskeys: NSObject, Passkeys {
    private let anchor: @MainActor () -> ASPresentationAnchor
    private var controller: ASAuthorizationController?
    private var waiting: CheckedContinuation<ASAuthorization, Error>?

    /// `anchor`: the window that the system's sheet belongs to.
    public init(anchor: @escaping @MainActor () -> ASPresentationAnchor) {
        self.anchor = anchor
        super.init()
    }

    public func use(_ options: RequestOptions, preferImmediatelyAvailable: Bool) async throws -> AssertionCredential {
        let provider = ASAuthorizationPlatformPublicKeyCredentialProvider(relyingPartyIdentifier: options.rpId)
        let request = provider.createCredentialAssertionRequest(challenge: try bytes(options.challenge))
        request.allowedCredentials = descriptors(options.allowCredentials)
        request.userVerificationPreference = ASAuthorizationPublicKeyCredentialUserVerificationPreference(rawValue: options.userVerification)
        let authorization = try await perform(request, preferImmediatelyAvailable: preferImmediatelyAvailable)
        guard let passkey = authorization.credential as? ASAuthorizationPlatformPublicKeyCredentialAssertion else {
            throw PasskeyFailure(code: "Keyledger/other_credential")
        }
        return AssertionCredential(
            id: Base64Url.encode(passkey.credentialID),
            authenticatorAttachment: attachment(passkey),
            response: AssertionCredential.Response(
                clientDataJSON: Base64Url.encode(passkey.rawClientDataJSON),
                authenticatorData: Base64Url.encode(passkey.rawAuthenticatorData),
                signature: Base64Url.encode(passkey.signature),
                userHandle: Base64Url.encode(passkey.userID)
            )
        )
    }

    public func create(_ options: CreationOptions, conditional: Bool) async throws -> RegistrationCredential {
        let provider = ASAuthorizationPlatformPublicKeyCredentialProvider(relyingPartyIdentifier: options.rp.id)
        let challenge = try bytes(options.challenge)
        let userID = try bytes(options.user.id)
        let request: ASAuthorizationPlatformPublicKeyCredentialRegistrationRequest
        if conditional {
            // Nobody is to be asked, so there is no other way. It comes to this only if the app said `conditionalCreate` of a device that cannot.
            guard #available(iOS 18.0, *) else { throw PasskeyFailure(code: "Keyledger/conditional_creation", message: "needs iOS 18") }
            request = provider.createCredentialRegistrationRequest(
                challenge: challenge, name: options.user.name, userID: userID, requestStyle: .conditional)
        } else {
            request = provider.createCredentialRegistrationRequest(challenge: challenge, name: options.user.name, userID: userID)
        }
        request.displayName = options.user.displayName
        request.userVerificationPreference =
            ASAuthorizationPublicKeyCredentialUserVerificationPreference(rawValue: options.authenticatorSelection.userVerification)
        if #available(iOS 17.4, *) {
            // The prompt then says that there is a passkey already (`1006`). Before, the engine refuses the second one.
            request.excludedCredentials = descriptors(options.excludeCredentials)
        }
        let authorization = try await perform(request, preferImmediatelyAvailable: false)
        guard let passkey = authorization.credential as? ASAuthorizationPlatformPublicKeyCredentialRegistration,
            let attestation = passkey.rawAttestationObject
        else {
            throw PasskeyFailure(code: "Keyledger/other_credential")
        }
        return RegistrationCredential(
            id: Base64Url.encode(passkey.credentialID),
            authenticatorAttachment: attachment(passkey),
            response: RegistrationCredential.Response(
                clientDataJSON: Base64Url.encode(passkey.rawClientDataJSON),
                attestationObject: Base64Url.encode(attestation),
                transports: ["internal", "hybrid"]
            )
        )
    }

    /// iOS 26 and later.
    public func signal(_ signals: Signals) async {
        #if compiler(>=6.2)
        guard #available(iOS 26.0, *), let user = Base64Url.decode(signals.userId) else { return }
        let updater = ASCredentialUpdater()
        try? await updater.reportAllAcceptedPublicKeyCredentials(
            relyingPartyIdentifier: signals.rpId,
            userHandle: user,
            acceptedCredentialIDs: signals.acceptedCredentialIds.compactMap { Base64Url.decode($0) }
        )
        try? await updater.reportPublicKeyCredentialUpdate(relyingPartyIdentifier: signals.rpId, userHandle: user, newName: signals.name)
        #endif
    }

    /// iOS 26 and later.
    public func signalUnknown(credentialId: String, rpId: String) async {
        #if compiler(>=6.2)
        guard #available(iOS 26.0, *), let credential = Base64Url.decode(credentialId) else { return }
        try? await ASCredentialUpdater().reportUnknownPublicKeyCredential(relyingPartyIdentifier: rpId, credentialID: credential)
        #endif
    }

    private func perform(_ request: ASAuthorizationRequest, preferImmediatelyAvailable: Bool) async throws -> ASAuthorization {
        // The platform shows one prompt at a time too.
        guard waiting == nil else { throw PasskeyFailure(code: "Keyledger/prompt_open") }
        let controller = ASAuthorizationController(authorizationRequests: [request])
        controller.delegate = self
        controller.presentationContextProvider = self
        self.controller = controller
        defer { self.controller = nil }
        do {
            return try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<ASAuthorization, Error>) in
                self.waiting = continuation
                if preferImmediatelyAvailable {
                    controller.performRequests(options: .preferImmediatelyAvailableCredentials)
                } else {
                    controller.performRequests()
                }
            }
        } catch {
            throw failure(error as NSError)
        }
    }

    private func ended(_ result: Result<ASAuthorization, Error>) {
        let continuation = waiting
        waiting = nil
        continuation?.resume(with: result)
    }

    /// As the engine's table has it: the number as text, of another domain with its name. What this file itself gives up on is of the domain `Keyledger`.
    private func failure(_ error: NSError) -> PasskeyFailure {
        let isApples = error.domain == ASAuthorizationError.errorDomain
        return PasskeyFailure(code: isApples ? String(error.code) : "\(error.domain)/\(error.code)", message: error.localizedDescription)
    }

    private func bytes(_ text: String) throws -> Data {
        guard let data = Base64Url.decode(text) else { throw PasskeyFailure(code: "Keyledger/options_unreadable") }
        return data
    }

    private func descriptors(_ list: [Descriptor]) -> [ASAuthorizationPlatformPublicKeyCredentialDescriptor] {
        return list.compactMap { Base64Url.decode($0.id) }.map { ASAuthorizationPlatformPublicKeyCredentialDescriptor(credentialID: $0) }
    }

    private func attachment(_ passkey: ASAuthorizationPlatformPublicKeyCredentialAssertion) -> String? {
        guard #available(iOS 16.6, *) else { return nil }
        return passkey.attachment == .crossPlatform ? "cross-platform" : "platform"
    }

    private func attachment(_ passkey: ASAuthorizationPlatformPublicKeyCredentialRegistration) -> String? {
        guard #available(iOS 16.6, *) else { return nil }
        return passkey.attachment == .crossPlatform ? "cross-platform" : "platform"
    }
}

@available(iOS 16.0, *)
extension AuthenticationServicesPasskeys: ASAuthorizationControllerDelegate {
    public func authorizationController(controller: ASAuthorizationController, didCompleteWithAuthorization authorization: ASAuthorization) {
        ended(.success(authorization))
    }

    public func authorizationController(controller: ASAuthorizationController, didCompleteWithError error: Error) {
        ended(.failure(error))
    }
}

@available(iOS 16.0, *)
extension AuthenticationServicesPasskeys: ASAuthorizationControllerPresentationContextProviding {
    public func presentationAnchor(for controller: ASAuthorizationController) -> ASPresentationAnchor {
        return anchor()
    }
}
#endif
