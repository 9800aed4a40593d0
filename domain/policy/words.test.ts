import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { Policy } from '../policy.ts'
import { actions } from '../session/vocabulary.ts'
import { noOffers, type OfferHistory, type PastOffer } from './history.ts'
import { explainOffer } from './words.ts'

const now = '2026-03-02T08:00:00.000Z'
const offer = (at: string, more: Partial<PastOffer> = {}): PastOffer => ({ at, mode: 'manual', entryPoint: 'post_login', outcome: 'declined', settledAt: at, ...more })
const explain = (append: NonNullable<z.input<typeof Policy>['append']>, history: OfferHistory | 'unavailable' = noOffers, more: { never?: boolean; passkeyHere?: boolean } = {}) =>
  explainOffer(
    Policy.parse({ version: '7', append }),
    { history, never: false, passkeyHere: false, ...more },
    { account: '5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42', app: 'shop', supports: actions, platform: 'ios', device: { osVersion: '18.2' }, entryPoint: 'post_login', maybeConditional: false },
    now,
  )
const of = (...recent: PastOffer[]): OfferHistory => ({ offers: recent.length, recent })

describe('Why somebody is offered a passkey, or is not', () => {
  test.each<[string, string]>([
    [explain({}), "Under policy 7 this person would be offered a passkey now, on a screen of the app's own: offer number 1."],
    [
      explain({ mode: 'automatic', variants: { of: [{ name: 'b', weight: 1 }] } }, of(offer('2026-01-01T08:00:00.000Z'))),
      'Under policy 7 this person would be offered a passkey now, by the system’s prompt at once: offer number 2, variant b.',
    ],
    [
      explain({}, of(offer('2026-03-01T23:59:00.000Z', { outcome: 'failed', settledAt: '2026-03-02T07:00:00.000Z' }), offer('2026-02-28T09:30:00.000Z'))),
      'Under policy 7 this person would not be offered a passkey now (cool_down): an offer of theirs was declined (2026-02-28 09:30 UTC) a while ago; that holds until 2026-03-07 09:30 UTC.',
    ],
    [
      explain({ pause: { after: 2, days: 10 } }, of(offer('2026-03-01T08:00:00.000Z'), offer('2026-02-25T08:00:00.000Z'))),
      'Under policy 7 this person would not be offered a passkey now (paused): they were asked 2 times in a row without a passkey, and are left alone for 10 days; that holds until 2026-03-11 08:00 UTC.',
    ],
    [explain({ rollout: { percent: 0 } }), 'Under policy 7 this person would not be offered a passkey now (not_rolled_out): they are not among the 0 % of the people who are asked so far.'],
    [
      explain({ devices: { ios: { os: [{ from: '26' }] } } }),
      'Under policy 7 this person would not be offered a passkey now (os_not_eligible): the policy leaves this version of the system out (ios 18.2).',
    ],
  ])('%s', (told, expected) => expect(told).toBe(expected))

  test('is one sentence, whatever the reason', () => {
    const told = [
      explain({ enabled: false }), explain({ killSwitch: { platforms: ['ios'] } }), explain({ devices: { ios: { screenLock: true } } }), explain({}, noOffers, { passkeyHere: true }),
      explain({}, noOffers, { never: true }), explain({}, 'unavailable'), explain({ caps: { lifetime: 1 } }, of(offer(now))), explain({ caps: { inARow: 1 } }, of(offer(now))),
      explain({ caps: { perWeek: 1 } }, of(offer(now))),
    ]
    for (const sentence of told) expect(sentence).toMatch(/^Under policy 7 this person would not be offered a passkey now \([a-z_]+\): [^.]+\.$/)
    expect(new Set(told).size).toBe(told.length)
  })
})
