import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { Policy } from '../policy.ts'
import { decideAppendOptions, decideAppendReport, decideAppendSkip } from '../session/append.ts'
import type { SessionEvent } from '../session/events.ts'
import { doing, facts, folded, type Command } from '../session/given.ts'
import { actions } from '../session/vocabulary.ts'
import type { OfferOutcome, PastOffer } from './history.ts'
import { createSimulation, type Counts } from './simulation.ts'

const begin = Date.parse('2026-01-01T00:00:00.000Z')
const at = (hours: number): string => new Date(begin + hours * 3_600_000).toISOString()
const idOf = (number: number): string => `5d0f4b6e-3d5c-4f0a-9a3e-${String(number).padStart(12, '0')}`

type Visit = { account: number; later: number; outcome: Exclude<OfferOutcome, 'created'>; osVersion?: string | undefined; finished: boolean }
type Happened = { session: string; events: { at: string; event: SessionEvent }[] }

const answers: Record<Visit['outcome'], Command | undefined> = {
  unanswered: (state, now) => decideAppendOptions(state, { challenge: 'challenge-1', excludes: [], expiresAt: at(9) }, now),
  declined: (state, now) => decideAppendSkip(state, 'declined', now),
  cancelled: (state, now) => decideAppendReport(state, { outcome: 'cancelled', platform: 'ios', code: '1001', reason: 'dismissed_or_timed_out' }, now),
  notShown: (state, now) => decideAppendReport(state, { outcome: 'not_shown', platform: 'ios', code: '1003', reason: 'not_handled', retryable: false }, now),
  failed: (state, now) => decideAppendReport(state, { outcome: 'failed', platform: 'ios', code: '1004', reason: 'failed', retryable: true }, now),
}

/** The visits as the rules of a login decide them, each on what came before. */
function play(policy: Policy, visits: readonly Visit[]): Happened[] {
  const past = new Map<number, PastOffer[]>()
  let hours = 0
  return visits.map(({ account, later, outcome, osVersion, finished }, number) => {
    hours += later
    const [now, answered] = [at(hours), at(hours + 0.01)]
    const first = facts.entered()
    const entered = { ...first, data: { ...first.data, supports: [...actions], account: idOf(account), expiresAt: at(hours + 0.25), osVersion } } as SessionEvent
    const before = past.get(account) ?? []
    const circumstances = { now, policy, offer: { history: { offers: before.length, recent: before.slice(0, 64) }, never: false, passkeyHere: false } }
    const proof = doing.password(folded([entered], now), circumstances).events
    const offer = proof.find((event) => event.type === 'AppendOffered')
    const answer = offer ? (answers[outcome]?.(folded([entered, ...proof], now), { ...circumstances, now: answered }).events ?? []) : []
    const settledAt = outcome === 'unanswered' ? null : answered
    if (offer) past.set(account, [{ at: now, mode: offer.data.mode, entryPoint: offer.data.entryPoint, outcome, settledAt }, ...before])
    const rest = finished ? [facts.completed()] : []
    const events = [...[entered, ...proof].map((event) => ({ at: now, event })), ...[...answer, ...rest].map((event) => ({ at: answered, event }))]
    return { session: `session ${number}`, events }
  })
}

function simulate(written: z.input<typeof Policy>, happened: readonly Happened[], { since = at(0), assumes = 'declined' as const } = {}) {
  const simulation = createSimulation(Policy.parse(written), { since, assumes })
  for (const { session, events } of happened) for (const { at, event } of events) simulation.takeSession(session, { ...event, at })
  return { ...simulation.result(), held: simulation.held() }
}
const plain = (counts: Counts) => Object.fromEntries([...counts].toSorted(([one], [other]) => (one < other ? -1 : 1)))

const visits = fc.array(
  fc.record({
    account: fc.nat(3),
    later: fc.constantFrom(0, 0.1, 5, 30, 200, 800),
    outcome: fc.constantFrom(...(Object.keys(answers) as Visit['outcome'][])),
    osVersion: fc.constantFrom('15', '17', undefined),
    finished: fc.boolean(),
  }),
  { maxLength: 60 },
)
const declined = (...later: number[]): Visit[] => later.map((hours) => ({ account: 1, later: hours, outcome: 'declined', finished: true }))

describe('The past under another policy', () => {
  test('is the past where the policy is the same', () => {
    const runs = { numRuns: process.env['PROVE'] ? 3_000 : 60, seed: Number(process.env['PROVE_SEED'] ?? 20_260_302) }
    fc.assert(
      fc.property(visits, fc.constantFrom<z.input<typeof Policy>>({}, { append: { pause: null, coolDownHours: { declined: 3 } } }, { append: { rollout: { percent: 50 } } }), (all, policy) => {
        const { then, under, assumed, decisions } = simulate(policy, play(Policy.parse(policy), all))
        expect([plain(under), assumed, decisions]).toEqual([plain(then), 0, all.length])
      }),
      runs,
    )
  })

  test('is decided on the offers that this policy would have made, not on those that were made', () => {
    // Every day, and every one declined: of the week's caps only the first would have been reached.
    const happened = play(Policy.parse({ append: { coolDownHours: { declined: 0 }, caps: { perWeek: null }, pause: null } }), declined(0, 24, 24, 24, 24, 24))
    const { then, under } = simulate({ append: { coolDownHours: { declined: 48 }, caps: { perWeek: null }, pause: null } }, happened)
    expect([plain(then), plain(under)]).toEqual([{ 'offered manual': 6 }, { 'offered manual': 2, 'withheld cool_down': 4 }])
  })

  test('has offers that were not made: each is taken to have come to the same', () => {
    const happened = play(Policy.parse({ append: { enabled: false } }), declined(0, 24, 24, 24))
    const policy = { append: { caps: { perWeek: null }, pause: null } } as const
    expect(simulate(policy, happened)).toMatchObject({ assumed: 1, under: new Map([['offered manual', 1], ['withheld cool_down', 3]]) })
    expect(simulate(policy, happened, { assumes: 'unanswered' as never })).toMatchObject({ assumed: 4, under: new Map([['offered manual', 4]]) })
  })

  test('is told from a day on, and what was offered before counts', () => {
    const happened = play(Policy.parse({ append: { coolDownHours: { declined: 0 }, caps: { perWeek: null } } }), declined(0, 24, 24, 24))
    expect(simulate({ append: { coolDownHours: { declined: 0 }, caps: { perWeek: 2 }, pause: null } }, happened, { since: at(48) })).toMatchObject({
      decisions: 2, then: new Map([['offered manual', 1], ['withheld paused', 1]]), under: new Map([['withheld capped_per_week', 2]]),
    })
  })

  test('takes the device as it was', () => {
    const happened = play(Policy.parse({}), [{ ...declined(0)[0]!, osVersion: '16.4' }])
    expect(simulate({ append: { devices: { ios: { os: [{ from: '17' }] } } } }, happened).under).toEqual(new Map([['withheld os_not_eligible', 1]]))
  })

  test('leaves it where it was not for the policy to decide', () => {
    const none = facts.verified({ contacts: [] })
    const events = [facts.entered({ contacts: [] }), none, facts.withheld('no_contact')].map((event) => ({ at: at(0), event }))
    expect(simulate({}, [{ session: 'session', events }]).under).toEqual(new Map([['withheld no_contact', 1]]))
  })

  test('knows what the account says: a passkey here, and never again', () => {
    const simulation = createSimulation(Policy.parse({}), { since: at(0), assumes: 'declined' })
    const [{ events }] = play(Policy.parse({ append: { enabled: false } }), declined(1)) as [Happened]
    const login = (session: string) => events.forEach(({ at, event }) => simulation.takeSession(session, { ...event, at }))
    const { installation } = (events[0]!.event as Extract<SessionEvent, { type: 'IdentifierEntered' }>).data
    const link = {
      passkey: 'one', publicKey: 'AQID', algorithm: -7, aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', counter: 0, transports: [], backupEligible: true, backedUp: true, uvInitialized: true,
      challenge: 'AQID', session: idOf(9), installation, app: 'shop',
    }
    const account = (fact: Parameters<typeof simulation.takeAccount>[1]) => simulation.takeAccount(idOf(1), fact)
    account({ type: 'PasskeyLinked', data: link, at: at(0) })
    account({ type: 'PasskeyActivated', data: { passkey: 'one' }, at: at(0) })
    login('one')
    account({ type: 'PasskeyRevoked', data: { passkey: 'one', reason: 'removed' }, at: at(0) })
    account({ type: 'AppendPreferenceChanged', data: { never: true }, at: at(0) })
    login('two')
    account({ type: 'AppendPreferenceChanged', data: { never: false }, at: at(0) })
    login('three')
    expect(simulation.result().under).toEqual(new Map([['withheld has_passkey_here', 1], ['withheld never_again', 1], ['offered manual', 1]]))
    account({ type: 'AccountErased', data: {}, at: at(0) })
    expect(simulation.held()).toEqual({ accounts: 0, logins: 0 })
  })

  test('holds nothing of logins that are over, whether or not that was written down', () => {
    const happened = play(Policy.parse({}), Array.from({ length: 200 }, (_, number) => ({ ...declined(1)[0]!, account: number % 4, finished: number % 2 === 0 })))
    expect(simulate({}, happened).held).toEqual({ accounts: 4, logins: 1 })
  })
})
