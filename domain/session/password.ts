/** Step 2: the password. */
import { decided, ended, illegal, type Circumstances, type Decision } from './decision.ts'
import type { SessionEvent } from './events.ts'
import { limits } from './flow.ts'
import type { SessionState, SessionView } from './state.ts'
import type { Channel, PasswordReason, PasswordRejection } from './vocabulary.ts'

export type PasswordVerdict =
  | { verdict: 'wrong'; reason: PasswordRejection }
  | { verdict: 'right'; disabled: boolean; account: { accountRevision: number; mfa: boolean; contacts: Channel[]; pinHere: boolean; biometricsHere: boolean } }

/** `insteadOf`: why not the passkey that was asked for, as the app knows it; `autofilled`: a credential manager filled the password in. */
export type PasswordGiven = { insteadOf?: PasswordReason | undefined; autofilled?: boolean | undefined }

export function decidePassword(state: SessionState, verdict: PasswordVerdict, given: PasswordGiven, circumstances: Circumstances): Decision {
  const refusal = illegal(state, 'password', circumstances.now)
  if (refusal) return refusal
  const chosen: SessionEvent[] = choosesPassword(state.view) ? [{ type: 'PasswordChosen', data: { reason: given.insteadOf ?? reasonOf(state.view) } }] : []
  if (verdict.verdict === 'wrong') {
    const attemptsLeft = limits.refusals - state.view.refusals - 1
    return decided(state, [...chosen, { type: 'PasswordRejected', data: { reason: verdict.reason, attemptsLeft } }], circumstances)
  }
  const { autofilled } = given
  const verified: SessionEvent = { type: 'PasswordVerified', data: autofilled === undefined ? verdict.account : { ...verdict.account, autofilled } }
  // That an account is disabled is told to whoever knows its password, and to nobody else.
  return decided(state, [...chosen, verified, ...(verdict.disabled ? [ended('account_disabled')] : [])], circumstances)
}

/** Said once in a login. */
const choosesPassword = ({ assertion, passwordChosen }: SessionView): boolean => assertion.outcome !== 'none' && passwordChosen === null

/** By what the session saw, where the app does not say. */
function reasonOf({ assertion: { outcome, reason } }: SessionView): PasswordReason {
  if (outcome === 'requested') return 'chosen'
  return reason === 'no_credential' ? 'no_credential' : reason?.startsWith('dismissed') ? 'cancelled' : 'failed'
}
