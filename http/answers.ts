/** The public state of a login, as it is answered: the same from the fold and from the projection. */
import { currentStep, legalActions, limits, passkeyStatus, requirement, signedInNext } from '../domain/session/flow.ts'
import type { SessionView } from '../domain/session/state.ts'
import type { Action, SignedInAction } from '../domain/session/vocabulary.ts'
import { requestOf } from '../mobile-contracts/actions.ts'
import type { SessionAnswer } from '../mobile-contracts/answers.ts'

export type Shown = { session: string; view: SessionView; revision: number }

/** `now`: what is legal and how long it lasts is told as of this moment (ISO 8601). */
export function sessionAnswer({ session, view, revision }: Shown, now: string, { recoverUrl }: { recoverUrl?: string | undefined } = {}): SessionAnswer {
  const expired = view.status === 'running' && now >= view.expiresAt
  const status = expired ? 'expired' : view.status
  const running = status === 'running'
  const next: readonly (Action | SignedInAction)[] = view.status === 'completed' ? signedInNext(view) : legalActions(view, now)
  const { append, assertion, otp, plan } = view
  const proved = view.proof !== null
  const recover = recoverUrl !== undefined && running && !proved && !view.usernameless
  return {
    session: {
      id: session,
      purpose: view.purpose,
      status,
      endReason: view.endReason,
      step: running ? (currentStep(view) ?? null) : null,
      revision,
      expiresAt: view.expiresAt,
      secondsLeft: running ? Math.max(0, Math.floor((Date.parse(view.expiresAt) - Date.parse(now)) / 1000)) : 0,
      attemptsLeft: Math.max(0, limits.refusals - view.refusals),
    },
    next: [
      ...next.map((action) => {
        const { method, path, needs } = requestOf[action]
        return { action, method, href: `/v1/sessions/${session}${path}`, needs: [...needs, ...(action === 'pin' && plan.pinKeptOn === 'server' ? ['pin'] : [])] }
      }),
      ...(recover ? [{ action: 'recover' as const, method: 'GET' as const, href: recoverUrl, needs: [] }] : []),
    ],
    assertion:
      assertion.outcome === 'none'
        ? null
        : { outcome: assertion.outcome, reason: assertion.reason, retryable: assertion.retryable, preferImmediatelyAvailable: assertion.failures === 0 },
    offer: append.offer && { outcome: append.outcome, reason: append.reason, ...append.offer },
    passkey: passkeyOf(view, running),
    // What the account and the plan demand is told to whoever gave a proof, and to nobody else.
    otp:
      proved && requirement(view, 'otp') !== 'off'
        ? {
            outcome: otp.outcome,
            channels: [...view.contacts],
            channel: otp.channel,
            delivery: otp.delivery,
            expiresAt: otp.expiresAt,
            resendAt: otp.resendAt,
            sendsLeft: limits.otpSends - otp.issues,
            attemptsLeft: limits.otpAttempts - otp.wrong,
          }
        : null,
    pin: proved && requirement(view, 'pin') !== 'off' ? { outcome: view.pin, keptOn: plan.pinKeptOn } : null,
    biometrics: proved && requirement(view, 'biometrics') !== 'off' ? { outcome: view.biometrics } : null,
  }
}

/** One that was pending when the login ended without completion is revoked. */
function passkeyOf(view: SessionView, running: boolean): SessionAnswer['passkey'] {
  const status = passkeyStatus(view)
  const lost = status === 'pending' && !running && view.status !== 'completed'
  return view.passkey === null || status === undefined || lost ? null : { id: view.passkey, status }
}
