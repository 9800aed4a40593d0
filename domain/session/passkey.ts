/** Step 2, for an account that has a passkey: it signs a challenge, or the device says why it did not. */
import { decided, ended, illegal, refuse, type Circumstances, type Decision } from './decision.ts'
import { limits } from './flow.ts'
import type { SessionEvent } from './events.ts'
import type { SessionState } from './state.ts'
import type { Platform, ReportOutcome } from './vocabulary.ts'

export type PasskeyRequest = (SessionEvent & { type: 'PasskeyRequested' })['data']

type Verified = Omit<(SessionEvent & { type: 'PasskeyVerified' })['data'], 'challenge'>

/** `passkey` of a bad one: the id that the answer claims, where it has one. */
export type PasskeyVerdict = { challenge: string | null } & (
  | { verdict: 'good'; disabled: boolean; verified: Verified }
  | { verdict: 'bad'; reason: string; passkey: string | null; retryable: boolean }
)

/** Fresh options. A challenge issued before is dead from now on. */
export function decidePasskeyOptions(state: SessionState, request: PasskeyRequest, circumstances: Circumstances): Decision {
  return illegal(state, 'passkey_options', circumstances.now) ?? decided(state, [{ type: 'PasskeyRequested', data: request }], circumstances)
}

/** The answer was judged. `verdict.challenge` must be the one that this session waits for. */
export function decidePasskey(state: SessionState, verdict: PasskeyVerdict, circumstances: Circumstances): Decision {
  const refusal = illegal(state, 'passkey', circumstances.now)
  if (refusal) return refusal
  const { challenge } = verdict
  if (challenge === null || state.request?.challenge !== challenge) return refuse('challenge_used')
  if (verdict.verdict === 'bad') {
    const { reason, passkey, retryable } = verdict
    const attemptsLeft = limits.refusals - state.view.refusals - 1
    return decided(state, [{ type: 'PasskeyRejected', data: { challenge, reason, passkey, retryable, attemptsLeft } }], circumstances)
  }
  const verified: SessionEvent = { type: 'PasskeyVerified', data: { ...verdict.verified, challenge } }
  // That an account is disabled is told to whoever has its passkey, and to nobody else.
  return decided(state, verdict.disabled ? [verified, ended('account_disabled')] : [verified], circumstances)
}

/** Why the device brought no passkey. The login goes on, with the password at the latest. */
export function decidePasskeyReport(
  state: SessionState,
  report: { platform: Platform; code: string; reason: string; outcome: ReportOutcome; retryable: boolean },
  circumstances: Circumstances,
): Decision {
  return illegal(state, 'passkey_report', circumstances.now) ?? decided(state, [{ type: 'PasskeyNotUsed', data: report }], circumstances)
}
