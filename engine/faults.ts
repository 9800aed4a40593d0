/** Why a request could not be answered by the flow at all. What the flow itself refuses is an `Outcome`, not a fault. */
export const faults = [
  'session_unknown',
  'app_unknown',
  'identifier_malformed',
  'upgrade_required',
  'flow_token_invalid',
  'access_token_invalid',
  'refresh_token_invalid',
  'session_over',
  'insufficient_user_authentication',
  'account_unknown',
  'passkey_unknown',
  'contact_unknown',
  'contact_malformed',
  'event_unknown',
  'not_sealed',
  'identifier_taken',
  'password_unacceptable',
  'backend_key_invalid',
  'key_reused',
  'pin_rejected',
  'pin_locked',
  'pin_not_kept_here',
] as const
export type FaultCode = (typeof faults)[number]

/** `maxAgeSeconds`: how fresh the authentication must be (RFC 9470); `account`: the one that is there already. */
export type FaultDetail = { detail?: string; reason?: string; attemptsLeft?: number; maxAgeSeconds?: number; account?: string }

export class Fault extends Error {
  readonly code: FaultCode
  readonly detail: FaultDetail
  constructor(code: FaultCode, detail: FaultDetail = {}) {
    super(code)
    this.code = code
    this.detail = detail
  }
}
