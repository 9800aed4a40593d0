/** Step 2: the password. */
import { decided, illegal, type Circumstances, type Decision } from './decision.ts'
import { limits } from './flow.ts'
import type { SessionState } from './state.ts'
import type { Channel, PasswordRejection } from './vocabulary.ts'

export type PasswordVerdict =
  | { verdict: 'wrong'; reason: PasswordRejection }
  | { verdict: 'right'; disabled: boolean; account: { accountRevision: number; mfa: boolean; contacts: Channel[]; pinHere: boolean; biometricsHere: boolean } }

export function decidePassword(state: SessionState, verdict: PasswordVerdict, circumstances: Circumstances): Decision {
  const refusal = illegal(state, 'password', circumstances.now)
  if (refusal) return refusal
  if (verdict.verdict === 'wrong') {
    const attemptsLeft = limits.refusals - state.view.refusals - 1
    return decided(state, [{ type: 'PasswordRejected', data: { reason: verdict.reason, attemptsLeft } }], circumstances)
  }
  const verified = { type: 'PasswordVerified', data: verdict.account } as const
  // That an account is disabled is told to whoever knows its password, and to nobody else.
  return decided(state, verdict.disabled ? [verified, { type: 'SessionEnded', data: { reason: 'account_disabled' } }] : [verified], circumstances)
}
