import { describe, expect, test } from 'vitest'
import { Policy, decideOffer, resolvePlan, supportsStep, unsupportedSteps, type OfferFacts } from './policy.ts'
import { actions, planSteps, type Action, type PlanStep, type Step } from './session/vocabulary.ts'

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
      pinKeptOn: 'device',
      append: { enabled: true, mode: 'manual' },
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
    expect(unsupportedSteps(plan({}), [])).toEqual(['password', 'otp'])
    expect(unsupportedSteps(plan({ withPasskey: off, withoutPasskey: off }, { mfa: true }), ['password'])).toEqual(['otp'])
    expect(unsupportedSteps(plan({ withPasskey: off, withoutPasskey: { ...off, biometrics: 'required' } }), ['password'])).toEqual(['biometrics'])
  })

  test('needs of an app every action of a step but the ones that pass it over', () => {
    const neededFor = (step: Step): Action[] => actions.filter((action) => !supportsStep(without(action), step))
    expect((['password', ...planSteps] as const).flatMap(neededFor)).toEqual(['password', 'append_options', 'append', 'otp_send', 'otp', 'pin', 'biometrics'])
  })
})

describe('A passkey', () => {
  const person: OfferFacts = { history: { offers: 2 }, never: false, passkeyHere: false }
  const login = { supports: actions as readonly string[], screenLock: true as boolean | undefined, entryPoint: 'post_login' as const }

  test('is offered, by number, mode, entry point and policy', () => {
    const policy = Policy.parse({ version: '7', append: { mode: 'automatic' } })
    const offered = { offered: true, offer: 3, mode: 'automatic', entryPoint: 'post_login', variant: null, policy: '7' }
    expect(decideOffer(policy, person, login)).toEqual(offered)
    expect(decideOffer(policy, person, { ...login, screenLock: undefined })).toEqual(offered)
  })

  /** Each reason hides the ones below it: what the app or the device cannot do comes before what the person wants. */
  const reasons: [string, Partial<Policy>, Partial<OfferFacts>, Partial<typeof login>][] = [
    ['switched_off', { append: { enabled: false, mode: 'manual' } }, {}, {}],
    ['not_supported', {}, {}, { supports: without('append_options') }],
    ['device_not_able', {}, {}, { screenLock: false }],
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
