/** What a device says of a creation that brought no passkey, and what it means. The platform's own code is kept beside it. */
import type { AppendReport } from './append.ts'
import type { Platform } from './vocabulary.ts'

type Meaning = { outcome: 'cancelled' | 'not_shown'; reason: string } | { outcome: 'failed'; reason: string; retryable: boolean }

const cancelled: Meaning = { outcome: 'cancelled', reason: 'dismissed_or_timed_out' }
const notShown = (reason: string): Meaning => ({ outcome: 'not_shown', reason })
const failed = (reason: string, retryable: boolean): Meaning => ({ outcome: 'failed', reason, retryable })

const known: Record<Platform, Record<string, Meaning>> = {
  // Apple: AuthenticationServices, ASAuthorizationError.Code.
  ios: {
    '1000': failed('unknown', true),
    '1001': cancelled,
    '1002': failed('invalid_response', false),
    '1003': notShown('not_handled'),
    '1004': failed('failed', true),
    '1005': notShown('not_interactive'),
    '1006': failed('already_on_device', false),
    '1010': notShown('device_not_configured'),
  },
  // Android: androidx.credentials.exceptions.
  android: {
    CreateCredentialCancellationException: cancelled,
    CreateCredentialInterruptedException: notShown('interrupted'),
    CreateCredentialNoCreateOptionException: notShown('no_provider'),
    CreateCredentialProviderConfigurationException: notShown('misconfigured'),
    CreateCredentialUnsupportedException: notShown('not_supported'),
    CreateCredentialUnknownException: failed('unknown', true),
    CreateCredentialCustomException: failed('provider', true),
    // With a DOM error behind it: CreatePublicKeyCredentialDomException.
    InvalidStateError: failed('already_on_device', false),
    NotAllowedError: cancelled,
    SecurityError: notShown('misconfigured'),
    NotSupportedError: notShown('not_supported'),
    ConstraintError: failed('constraint', false),
  },
  // WebAuthn Level 3, 5.1.3 and 6.3.2.
  web: {
    NotAllowedError: cancelled,
    AbortError: notShown('interrupted'),
    InvalidStateError: failed('already_on_device', false),
    SecurityError: notShown('misconfigured'),
    NotSupportedError: notShown('not_supported'),
    ConstraintError: failed('constraint', false),
  },
}

/** A code that is not known counts as a failure: it is kept raw, and starts nothing that a no would start. */
export const classifyReport = (platform: Platform, code: string): AppendReport => ({
  platform,
  code,
  ...(Object.hasOwn(known[platform], code) ? (known[platform][code] as Meaning) : failed('unknown', true)),
})
