/** Any policy over a person's life: logins come at any time, every offer ends somehow, and each decision is made on what came before. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Policy } from '../policy.ts'
import { EntryPoint, Platform, WithheldReason, actions } from '../session/vocabulary.ts'
import { AppendPolicy, offersLookedAt } from './append.ts'
import type { OfferOutcome, PastOffer } from './history.ts'
import { decideOffer, whyNot, type OfferDecision, type OfferFacts, type OfferPlace } from './offer.ts'

const runs = { numRuns: process.env['PROVE'] ? 20_000 : 200, seed: Number(process.env['PROVE_SEED'] ?? 20_260_302) }

const hour = 3_600_000
const begin = Date.parse('2026-01-01T00:00:00.000Z')
const at = (hours: number): string => new Date(begin + hours * hour).toISOString()
const timeOf = (instant: string): number => (Date.parse(instant) - begin) / hour
const outcomes = ['created', 'declined', 'cancelled', 'notShown', 'failed', 'unanswered'] as const satisfies OfferOutcome[]

const hours = fc.integer({ min: 0, max: 300 })
const most = fc.option(fc.integer({ min: 1, max: 6 }), { freq: 1 })
const policies = fc
  .record({
    enabled: fc.nat(9).map((drawn) => drawn > 0),
    mode: fc.constantFrom('manual' as const, 'automatic' as const),
    conditional: fc.boolean(),
    killSwitch: fc.record({ platforms: fc.subarray([...Platform.options], { maxLength: 1 }), apps: fc.subarray(['shop', 'bank'], { maxLength: 1 }) }),
    rollout: fc.record({ percent: fc.constantFrom(0, 30, 70, 100, 100, 100) }),
    coolDownHours: fc.record({ declined: hours, cancelled: hours, notShown: hours, failed: hours, unanswered: hours }),
    caps: fc.record({ inARow: most, perWeek: most, lifetime: most }),
    pause: fc.option(fc.record({ after: fc.integer({ min: 1, max: 5 }), days: fc.integer({ min: 1, max: 20 }) }), { freq: 1 }),
  })
  .map((append) => Policy.parse({ append }))
/** `later`: hours after the login before; `settling`: until the outcome. */
const logins = fc.array(
  fc.record({
    later: fc.constantFrom(0, 0.5, 3, 24, 100, 400),
    settling: fc.constantFrom(0, 0.1, 2),
    outcome: fc.constantFrom(...outcomes),
    platform: fc.constantFrom(...Platform.options),
    app: fc.constantFrom('shop', 'bank', 'blog'),
    entryPoint: fc.constantFrom('post_login' as const, 'settings' as const, ...EntryPoint.options),
    screenLock: fc.constantFrom(true, undefined, false),
    maybeConditional: fc.boolean(),
    never: fc.nat(9).map((drawn) => drawn === 0),
    passkeyHere: fc.nat(9).map((drawn) => drawn === 0),
    unavailable: fc.nat(9).map((drawn) => drawn === 0),
  }),
  { maxLength: 30 },
)

type Life = typeof logins extends fc.Arbitrary<infer L> ? L : never
type Moment = { decision: OfferDecision; person: OfferFacts; place: OfferPlace; now: string; past: PastOffer[] }

function live(policy: Policy, account: string, life: Life): Moment[] {
  const moments: Moment[] = []
  let [now, past] = [0, [] as PastOffer[]]
  for (const { later, settling, outcome, unavailable, never, passkeyHere, screenLock, ...where } of life) {
    now += later + 0.01
    // What has not come to its end is not known to have.
    const known = past.map((one) => (one.settledAt !== null && timeOf(one.settledAt) > now ? { ...one, outcome: 'unanswered' as const, settledAt: null } : one))
    const offers = known.filter(({ mode }) => mode !== 'conditional').length
    const person: OfferFacts = { never, passkeyHere, history: unavailable ? 'unavailable' : { offers, recent: known.toReversed().slice(0, offersLookedAt) } }
    const place: OfferPlace = { ...where, account, supports: actions, device: { screenLock, conditionalCreate: true } }
    const decision = decideOffer(policy, person, place, at(now))
    moments.push({ decision, person, place, now: at(now), past: known })
    if (decision.offered) past = [...past, { at: at(now), mode: decision.mode, entryPoint: where.entryPoint, outcome, settledAt: outcome === 'unanswered' ? null : at(now + settling) }]
  }
  return moments
}

const ids = fc.uuid()
const holds = (rule: (policy: Policy, moments: Moment[], account: string) => void): void =>
  fc.assert(fc.property(policies, ids, logins, (policy, account, life) => rule(policy, live(policy, account, life), account)), runs)
/** Those that nobody asked for. */
const unasked = (moments: Moment[]): Moment[] => moments.filter(({ decision, place }) => decision.offered && place.entryPoint !== 'settings')
const askedBefore = ({ past }: Moment): PastOffer[] => past.filter(({ mode }) => mode !== 'conditional')

describe(`Whatever the policy and the life of a person (seed ${runs.seed})`, () => {
  test('no offer comes within a cool-down', () => {
    holds(({ append }, moments) => {
      for (const moment of unasked(moments)) {
        for (const { outcome, settledAt, at: madeAt } of askedBefore(moment)) {
          if (outcome !== 'created') expect(timeOf(moment.now) - timeOf(settledAt ?? madeAt)).toBeGreaterThanOrEqual(append.coolDownHours[outcome] - 1e-6)
        }
      }
    })
  })

  test('no offer goes above a cap', () => {
    holds(({ append: { caps } }, moments) => {
      for (const moment of unasked(moments)) {
        const before = askedBefore(moment)
        const thisWeek = before.filter((one) => timeOf(moment.now) - timeOf(one.at) < 168 - 1e-6)
        const row = moment.past.slice(moment.past.findLastIndex(({ outcome }) => outcome === 'created') + 1).filter(({ mode }) => mode !== 'conditional')
        expect(thisWeek.length).toBeLessThan(caps.perWeek ?? Infinity)
        expect(row.length).toBeLessThan(caps.inARow ?? Infinity)
        expect(before.length).toBeLessThan(caps.lifetime ?? Infinity)
      }
    })
  })

  test('nobody is offered anything by a policy, an app or on a platform that is switched off, in the settings neither', () => {
    holds(({ append: { enabled, killSwitch } }, moments) => {
      for (const { decision, place } of moments) {
        const off = !enabled ? 'switched_off' : killSwitch.platforms.includes(place.platform) || killSwitch.apps.includes(place.app) ? 'kill_switch' : undefined
        expect(decision.offered ? undefined : ['switched_off', 'kill_switch'].find((one) => one === decision.reason)).toBe(off)
      }
    })
  })

  test('whoever asks in the settings of a device that is able is offered one, unless it is switched off there', () => {
    holds((_, moments) => {
      for (const { decision } of moments.filter(({ place }) => place.entryPoint === 'settings' && place.device.screenLock !== false)) {
        expect(decision).toMatchObject(decision.offered ? { mode: 'manual' } : { reason: expect.stringMatching(/^(switched_off|kill_switch)$/) as unknown })
      }
    })
  })

  test('there is one reason, a known one, and the same question has the same answer', () => {
    holds((policy, moments) => {
      for (const { decision, person, place, now } of moments) {
        expect(decideOffer(policy, person, place, now)).toEqual(decision)
        if (!decision.offered) expect(WithheldReason.options).toContain(decision.reason)
      }
    })
  })

  test('what holds until a time holds until then and no longer', () => {
    holds((policy, moments) => {
      for (const { person, place, now } of moments) {
        const why = whyNot(policy, person, place, now)
        if (!why?.until) continue
        const justBefore = new Date(Date.parse(why.until) - 1).toISOString()
        if (justBefore >= now) expect(whyNot(policy, person, place, justBefore)?.reason).toBe(why.reason)
        expect(whyNot(policy, person, place, why.until)?.reason).not.toBe(why.reason)
      }
    })
  })

  test('a rollout that grows takes nobody out', () => {
    fc.assert(
      fc.property(policies, ids, logins, fc.tuple(fc.nat(100), fc.nat(100)), (policy, account, life, shares) => {
        const of = (percent: number): Policy => ({ ...policy, append: AppendPolicy.parse({ ...policy.append, rollout: { percent } }) })
        const [less, more] = [Math.min(...shares), Math.max(...shares)]
        for (const { person, place, now } of live(of(less), account, life)) {
          if (decideOffer(of(less), person, place, now).offered) expect(decideOffer(of(more), person, place, now).offered).toBe(true)
        }
      }),
      runs,
    )
  })
})
