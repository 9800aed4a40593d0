/** Step 3: the offer to create a passkey, and the four ways in which it does not come to one. */
import { decided, illegal, refuse, type Circumstances, type Decision } from './decision.ts'
import { limits } from './flow.ts'
import type { SessionState } from './state.ts'
import type { Platform, SkipReason } from './vocabulary.ts'

export type AppendVerdict = { challenge: string } & (
  | { verdict: 'good'; passkey: { credentialId: string; aaguid: string; backupEligible: boolean; backedUp: boolean } }
  | { verdict: 'bad'; reason: string; retryable: boolean }
)

/** What only the device saw, classified. */
export type AppendReport = { platform: Platform; code: string; reason: string } & (
  | { outcome: 'cancelled' }
  | { outcome: 'not_shown' | 'failed'; retryable: boolean }
)

/** Creation options are issued: the offer is taken. A challenge issued before is dead from now on. */
export function decideAppendOptions(
  state: SessionState,
  options: { challenge: string; excludes: { id: string; transports: string[] }[]; expiresAt: string },
  circumstances: Circumstances,
): Decision {
  const refusal = illegal(state, 'append_options', circumstances.now)
  if (refusal) return refusal
  const mode = state.view.append.offer?.mode
  if (!mode) return refuse('step_not_legal')
  return decided(state, [{ type: 'AppendStarted', data: { ...options, mode } }], circumstances)
}

/** The passkey was judged. `verdict.challenge` must be the one that this session waits for; a late answer to an older one is no longer legal. */
export function decideAppend(state: SessionState, verdict: AppendVerdict, circumstances: Circumstances): Decision {
  const refusal = illegal(state, 'append', circumstances.now)
  if (refusal) return refusal
  if (state.ceremony?.challenge !== verdict.challenge) return refuse('challenge_used')
  if (verdict.verdict === 'bad') {
    const { reason } = verdict
    return decided(state, [{ type: 'AppendFailed', data: { by: 'engine', reason, retryable: mayRetry(state, verdict) } }], circumstances)
  }
  const { credentialId, aaguid, backupEligible, backedUp } = verdict.passkey
  const appended = { passkey: credentialId, challenge: verdict.challenge, aaguid, backupEligible, backedUp }
  return decided(state, [{ type: 'PasskeyAppended', data: appended }], circumstances)
}

/** No, in the app's own screen. */
export function decideAppendSkip(state: SessionState, reason: SkipReason, circumstances: Circumstances): Decision {
  return illegal(state, 'append_skip', circumstances.now) ?? decided(state, [{ type: 'AppendSkipped', data: { reason } }], circumstances)
}

/** The device's report why there is no passkey. Each of its outcomes is a fact of its own, and the login goes on after it. */
export function decideAppendReport(state: SessionState, report: AppendReport, circumstances: Circumstances): Decision {
  const refusal = illegal(state, 'append_report', circumstances.now)
  if (refusal) return refusal
  const { platform, code, reason } = report
  switch (report.outcome) {
    case 'cancelled':
      return decided(state, [{ type: 'AppendCancelled', data: { platform, code, reason } }], circumstances)
    case 'not_shown':
      return decided(state, [{ type: 'AppendNotShown', data: { platform, code, reason, retryable: mayRetry(state, report) } }], circumstances)
    case 'failed': {
      const retryable = mayRetry(state, report)
      return decided(state, [{ type: 'AppendFailed', data: { by: 'device', platform, code, reason, retryable } }], circumstances)
    }
  }
}

const mayRetry = ({ view }: SessionState, { retryable }: { retryable: boolean }): boolean => retryable && view.append.starts < limits.appendStarts
