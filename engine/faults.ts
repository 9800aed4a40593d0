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
  'key_reused',
  'pin_rejected',
  'pin_locked',
  'pin_not_kept_here',
] as const
export type FaultCode = (typeof faults)[number]

export class Fault extends Error {
  readonly code: FaultCode
  readonly detail: { reason?: string; attemptsLeft?: number }
  constructor(code: FaultCode, detail: { reason?: string; attemptsLeft?: number } = {}) {
    super(code)
    this.code = code
    this.detail = detail
  }
}
