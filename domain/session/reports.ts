/**
 * What a device's report means that a ceremony brought no passkey: one table of the codes that the platforms document, each row with its
 * source. Where a platform does not tell causes apart, neither does the reason. `docs/device-reports.md` is this table for readers.
 */
import type { AppendReport } from './append.ts'
import type { Platform, ReportOutcome } from './vocabulary.ts'

export type Ceremony = 'create' | 'get'

/** Our words, an open set. Those that begin with `dismissed` may be a person's choice; `password.ts` reads that, and `no_credential`. */
export const reasons = {
  dismissed_or_timed_out: 'The prompt was closed, or ran out of time.',
  dismissed_or_not_allowed: 'The prompt was closed, ran out of time or was not allowed; the platform does not tell which.',
  dismissed_or_none_here: 'The prompt was closed, ran out of time or was not allowed, or there is no passkey here; the platform does not tell which.',
  dismissed_by_opting_out: 'The person opted out.',
  dismissed_for_sign_in_with_apple: 'The person has an account with Sign in with Apple and would rather use that.',
  timed_out: 'The ceremony ran out of time.',
  no_credential: 'No passkey of this account can be used here: there is none, or the person does not consent to using it.',
  no_provider: 'Nothing on the device offers to keep a passkey.',
  device_not_configured: 'The device is not set up for creating passkeys.',
  not_supported: 'The device, or what keeps its passkeys, does not support what was asked for.',
  requirements_not_met: 'Nothing on the device can verify its user and keep a passkey, as the options require.',
  already_on_device: 'A passkey of the account is there already.',
  interrupted: 'Something came between, such as a visit to the settings.',
  aborted: 'The ceremony was aborted. On the web the page itself did that; Firefox has said so of a dismissal, too.',
  not_handled: 'The system did not handle the request.',
  not_interactive: 'The request was not interactive. The platform says no more; some were told so where there is no passkey.',
  misconfigured: 'App or origin do not belong to the relying party: look at the association files, the certificate and the relying party id.',
  provider_misconfigured: "The app's build lacks the provider's dependency, or a system service is switched off.",
  provider_specific: 'An error of one provider alone.',
  invalid_options: 'The options cannot be read: look at the app, and at the options it was sent.',
  invalid_response: 'The request got an invalid response.',
  network: 'The network failed.',
  failed: 'The attempt failed. That is often an invalid option or an association file; the message on the device says more.',
  unspecified: 'The platform says that it does not know.',
  dom_error: 'A DOM error that WebAuthn does not give in this ceremony.',
  other_request: 'A code of another kind of request: the app asked for something else, or reports it in the wrong place.',
  unknown: 'A code that is not in this table. It is kept as it came.',
} as const satisfies Record<string, string>

export type Meaning = {
  outcome: ReportOutcome
  reason: keyof typeof reasons
  /** The person may try again in this login. */
  retryable: boolean
  /** It may have been a no: the next offer waits as long as after one (`policy/history.ts`). */
  coolDown: boolean
  /** Operations should look: it concerns more than one person, and does not pass by itself. */
  alert: boolean
}
type Row = Meaning & { platform: Platform; ceremony: Ceremony; code: string; source: string }

const means = (outcome: ReportOutcome, reason: Meaning['reason'], ...also: ('retry' | 'cool-down' | 'alert')[]): Meaning => ({
  outcome,
  reason,
  retryable: also.includes('retry'),
  coolDown: also.includes('cool-down'),
  alert: also.includes('alert'),
})

/** A code that nobody knows counts as a failure that may pass, and starts nothing that a no would start. */
const unknown = means('failed', 'unknown', 'retry', 'alert')

const apple = 'https://developer.apple.com'
const appleCodes = `${apple}/documentation/authenticationservices/asauthorizationerror-swift.struct/code`
const passkeySample = `${apple}/documentation/authenticationservices/connecting-to-a-service-with-passkeys`
/** Of a row that says more than the code's own page does, `source` is where that is told. */
const ios = (ceremony: Ceremony, code: string, name: string, meaning: Meaning, source = `${appleCodes}/${name.toLowerCase()}`): Row => ({
  platform: 'ios', ceremony, code, ...meaning, source,
})

const exceptions = 'https://developer.android.com/reference/androidx/credentials/exceptions'
const troubleshooting = 'https://developer.android.com/identity/sign-in/credential-manager-troubleshooting-guide'
const android = (ceremony: Ceremony, code: string, meaning: Meaning, source = `${exceptions}/${code}`): Row => ({
  platform: 'android', ceremony, code, ...meaning, source,
})

/** Inside its exception, and without it. */
const androidDom = (ceremony: Ceremony, name: string, meaning: Meaning): Row[] => {
  const exception = { create: 'CreatePublicKeyCredentialDomException', get: 'GetPublicKeyCredentialDomException' }[ceremony]
  return [`${exception}/${name}`, name].map((code) => ({ platform: 'android', ceremony, code, ...meaning, source: `${exceptions}/domerrors/${name}` }))
}

const web = (ceremony: Ceremony, code: string, meaning: Meaning, section: string): Row => ({
  platform: 'web', ceremony, code, ...meaning, source: `https://www.w3.org/TR/webauthn-3/#${section}`,
})

/**
 * WebAuthn's own, which Android shares: the authenticator's UnknownError (6.3.2, 6.3.3), and else what 5.1.3, 5.1.4, 5.1.8 and 5.1.9 list.
 * A dismissal is to be a NotAllowedError; Firefox was seen to make it an AbortError (github.com/w3c/webauthn/issues/2240).
 */
const domErrors: [Ceremony, string, Meaning, string][] = [
  ['create', 'NotAllowedError', means('cancelled', 'dismissed_or_not_allowed', 'retry', 'cool-down'), 'sctn-create-request-exceptions'],
  ['create', 'AbortError', means('not_shown', 'aborted', 'retry'), 'sctn-create-request-exceptions'],
  ['create', 'InvalidStateError', means('failed', 'already_on_device'), 'sctn-create-request-exceptions'],
  ['create', 'ConstraintError', means('not_shown', 'requirements_not_met'), 'sctn-create-request-exceptions'],
  ['create', 'NotSupportedError', means('not_shown', 'not_supported'), 'sctn-create-request-exceptions'],
  ['create', 'SecurityError', means('not_shown', 'misconfigured', 'alert'), 'sctn-create-request-exceptions'],
  ['create', 'EncodingError', means('not_shown', 'invalid_options', 'alert'), 'sctn-parseCreationOptionsFromJSON'],
  ['create', 'UnknownError', means('failed', 'unspecified', 'retry'), 'sctn-op-make-cred'],
  ['get', 'NotAllowedError', means('cancelled', 'dismissed_or_none_here', 'retry'), 'sctn-get-request-exceptions'],
  ['get', 'AbortError', means('not_shown', 'aborted', 'retry'), 'sctn-get-request-exceptions'],
  ['get', 'SecurityError', means('not_shown', 'misconfigured', 'alert'), 'sctn-get-request-exceptions'],
  ['get', 'EncodingError', means('not_shown', 'invalid_options', 'alert'), 'sctn-parseRequestOptionsFromJSON'],
  ['get', 'UnknownError', means('failed', 'unspecified', 'retry'), 'sctn-op-get-assertion'],
]

const otherDomErrors = [
  'DataCloneError', 'DataError', 'HierarchyRequestError', 'InUseAttributeError', 'InvalidCharacterError', 'InvalidModificationError',
  'InvalidNodeTypeError', 'NamespaceError', 'NoModificationAllowedError', 'NotFoundError', 'NotReadableError', 'OperationError',
  'QuotaExceededError', 'ReadOnlyError', 'SyntaxError', 'TransactionInactiveError', 'VersionError', 'WrongDocumentError',
]
const domError = means('failed', 'dom_error', 'retry', 'alert')

/** After a dismissal a creation may always be tried again (`state.ts`). So may a login that found no passkey here: another device can have one. */
export const deviceReports: readonly Row[] = [
  // Of a passkey Apple expects 1001, 1004 and 1006 alone (developer.apple.com/forums/thread/756425), and 1010 since iOS 26: others are worth a
  // look. 1000 is known to stand for 1006 where the passkey is to be kept on another device (developer.apple.com/forums/thread/785321).
  ios('create', '1000', 'unknown', means('failed', 'unspecified', 'retry')),
  ios('create', '1001', 'canceled', means('cancelled', 'dismissed_or_timed_out', 'retry', 'cool-down')),
  ios('create', '1002', 'invalidResponse', means('failed', 'invalid_response', 'alert')),
  ios('create', '1003', 'notHandled', means('not_shown', 'not_handled', 'alert')),
  ios('create', '1004', 'failed', means('failed', 'failed', 'retry', 'alert')),
  ios('create', '1005', 'notInteractive', means('not_shown', 'not_interactive', 'alert')),
  ios('create', '1006', 'matchedExcludedCredential', means('failed', 'already_on_device')),
  // What iOS was seen to give instead of 1006: `duplicateCredential` of WebKit.
  ios('create', 'WKErrorDomain/8', 'duplicateCredential', means('failed', 'already_on_device'), `${apple}/forums/thread/835726`),
  ios('create', '1007', 'credentialImport', means('failed', 'other_request', 'alert')),
  ios('create', '1008', 'credentialExport', means('failed', 'other_request', 'alert')),
  ios('create', '1009', 'preferSignInWithApple', means('cancelled', 'dismissed_for_sign_in_with_apple', 'retry', 'cool-down')),
  ios('create', '1010', 'deviceNotConfiguredForPasskeyCreation', means('not_shown', 'device_not_configured')),

  ios('get', '1000', 'unknown', means('failed', 'unspecified', 'retry')),
  // With `preferImmediatelyAvailableCredentials` it says this, too, where there is no passkey: so Apple's own sample code.
  ios('get', '1001', 'canceled', means('cancelled', 'dismissed_or_none_here', 'retry'), passkeySample),
  ios('get', '1002', 'invalidResponse', means('failed', 'invalid_response', 'alert')),
  ios('get', '1003', 'notHandled', means('not_shown', 'not_handled', 'alert')),
  ios('get', '1004', 'failed', means('failed', 'failed', 'retry', 'alert')),
  // Some were given it where there is no passkey (github.com/corbado/flutter-passkeys/pull/271), others 1001
  // (github.com/f-23/react-native-passkey/pull/108): so it is no alarm here.
  ios('get', '1005', 'notInteractive', means('not_shown', 'not_interactive', 'retry')),
  ios('get', '1006', 'matchedExcludedCredential', means('failed', 'other_request', 'alert')),
  ios('get', '1007', 'credentialImport', means('failed', 'other_request', 'alert')),
  ios('get', '1008', 'credentialExport', means('failed', 'other_request', 'alert')),
  ios('get', '1009', 'preferSignInWithApple', means('cancelled', 'dismissed_for_sign_in_with_apple', 'retry')),
  ios('get', '1010', 'deviceNotConfiguredForPasskeyCreation', means('failed', 'other_request', 'alert')),

  android('create', 'CreateCredentialCancellationException', means('cancelled', 'dismissed_or_timed_out', 'retry', 'cool-down')),
  android('create', 'CreateCredentialInterruptedException', means('not_shown', 'interrupted', 'retry')),
  android('create', 'CreateCredentialNoCreateOptionException', means('not_shown', 'no_provider')),
  android('create', 'CreateCredentialProviderConfigurationException', means('not_shown', 'provider_misconfigured', 'alert')),
  android('create', 'CreateCredentialUnsupportedException', means('not_shown', 'not_supported')),
  android('create', 'CreateCredentialUnknownException', means('failed', 'unspecified', 'retry')),
  android('create', 'CreateCredentialCustomException', means('failed', 'provider_specific', 'retry', 'alert')),

  // That a request was not authorized comes as a cancellation, too.
  android('get', 'GetCredentialCancellationException', means('cancelled', 'dismissed_or_not_allowed', 'retry'), troubleshooting),
  android('get', 'GetCredentialInterruptedException', means('not_shown', 'interrupted', 'retry')),
  android('get', 'NoCredentialException', means('not_shown', 'no_credential', 'retry')),
  android('get', 'GetCredentialProviderConfigurationException', means('not_shown', 'provider_misconfigured', 'alert')),
  android('get', 'GetCredentialUnsupportedException', means('not_shown', 'not_supported')),
  android('get', 'GetCredentialUnknownException', means('failed', 'unspecified', 'retry')),
  android('get', 'GetCredentialCustomException', means('failed', 'provider_specific', 'retry', 'alert')),

  ...domErrors.flatMap(([ceremony, name, meaning]) => androidDom(ceremony, name, meaning)),
  ...androidDom('create', 'OptOutError', means('cancelled', 'dismissed_by_opting_out', 'retry', 'cool-down')),
  ...androidDom('create', 'TimeoutError', means('cancelled', 'timed_out', 'retry', 'cool-down')),
  ...androidDom('create', 'NetworkError', means('failed', 'network', 'retry')),
  ...androidDom('get', 'OptOutError', means('cancelled', 'dismissed_by_opting_out', 'retry')),
  ...androidDom('get', 'TimeoutError', means('cancelled', 'timed_out', 'retry')),
  ...androidDom('get', 'NetworkError', means('failed', 'network', 'retry')),
  ...androidDom('get', 'NotSupportedError', means('not_shown', 'not_supported')),
  ...otherDomErrors.flatMap((name) => androidDom('create', name, domError)),
  ...[...otherDomErrors, 'ConstraintError', 'InvalidStateError'].flatMap((name) => androidDom('get', name, domError)),

  ...domErrors.map((row) => web(...row)),
  web('create', 'TypeError', means('not_shown', 'invalid_options', 'alert'), 'sctn-create-request-exceptions'),
  web('get', 'TypeError', means('not_shown', 'invalid_options', 'alert'), 'sctn-get-request-exceptions'),
]

const key = (platform: Platform, ceremony: Ceremony, code: string): string => `${platform} ${ceremony} ${code}`
const meanings = new Map<string, Meaning>(
  deviceReports.map(({ platform, ceremony, code, source: _, ...meaning }) => [key(platform, ceremony, code), meaning]),
)

export const meaningOf = (platform: Platform, ceremony: Ceremony, code: string): Meaning => meanings.get(key(platform, ceremony, code)) ?? unknown

/** Of a creation; the platform's own code is kept. */
export function classifyReport(platform: Platform, code: string): AppendReport {
  const { outcome, reason, retryable } = meaningOf(platform, 'create', code)
  return outcome === 'cancelled' ? { platform, code, outcome, reason } : { platform, code, outcome, reason, retryable }
}
