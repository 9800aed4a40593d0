/** The public state of a login, as it is answered: the same from the fold and from the projection. */
import { currentStep, legalActions, limits, passkeyStatus, requirement } from '../domain/session/flow.ts'
import type { SessionView } from '../domain/session/state.ts'
import { signedInActions, type Action, type SignedInAction } from '../domain/session/vocabulary.ts'
import { requestOf } from '../mobile-contracts/actions.ts'
import type { SessionAnswer } from '../mobile-contracts/answers.ts'

export type Shown = { session: string; view: SessionView; revision: number }

/** `now`: what is legal and how long it lasts is told as of this moment (ISO 8601). */
export function sessionAnswer({ session, view, revision }: Shown, now: string): SessionAnswer {
  const expired = view.status === 'running' && now >= view.expiresAt
  const status = expired ? 'expired' : view.status
  const running = status === 'running'
  const next: readonly (Action | SignedInAction)[] = view.status === 'completed' ? signedInNext(view) : legalActions(view, now)
  const { append, otp, plan } = view
  const verified = view.password === 'verified'
  return {
    session: {
      id: session,
      status,
      endReason: view.endReason,
      step: running ? (currentStep(view) ?? null) : null,
      revision,
      expiresAt: view.expiresAt,
      secondsLeft: running ? Math.max(0, Math.floor((Date.parse(view.expiresAt) - Date.parse(now)) / 1000)) : 0,
      attemptsLeft: Math.max(0, limits.refusals - view.refusals),
    },
    next: next.map((action) => {
      const { method, path, needs } = requestOf[action]
      return { action, method, href: `/v1/sessions/${session}${path}`, needs: [...needs, ...(action === 'pin' && plan.pinKeptOn === 'server' ? ['pin'] : [])] }
    }),
    offer: append.offer && { outcome: append.outcome, reason: append.reason, ...append.offer },
    passkey: view.passkey === null ? null : { id: view.passkey, status: passkeyStatus(view) ?? 'pending' },
    // What the account and the plan demand is told to whoever gave the password, and to nobody else.
    otp:
      verified && requirement(view, 'otp') !== 'off'
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
    pin: verified && requirement(view, 'pin') !== 'off' ? { outcome: view.pin, keptOn: plan.pinKeptOn } : null,
    biometrics: verified && requirement(view, 'biometrics') !== 'off' ? { outcome: view.biometrics } : null,
  }
}

/** A PIN is given here only where it is kept here. */
const signedInNext = ({ plan }: SessionView): readonly SignedInAction[] => signedInActions.filter((action) => action !== 'unlock' || plan.pinKeptOn === 'server')
