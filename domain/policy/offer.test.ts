import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { Policy } from '../policy.ts'
import { actions, type Action, type Platform } from '../session/vocabulary.ts'
import { noOffers, type PastOffer } from './history.ts'
import { decideOffer, type OfferFacts, type OfferPlace } from './offer.ts'

type Written = z.input<typeof Policy>
type Append = NonNullable<Written['append']>

const now = '2026-03-02T08:00:00.000Z'
const ago = (hours: number): string => new Date(Date.parse(now) - hours * 3_600_000).toISOString()
const without = (...missing: Action[]): Action[] => actions.filter((action) => !missing.includes(action))
const declined = (hours: number): PastOffer => ({ at: ago(hours), mode: 'manual', entryPoint: 'post_login', outcome: 'declined', settledAt: ago(hours) })
const recently = (...hours: number[]): OfferFacts['history'] => ({ offers: hours.length, recent: hours.map(declined) })

const person: OfferFacts = { history: { offers: 2, recent: [] }, never: false, passkeyHere: false }
const able = { osVersion: '26.3', appVersion: '4.12.0', screenLock: true, credentialManager: true, conditionalCreate: true }
const login: OfferPlace = {
  account: '5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42', app: 'shop', supports: actions, platform: 'ios', device: able, entryPoint: 'post_login', maybeConditional: false,
}
const decide = (policy: Written, facts: Partial<OfferFacts> = {}, place: Partial<OfferPlace> = {}) =>
  decideOffer(Policy.parse(policy), { ...person, ...facts }, { ...login, ...place }, now)

describe('A passkey', () => {
  test('is offered, by number, mode, entry point and policy', () => {
    const offered = { offered: true, offer: 3, mode: 'automatic', entryPoint: 'post_login', variant: null, policy: '7' }
    expect(decide({ version: '7', append: { mode: 'automatic' } })).toEqual(offered)
    expect(decide({ version: '7', append: { mode: 'automatic' } }, {}, { device: {} })).toEqual(offered)
  })

  test.each<[Platform, string, boolean]>([
    ['ios', '15.8', false],
    ['ios', '16', true],
    ['ios', '18.1.1', true],
    ['android', '8.1', false],
    ['android', '9', true],
    ['android', '16 (API 36)', true],
    ['web', '1', true],
    ['ios', 'beta', true],
  ])('is offered where the system keeps passkeys: %s %s, %s', (platform, osVersion, offered) => {
    expect(decide({}, {}, { platform, device: { osVersion } })).toMatchObject(offered ? { offered } : { offered, reason: 'device_not_able' })
  })

  test('is created without asking only where the policy, the device and the login all allow it', () => {
    const append = { conditional: true, mode: 'automatic' } as const
    expect(decide({ append }, {}, { maybeConditional: true })).toMatchObject({ offered: true, mode: 'conditional' })
    expect(decide({}, {}, { maybeConditional: true })).toMatchObject({ mode: 'manual' })
    expect(decide({ append })).toMatchObject({ mode: 'automatic' })
    expect(decide({ append }, {}, { maybeConditional: true, device: { ...able, conditionalCreate: undefined } })).toMatchObject({ mode: 'automatic' })
  })

  test('is there for whoever asks for it in the settings, whatever they said before and however often, and whoever is in the rollout', () => {
    const append = { mode: 'automatic', conditional: true, rollout: { percent: 0 } } as const
    const settings = { entryPoint: 'settings', maybeConditional: true } as const
    const asked = { offered: true, offer: 1, mode: 'manual', entryPoint: 'settings', variant: null, policy: '1' }
    expect(decide({ append }, { history: 'unavailable', never: true, passkeyHere: true }, settings)).toEqual(asked)
    expect(decide({ append }, { history: recently(1, 2, 3, 4) }, settings)).toEqual({ ...asked, offer: 5 })
    expect(decide({}, {}, { ...settings, device: { screenLock: false } })).toMatchObject({ offered: false, reason: 'device_not_able' })
    expect(decide({ append: { killSwitch: { platforms: ['ios'] } } }, {}, settings)).toMatchObject({ offered: false, reason: 'kill_switch' })
    expect(decide({ append: { devices: { ios: { os: [{ below: '26.3' }] } } } }, {}, settings)).toMatchObject({ offered: false, reason: 'os_not_eligible' })
  })
})

describe('A variant', () => {
  const of = [{ name: 'plain', weight: 1 }, { name: 'at once', weight: 1, mode: 'automatic' as const }]
  const accounts = Array.from({ length: 64 }, (_, number) => `account ${number}`)

  test('stands on the offer, and says how the person is asked', () => {
    const modes = accounts.map((account) => decide({ append: { variants: { of } } }, {}, { account })).map((decision) => decision.offered && `${decision.variant} ${decision.mode}`)
    expect(new Set(modes)).toEqual(new Set(['plain manual', 'at once automatic']))
  })

  test('is the person’s in the settings too, where it does not say how', () => {
    const inSettings = accounts.map((account) => decide({ append: { variants: { of } } }, {}, { account, entryPoint: 'settings' }))
    expect(new Set(inSettings.map((decision) => decision.offered && `${decision.variant} ${decision.mode}`))).toEqual(new Set(['plain manual', 'at once manual']))
  })
})

/** Each reason hides the ones below it: what the company wants nowhere or the device cannot do comes before what the person wants, and how often they were asked. */
const reasons: [string, Append, Partial<OfferFacts>, Partial<OfferPlace>][] = [
  ['switched_off', { enabled: false }, {}, {}],
  ['kill_switch', { killSwitch: { apps: ['shop'] } }, {}, {}],
  ['kill_switch', { killSwitch: { platforms: ['ios'] } }, {}, {}],
  ['not_supported', {}, {}, { supports: without('append_options') }],
  ['device_not_able', {}, {}, { device: { osVersion: '15.8', appVersion: '4.11' } }],
  ['device_not_able', {}, {}, { device: { ...able, screenLock: false } }],
  ['device_not_able', {}, {}, { device: { ...able, credentialManager: false } }],
  ['os_not_eligible', { devices: { ios: { os: [{ from: '27' }], app: [{ from: '5' }], screenLock: true } } }, {}, { device: { ...able, screenLock: undefined } }],
  ['app_not_eligible', { devices: { ios: { app: [{ from: '5' }], screenLock: true } } }, {}, { device: { ...able, screenLock: undefined } }],
  ['no_screen_lock', { devices: { ios: { screenLock: true } } }, {}, { device: { ...able, screenLock: undefined } }],
  ['has_passkey_here', {}, { passkeyHere: true }, {}],
  ['never_again', {}, { never: true }, {}],
  ['not_rolled_out', { rollout: { percent: 0 } }, {}, {}],
  ['history_unavailable', {}, { history: 'unavailable' }, {}],
  ['capped_lifetime', { caps: { lifetime: 3 } }, { history: recently(1, 2, 3) }, {}],
  ['capped_in_a_row', { caps: { inARow: 3 } }, { history: recently(1, 2, 3) }, {}],
  ['paused', { pause: { after: 3, days: 1 } }, { history: recently(1, 2, 3) }, {}],
  ['capped_per_week', { caps: { perWeek: 3 }, pause: null }, { history: recently(1, 2, 3) }, {}],
  ['cool_down', { coolDownHours: { declined: 2 } }, { history: recently(1) }, {}],
]

describe('A passkey is not offered', () => {
  test.each(reasons)('%s', (reason, append, facts, place) => {
    expect(decide({ version: '7', append }, facts, place)).toEqual({ offered: false, reason, policy: '7' })
  })

  test('for the first of several reasons', () => {
    for (const [index, [first]] of reasons.entries()) {
      const rest = reasons.slice(index).toReversed()
      const several = (column: 1 | 2 | 3): object => Object.assign({}, ...rest.map((row) => row[column]))
      expect(decide({ append: several(1) }, several(2), several(3))).toMatchObject({ offered: false, reason: first })
    }
  })

  test('on the platform and in the app that are switched off alone', () => {
    const append = { killSwitch: { platforms: ['android'], apps: ['bank'] } } satisfies Append
    expect(decide({ append })).toMatchObject({ offered: true })
    expect(decide({ append }, {}, { platform: 'android' })).toMatchObject({ reason: 'kill_switch' })
    expect(decide({ append }, {}, { app: 'bank' })).toMatchObject({ reason: 'kill_switch' })
  })

  test('on devices that the policy leaves out, and is on those that do not say', () => {
    const append = { devices: { ios: { os: [{ from: '17', below: '26.3' }, { from: '26.3.1' }], app: [{ from: '4.12' }] } } } satisfies Append
    const on = (osVersion?: string, appVersion?: string, platform: Platform = 'ios') => decide({ append }, {}, { platform, device: { osVersion, appVersion } })
    expect([on('16.4'), on('26.3'), on('18.2', '4.11.9')].map((decision) => !decision.offered && decision.reason)).toEqual(['os_not_eligible', 'os_not_eligible', 'app_not_eligible'])
    for (const decision of [on('17.0'), on('26.2.1'), on('26.3.1', '4.12.0'), on('18.2'), on(), on('16.4', '1', 'android')]) expect(decision).toMatchObject({ offered: true })
  })

  test('as long as nothing is known of the past, and is to whoever has none', () => {
    expect(decide({}, { history: 'unavailable' })).toMatchObject({ reason: 'history_unavailable' })
    expect(decide({}, { history: noOffers })).toMatchObject({ offered: true, offer: 1 })
  })
})
