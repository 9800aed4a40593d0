/** What every decision of a session shares: its shape, what is refused before it is looked at, and what follows from it by itself. */
import type { Fact } from '../event.ts'
import { unsupportedSteps, type Policy } from '../policy.ts'
import { decideOffer, type OfferFacts, type OfferPlace } from '../policy/offer.ts'
import type { SessionEvent } from './events.ts'
import { currentStep, lacksContact, legalActions, limits, passwordIsInVain, requirement } from './flow.ts'
import { evolve, toldOf, type SessionState, type SessionView } from './state.ts'
import type { Action, EndReason, EntryPoint, Refusal } from './vocabulary.ts'

/** A refusal is a value. `events` of a refusal are facts too; a step that is not legal now writes nothing. */
export type Decision = { outcome: Outcome; events: readonly SessionEvent[] }
export type Outcome = { done: true } | { refused: Refusal; reason?: string; retryable?: boolean; retryAfterSeconds?: number; unknownCredentialId?: string }

/** What a decision needs to know beside the session. `now`: ISO 8601. */
export type Circumstances = { now: string; policy: Policy; offer: OfferFacts }

export const refuse = (refused: Refusal, detail: { reason?: string; retryAfterSeconds?: number } = {}): Decision => ({
  outcome: { refused, ...detail },
  events: [],
})

/** The refusal of an action that is not legal now, or undefined. */
export function illegal({ view }: SessionState, action: Action, now: string): Decision | undefined {
  if (legalActions(view, now).includes(action)) return undefined
  if (view.status === 'completed') return refuse('session_completed')
  if (view.status === 'ended') return refuse('session_ended', { reason: view.endReason ?? 'ended' })
  if (view.status === 'expired' || now >= view.expiresAt) return refuse('session_expired')
  return refuse(action === 'otp_send' && currentStep(view) === 'otp' ? 'otp_sends_exhausted' : 'step_not_legal')
}

/** The events of a step with all that follows from them: the offer, the completion, or the end after too many refusals. */
export function decided(state: SessionState, events: readonly SessionEvent[], circumstances: Circumstances): Decision {
  const all = [...events]
  let after = fold(state, events, circumstances.now)
  for (let next = follows(after, circumstances); next; next = follows(after, circumstances)) {
    all.push(next)
    after = fold(after, [next], circumstances.now)
  }
  return { outcome: outcomeOf(all, state.view), events: all }
}

/** The answer that events stand for, so that a repeated request is answered from the log. */
export function outcomeOf(events: readonly SessionEvent[], session: Pick<SessionView, 'hidden'>): Outcome {
  for (const event of events) {
    switch (event.type) {
      case 'PasskeyRejected':
        return event.data.reason === 'credential_unknown' && event.data.passkey !== null && !session.hidden
          ? { refused: 'credential_unknown', unknownCredentialId: event.data.passkey }
          : { refused: 'passkey_rejected', ...toldOf(event.data, session) }
      case 'PasswordRejected':
        return { refused: 'password_rejected' }
      case 'OtpRejected':
        return { refused: 'otp_rejected', reason: event.data.reason }
      case 'OtpDeliveryFailed':
        // What the carrier refuses, it refuses the next time too: another channel may do.
        return { refused: event.data.reason === 'refused' ? 'delivery_refused' : 'delivery_failed', reason: event.data.reason, retryable: event.data.retryable }
      case 'AppendFailed':
        if (event.data.by === 'engine') return { refused: 'append_rejected', reason: event.data.reason, retryable: event.data.retryable }
        break
      case 'SessionEnded':
        if (event.data.reason !== 'too_many_refusals' && event.data.reason !== 'signed_out') return { refused: event.data.reason }
    }
  }
  return { done: true }
}

export const fold = (state: SessionState, events: readonly SessionEvent[], at: string): SessionState =>
  events.reduce((folded: SessionState, event) => evolve(folded, { ...event, at } as Fact<SessionEvent>), state)

function follows(state: SessionState, { now, policy, offer }: Circumstances): SessionEvent | undefined {
  const { view } = state
  if (view.status !== 'running') return undefined
  if (view.refusals >= limits.refusals) return ended('too_many_refusals')
  const step = currentStep(view)
  if (view.proof === null) {
    // What is left is a password that could not be taken: say so before it is asked for.
    if (step === 'passkey') return undefined
    return view.usernameless ? ended('identifier_needed') : passwordIsInVain(view) ? ended('no_contact') : undefined
  }
  if (unsupportedSteps(view.plan, view.supports).length > 0) return ended('upgrade_required')
  if (view.proof === 'password' && lacksContact(view)) return ended('no_contact')
  const contactless = view.contacts.length === 0 && view.otp.outcome !== 'verified'
  if (step === 'append' && view.append.outcome === 'due') {
    // The passkey would wait for a code that cannot be sent.
    if (contactless && !view.assertion.mfa && view.plan.withPasskey.otp === 'required') return { type: 'AppendWithheld', data: { reason: 'no_contact', policy: policy.version } }
    const decision = decideOffer(policy, personOf(state, offer), placeOf(state), now)
    if (!decision.offered) return { type: 'AppendWithheld', data: { reason: decision.reason, policy: decision.policy } }
    const { offered: _, ...data } = decision
    return { type: 'AppendOffered', data }
  }
  if (step === 'otp' && contactless) return requirement(view, 'otp') === 'required' ? ended('no_contact') : { type: 'OtpSkipped', data: { reason: 'no_contact' } }
  if (step === 'otp' && now < view.expiresAt && codeIsLost(view, now)) return ended('too_many_refusals')
  if (step === undefined) return { type: 'SessionCompleted', data: { amr: amr(state), authTime: state.authTime ?? now, passkey: view.passkey } }
  return undefined
}

/** Whether a passkey is kept on this device: what this login saw of it counts more than what the account remembers. */
const isHere = ({ assertion }: SessionView, remembered: boolean): boolean =>
  assertion.outcome === 'verified' ? !assertion.crossDevice || remembered : remembered && assertion.reason !== 'no_credential'

/** What is known of the person: what this login saw of it goes before. */
export const personOf = ({ view }: SessionState, known: OfferFacts): OfferFacts => ({ ...known, passkeyHere: isHere(view, known.passkeyHere) })

/** Where, to whom and to what the offer would be made. */
export const placeOf = (state: SessionState): OfferPlace => ({
  account: state.view.account ?? '',
  app: state.view.app,
  supports: state.view.supports,
  platform: state.view.platform,
  device: state.device,
  entryPoint: entryPointOf(state),
  // Nobody is asked, so it must be somebody whose every required factor was given (design: section 8).
  maybeConditional: state.autofilled && (requirement(state.view, 'otp') !== 'required' || state.view.otp.outcome === 'verified'),
})

/** The app says where it began; what came of it is known here. */
const entryPointOf = ({ view: { assertion, refusals }, entryPoint }: SessionState): EntryPoint =>
  assertion.crossDevice ? 'cross_device' : refusals > 0 || assertion.failures > 0 ? 'login_error' : entryPoint

export const ended = (reason: EndReason): SessionEvent => ({ type: 'SessionEnded', data: { reason } })

/** The last code is dead, no other can be had, and there is no way around it: nobody can finish this login any more. */
const codeIsLost = (view: SessionView, now: string): boolean => {
  const expired = view.otp.expiresAt !== null && now >= view.otp.expiresAt
  return legalActions(view, now).every((action) => action === 'otp' && expired)
}

/** Authentication method references (RFC 8176). A code by e-mail proves an address and adds nothing. */
const amr = ({ view: { otp }, amr }: SessionState): string[] =>
  otp.outcome === 'verified' && otp.channel === 'sms' ? [...new Set([...amr, 'sms', 'mfa'])] : [...amr]
