import { describe, expect, test } from 'vitest'
import { Policy, decideOffer, resolvePlan, supportsStep, unsupportedSteps, type OfferFacts, type OfferPlace } from './policy.ts'
import { actions, Step, type Action, type Platform, type PlanStep } from './session/vocabulary.ts'

const without = (...missing: Action[]): Action[] => actions.filter((action) => !missing.includes(action))
const branch = { otp: 'required', pin: 'optional', biometrics: 'optional' } as const
const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const

describe('A policy', () => {
  test('has a default for everything', () => {
    expect(Policy.parse({})).toStrictEqual({
      version: '1',
      order: ['append', 'otp', 'pin', 'biometrics'],
      withPasskey: branch,
      withoutPasskey: branch,
      codesBy: ['email', 'sms'],
      pinKeptOn: 'device',
      accountExistence: 'shown',
      append: { enabled: true, mode: 'manual', conditional: false },
      signedIn: { idle: 90 * 86_400, absolute: 365 * 86_400 },
    })
  })

  test('may change one thing alone', () => {
    expect(Policy.parse({ withPasskey: { otp: 'off' } })).toStrictEqual({ ...Policy.parse({}), withPasskey: { ...branch, otp: 'off' } })
  })

  test.each<[string, unknown]>([
    ['a misspelt key', { withPaskey: {} }],
    ['a misspelt key of a branch', { withPasskey: { opt: 'off' } }],
    ['a requirement that there is not', { withPasskey: { otp: 'sometimes' } }],
    ['an order that leaves a step out', { order: ['append', 'otp', 'pin'] }],
    ['an order that names a step twice', { order: ['append', 'otp', 'pin', 'pin'] }],
    ['an order with a step that there is not', { order: ['append', 'otp', 'pin', 'password'] }],
    ['an empty version', { version: '' }],
    ['codes that go nowhere', { codesBy: [] }],
    ['a session that outlives a year', { signedIn: { absolute: 365 * 86_400 + 1 } }],
    ['a session that is over at once', { signedIn: { idle: 0 } }],
    ['a silent upgrade, which no policy can ask for yet', { append: { mode: 'conditional' } }],
  ])('is refused with %s', (_, policy) => {
    expect(Policy.safeParse(policy).success).toBe(false)
  })
})

describe('The plan of a login', () => {
  const plan = (policy: Partial<Policy>, login: { mfa?: boolean; supports?: readonly string[] } = {}) =>
    resolvePlan(Policy.parse(policy), { mfa: false, supports: actions, ...login })

  test('is the policy, and names it', () => {
    const order: PlanStep[] = ['biometrics', 'pin', 'append', 'otp']
    expect(plan({ version: '7', order, withPasskey: off, pinKeptOn: 'server' })).toStrictEqual({
      policy: '7',
      order,
      withPasskey: off,
      withoutPasskey: branch,
      pinKeptOn: 'server',
    })
  })

  test.each<[PlanStep[], PlanStep[]]>([
    [['append', 'otp', 'pin', 'biometrics'], ['otp', 'append', 'pin', 'biometrics']],
    [['pin', 'append', 'biometrics', 'otp'], ['pin', 'otp', 'append', 'biometrics']],
    [['append', 'pin', 'biometrics', 'otp'], ['otp', 'append', 'pin', 'biometrics']],
    [['otp', 'pin', 'append', 'biometrics'], ['otp', 'pin', 'append', 'biometrics']],
    [['biometrics', 'pin', 'otp', 'append'], ['biometrics', 'pin', 'otp', 'append']],
  ])('of an account that demands a code puts it before the offer: %s', (order, expected) => {
    expect(plan({ order }, { mfa: true }).order).toEqual(expected)
    expect(plan({ order }).order).toEqual(order)
  })

  test.each(['off', 'optional', 'required'] as const)('of an account that demands a code requires it where the policy says %s', (otp) => {
    const { withPasskey, withoutPasskey } = plan({ withPasskey: { ...off, otp }, withoutPasskey: { ...off, otp } }, { mfa: true })
    expect([withPasskey, withoutPasskey]).toEqual([{ ...off, otp: 'required' }, { ...off, otp: 'required' }])
  })

  test('leaves out an optional step that the app cannot take, and no required one', () => {
    const { withPasskey, withoutPasskey } = plan({ withPasskey: { ...branch, pin: 'required' } }, { supports: without('pin', 'biometrics') })
    expect([withPasskey, withoutPasskey]).toEqual([
      { otp: 'required', pin: 'required', biometrics: 'off' },
      { otp: 'required', pin: 'off', biometrics: 'off' },
    ])
  })

  test('names the required steps that the app cannot take', () => {
    expect(unsupportedSteps(plan({}), actions)).toEqual([])
    expect(unsupportedSteps(plan({}), [], 'password')).toEqual(['password', 'otp'])
    expect(unsupportedSteps(plan({}), [])).toEqual(['otp'])
    expect(unsupportedSteps(plan({ withPasskey: off, withoutPasskey: off }, { mfa: true }), ['password'])).toEqual(['otp'])
    expect(unsupportedSteps(plan({ withPasskey: off, withoutPasskey: { ...off, biometrics: 'required' } }), ['password'])).toEqual(['biometrics'])
  })

  test('needs of an app every action of a step but the ones that pass it over', () => {
    const neededFor = (step: Step): Action[] => actions.filter((action) => !supportsStep(without(action), step))
    expect(Step.options.flatMap(neededFor)).toEqual(['passkey', 'passkey_options', 'password', 'append_options', 'append', 'otp_send', 'otp', 'pin', 'biometrics'])
  })
})

describe('A passkey', () => {
  const person: OfferFacts = { history: { offers: 2 }, never: false, passkeyHere: false }
  const able = { osVersion: '26.3', screenLock: true, credentialManager: true, conditionalCreate: true }
  const login: OfferPlace = { supports: actions, platform: 'ios', device: able, entryPoint: 'post_login', maybeConditional: false }

  test('is offered, by number, mode, entry point and policy', () => {
    const policy = Policy.parse({ version: '7', append: { mode: 'automatic' } })
    const offered = { offered: true, offer: 3, mode: 'automatic', entryPoint: 'post_login', variant: null, policy: '7' }
    expect(decideOffer(policy, person, login)).toEqual(offered)
    expect(decideOffer(policy, person, { ...login, device: {} })).toEqual(offered)
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
    expect(decideOffer(Policy.parse({}), person, { ...login, platform, device: { osVersion } })).toMatchObject(offered ? { offered } : { offered, reason: 'device_not_able' })
  })

  test('is created without asking only where the policy, the device and the login all allow it', () => {
    const silent = { policy: Policy.parse({ append: { conditional: true, mode: 'automatic' } }), place: { ...login, maybeConditional: true } }
    const modeOf = (policy: Policy, place: OfferPlace) => decideOffer(policy, person, place)
    expect(modeOf(silent.policy, silent.place)).toMatchObject({ offered: true, mode: 'conditional' })
    expect(modeOf(Policy.parse({}), silent.place)).toMatchObject({ mode: 'manual' })
    expect(modeOf(silent.policy, login)).toMatchObject({ mode: 'automatic' })
    expect(modeOf(silent.policy, { ...silent.place, device: { ...able, conditionalCreate: undefined } })).toMatchObject({ mode: 'automatic' })
  })

  test('is there for whoever asks for it in the settings, whatever they said before', () => {
    const place: OfferPlace = { ...login, entryPoint: 'settings', maybeConditional: true }
    const policy = Policy.parse({ append: { mode: 'automatic', conditional: true } })
    const asked = decideOffer(policy, { history: 'unavailable', never: true, passkeyHere: true }, place)
    expect(asked).toEqual({ offered: true, offer: 1, mode: 'manual', entryPoint: 'settings', variant: null, policy: '1' })
    expect(decideOffer(policy, person, { ...place, device: { screenLock: false } })).toMatchObject({ offered: false, reason: 'device_not_able' })
  })

  /** Each reason hides the ones below it: what the app or the device cannot do comes before what the person wants. */
  const reasons: [string, Partial<Policy>, Partial<OfferFacts>, Partial<OfferPlace>][] = [
    ['switched_off', { append: { enabled: false, mode: 'manual', conditional: false } }, {}, {}],
    ['not_supported', {}, {}, { supports: without('append_options') }],
    ['device_not_able', {}, {}, { device: { ...able, screenLock: false } }],
    ['device_not_able', {}, {}, { device: { ...able, credentialManager: false } }],
    ['has_passkey_here', {}, { passkeyHere: true }, {}],
    ['never_again', {}, { never: true }, {}],
    ['history_unavailable', {}, { history: 'unavailable' }, {}],
  ]

  test.each(reasons)('is not offered: %s', (reason, policy, facts, app) => {
    expect(decideOffer(Policy.parse({ version: '7', ...policy }), { ...person, ...facts }, { ...login, ...app })).toEqual({ offered: false, reason, policy: '7' })
  })

  test('is not offered for the first of several reasons', () => {
    for (const [index, [first]] of reasons.entries()) {
      const several = (column: 1 | 2 | 3): object => Object.assign({}, ...reasons.slice(index).map((row) => row[column]))
      expect(decideOffer(Policy.parse(several(1)), { ...person, ...several(2) }, { ...login, ...several(3) })).toMatchObject({ offered: false, reason: first })
    }
  })
})
