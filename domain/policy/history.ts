/** What the offers of the past say about the next one: one history of an account, over all its apps, devices and entry points. */
import type { OfferMode, EntryPoint, WithheldReason } from '../session/vocabulary.ts'
import type { AppendPolicy } from './append.ts'

/** `created`, four ways in which it did not come to a passkey, and `unanswered`: nothing more was heard of it, so far. */
export type OfferOutcome = 'created' | keyof AppendPolicy['coolDownHours']

/** `at`: when it was made; `settledAt`: the last thing that became of it. ISO 8601. */
export type PastOffer = { at: string; mode: OfferMode; entryPoint: EntryPoint; outcome: OfferOutcome; settledAt: string | null }

/** `offers`: how many there were, without the conditional ones, which ask nobody. `recent`: the newest ones, the newest first. */
export type OfferHistory = { offers: number; recent: readonly PastOffer[] }

export const noOffers: OfferHistory = { offers: 0, recent: [] }

/** `until` (ISO 8601): when this reason alone no longer holds; null where it does not pass by itself. */
export type Spared = { reason: WithheldReason; until: string | null }

const hour = 3_600_000
const day = 24 * hour
/** ISO 8601. Whatever an account was offered lies between the years 1970 and 9999. */
const later = (at: string, ms: number): string => new Date(Math.min(Date.parse(at) + ms, Date.parse('9999-12-31T23:59:59.999Z'))).toISOString()

/** Why nobody who was asked like this is asked now; what lasts longest comes first. */
export function sparedBy({ caps, pause, coolDownHours }: AppendPolicy, { offers, recent }: OfferHistory, now: string): Spared | undefined {
  const asked = recent.filter(({ mode }) => mode !== 'conditional')
  if (caps.lifetime !== null && offers >= caps.lifetime) return { reason: 'capped_lifetime', until: null }
  const inARow = withoutPasskey(recent)
  if (caps.inARow !== null && inARow.length >= caps.inARow) return { reason: 'capped_in_a_row', until: null }
  const running = (until: string): boolean => now < until
  if (pause) {
    const run = withoutPause(inARow, pause.days * day)
    const until = run[0] && later(run[0].at, pause.days * day)
    if (until && run.length >= pause.after && running(until)) return { reason: 'paused', until }
  }
  const capping = caps.perWeek === null ? undefined : asked[caps.perWeek - 1]
  const aWeekOn = capping && later(capping.at, 7 * day)
  if (aWeekOn && running(aWeekOn)) return { reason: 'capped_per_week', until: aWeekOn }
  const cooled = asked.map((offer) => coolUntil(coolDownHours, offer)).filter(running)
  return cooled.length > 0 ? { reason: 'cool_down', until: cooled.reduce((one, other) => (one > other ? one : other)) } : undefined
}

/** Until when an offer keeps off the next one. A passkey keeps off none: where it is kept, nobody is asked anyway. */
export const coolUntil = (hours: AppendPolicy['coolDownHours'], { at, settledAt, outcome }: PastOffer): string =>
  outcome === 'created' ? at : later(outcome === 'unanswered' ? at : (settledAt ?? at), hours[outcome] * hour)

/** Those since the last passkey, however it was created. */
function withoutPasskey(recent: readonly PastOffer[]): PastOffer[] {
  const created = recent.findIndex(({ outcome }) => outcome === 'created')
  return recent.slice(0, created === -1 ? undefined : created).filter(({ mode }) => mode !== 'conditional')
}

/** Those since the last time that there was none for so long. */
function withoutPause(offers: readonly PastOffer[], ms: number): readonly PastOffer[] {
  const gap = offers.findIndex(({ at }, index) => {
    const before = offers[index + 1]
    return before !== undefined && Date.parse(at) - Date.parse(before.at) >= ms
  })
  return offers.slice(0, gap === -1 ? undefined : gap + 1)
}
