/**
 * What another policy would have done: the decisions of the past, one after the other, each made again on the offers that the other policy itself would have
 * made until then. What people and devices did stays as it was. Memory grows with the accounts, not with the events.
 */
import type { AccountEvent } from '../account/events.ts'
import type { Fact } from '../event.ts'
import type { Policy } from '../policy.ts'
import { personOf, placeOf } from '../session/decision.ts'
import type { SessionEvent } from '../session/events.ts'
import { evolve, type SessionState } from '../session/state.ts'
import { offersLookedAt } from './append.ts'
import type { OfferOutcome, PastOffer } from './history.ts'
import { decideOffer } from './offer.ts'

/** What is known of an account, and what the policy has made of it so far. */
type Life = { offers: number; recent: PastOffer[]; never: boolean; keptOn: Map<string, { active: boolean; installations: Set<string> }> }
/** `offer`: the one of this login that has no outcome yet that would count. */
type Login = { state: SessionState; offer?: PastOffer | undefined }

/** How often each was decided: `offered manual`, `withheld cool_down` and so on. */
export type Counts = Map<string, number>
export type Simulated = {
  decisions: number
  /** As it was. */
  then: Counts
  /** As it would have been. */
  under: Counts
  /** Offers that were not made then, and would be: nobody knows what would have become of them. */
  assumed: number
}

/** `since` (ISO 8601): before, the offers are those that were made. `assumes`: what becomes of an offer that was not made then. */
export function createSimulation(policy: Policy, { since, assumes }: { since: string; assumes: Exclude<OfferOutcome, 'created'> }) {
  const lives = new Map<string, Life>()
  const logins = new Map<string, Login>()
  const result: Simulated = { decisions: 0, then: new Map(), under: new Map(), assumed: 0 }

  const lifeOf = (account: string): Life => {
    const life = lives.get(account) ?? { offers: 0, recent: [], never: false, keptOn: new Map() }
    lives.set(account, life)
    return life
  }
  const count = (counts: Counts, what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)

  /** In the order of the log. */
  function takeSession(session: string, fact: Fact<SessionEvent>): void {
    const before = logins.get(session)?.state
    // Over and done with, or its beginning could not be read.
    if (!before && !beginnings.includes(fact.type)) return
    if (!before) forgetOver(fact.at)
    if (before && (fact.type === 'AppendOffered' || fact.type === 'AppendWithheld')) decide(session, before, fact)
    const { offer } = logins.get(session) ?? {}
    if (offer) settle(offer, fact)
    if (fact.type === 'SessionCompleted' || fact.type === 'SessionEnded' || fact.type === 'SessionExpired') logins.delete(session)
    else logins.set(session, { state: evolve(before, fact), offer })
  }

  function decide(session: string, state: SessionState, fact: Extract<Fact<SessionEvent>, { type: 'AppendOffered' | 'AppendWithheld' }>): void {
    const life = lifeOf(state.view.account ?? '')
    const made = fact.type === 'AppendOffered' ? fact.data : undefined
    if (fact.at < since) {
      if (made) logins.set(session, { state, offer: offered(life, { ...made, at: fact.at }) })
      return
    }
    result.decisions += 1
    count(result.then, made ? `offered ${made.mode}` : `withheld ${fact.type === 'AppendWithheld' ? fact.data.reason : ''}`)
    // It was not for the policy to decide.
    if (fact.type === 'AppendWithheld' && fact.data.reason === 'no_contact') return count(result.under, 'withheld no_contact')
    const passkeyHere = [...life.keptOn.values()].some(({ active, installations }) => active && installations.has(state.installation))
    const history = { offers: life.offers, recent: life.recent }
    const decision = decideOffer(policy, personOf(state, { history, never: life.never, passkeyHere }), placeOf(state), fact.at)
    count(result.under, decision.offered ? `offered ${decision.mode}` : `withheld ${decision.reason}`)
    if (!decision.offered) return
    const offer = offered(life, { ...decision, at: fact.at })
    if (made) return void logins.set(session, { state, offer })
    result.assumed += 1
    Object.assign(offer, { outcome: assumes, settledAt: assumes === 'unanswered' ? null : fact.at })
  }

  function offered(life: Life, { at, mode, entryPoint }: Pick<PastOffer, 'at' | 'mode' | 'entryPoint'>): PastOffer {
    const offer: PastOffer = { at, mode, entryPoint, outcome: 'unanswered', settledAt: null }
    life.recent = [offer, ...life.recent.slice(0, offersLookedAt - 1)]
    if (mode !== 'conditional') life.offers += 1
    return offer
  }

  /** What was begun and never written to its end. The oldest come first. */
  function forgetOver(now: string): void {
    for (const [session, { state }] of logins) {
      if (state.view.expiresAt >= now) return
      logins.delete(session)
    }
  }

  function takeAccount(account: string, fact: Fact<AccountEvent>): void {
    switch (fact.type) {
      case 'AppendPreferenceChanged':
        lifeOf(account).never = fact.data.never
        break
      case 'PasskeyLinked':
        lifeOf(account).keptOn.set(fact.data.passkey, { active: false, installations: new Set([fact.data.installation]) })
        break
      case 'PasskeyActivated': {
        const kept = lifeOf(account).keptOn.get(fact.data.passkey)
        if (kept) kept.active = true
        break
      }
      case 'PasskeyUsed':
        if (fact.data.installation !== null) lifeOf(account).keptOn.get(fact.data.passkey)?.installations.add(fact.data.installation)
        break
      case 'PasskeyRevoked':
        lifeOf(account).keptOn.delete(fact.data.passkey)
        break
      case 'AccountErased':
        lives.delete(account)
    }
  }

  return { takeSession, takeAccount, result: (): Simulated => result, held: () => ({ accounts: lives.size, logins: logins.size }) }
}

const beginnings: readonly SessionEvent['type'][] = ['IdentifierEntered', 'UsernamelessLoginStarted', 'SettingsEntered']
const outcomes: Partial<Record<SessionEvent['type'], OfferOutcome>> = {
  // Taken, and nothing came of it so far.
  AppendStarted: 'unanswered',
  PasskeyAppended: 'created',
  AppendSkipped: 'declined',
  AppendCancelled: 'cancelled',
  AppendNotShown: 'notShown',
  AppendFailed: 'failed',
}

function settle(offer: PastOffer, { type, at }: Fact<SessionEvent>): void {
  const outcome = outcomes[type]
  if (outcome && offer.outcome !== 'created') Object.assign(offer, { outcome, settledAt: outcome === 'unanswered' ? null : at })
}
