/**
 * Why a passkey was refused, in our own words. The library throws sentences without a code; this is the one place that reads them.
 * `passkey-errors.test.ts` provokes every sentence through the real library, so an upgrade that words one differently fails there.
 */

/** Every fault, and whether the same device may simply try again with fresh options. */
export const retryable = {
  malformed: false,
  wrong_type: false,
  wrong_challenge: true,
  wrong_origin: false,
  cross_origin: false,
  wrong_rp: false,
  user_not_present: true,
  user_not_verified: true,
  bad_backup_flags: false,
  algorithm_not_offered: false,
  unusable_key: false,
  bad_attestation: false,
  id_mismatch: false,
  id_too_long: false,
  bad_signature: false,
  backup_eligibility_changed: false,
  /** There may be a copy of the passkey. */
  counter_not_increased: false,
  /** The library said no in a sentence that is not in the table below. */
  rejected: false,
} as const satisfies Record<string, boolean>

export type PasskeyFault = keyof typeof retryable

/**
 * How the library's sentences begin (14.0.3). Only beginnings are compared: the rest of a sentence may quote what the client sent.
 * Sentences about bytes that cannot be decoded are not here: we decode first, and whatever is thrown there is malformed.
 */
export const sentences = {
  // Of both ceremonies.
  'Credential ID was not base64url-encoded': 'id_mismatch', // its words for id !== rawId
  'Unexpected RP ID hash': 'wrong_rp',
  'Credential public key was missing numeric alg': 'malformed',
  'Single-device credential indicated that it was backed up': 'bad_backup_flags',
  // Of a creation.
  'Unexpected registration response type': 'wrong_type',
  'Unexpected registration response challenge': 'wrong_challenge',
  'Unexpected registration response origin': 'wrong_origin',
  'Unexpected value for TokenBinding': 'malformed',
  'Unexpected tokenBinding.status': 'malformed',
  'User presence was required': 'user_not_present',
  'User verification was required': 'user_not_verified',
  'Unexpected public key alg': 'algorithm_not_offered',
  'None attestation had unexpected attestation statement': 'bad_attestation',
  'No attestation signature provided': 'bad_attestation',
  'Attestation statement did not contain alg': 'bad_attestation',
  'Attestation statement contained invalid alg': 'bad_attestation',
  // Of a request.
  'Unexpected authentication response type': 'wrong_type',
  'Unexpected authentication response challenge': 'wrong_challenge',
  'Detected cross-origin authentication response': 'cross_origin',
  'Unexpected top origin': 'cross_origin',
  'Unexpected authentication response origin': 'wrong_origin',
  'ClientDataJSON tokenBinding was not an object': 'malformed',
  'Unexpected tokenBinding status': 'malformed',
  'User not present during authentication': 'user_not_present',
  'User verification required': 'user_not_verified',
} as const satisfies Record<string, PasskeyFault>

/** What the library's error means. It never quotes the error, which may hold a challenge or whatever else the client sent. */
export function passkeyFault(error: unknown): PasskeyFault {
  const message = error instanceof Error ? error.message : ''
  return Object.entries(sentences).find(([beginning]) => message.startsWith(beginning))?.[1] ?? 'rejected'
}
