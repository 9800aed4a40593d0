import { describe, expect, test } from 'vitest'
import { Policy, resolvePlan, supportsStep, unsupportedSteps } from './policy.ts'
import { actions, Step, type Action, type PlanStep } from './session/vocabulary.ts'

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
      append: {
        enabled: true, mode: 'manual', conditional: false,
        killSwitch: { platforms: [], apps: [] }, devices: {}, rollout: { percent: 100, salt: 'rollout' }, variants: { salt: 'variants', of: [] },
        coolDownHours: { declined: 168, cancelled: 24, notShown: 24, failed: 4, unanswered: 0 },
        caps: { inARow: 10, perWeek: 3, lifetime: null }, pause: { after: 3, days: 30 },
      },
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
    ['a share of more than all', { append: { rollout: { percent: 101 } } }],
    ['two variants of one name', { append: { variants: { of: [{ name: 'a', weight: 1 }, { name: 'a', weight: 2 }] } } }],
    ['variants that nobody gets', { append: { variants: { of: [{ name: 'a', weight: 0 }] } } }],
    ['a platform that there is not', { append: { killSwitch: { platforms: ['windows'] } } }],
    ['a version that is none', { append: { devices: { ios: { os: [{ from: 'eighteen' }] } } } }],
    ['a cap that history does not reach', { append: { caps: { inARow: 64 } } }],
    ['a pause after nothing', { append: { pause: { after: 0, days: 1 } } }],
    ['a cool-down that was over before', { append: { coolDownHours: { declined: -1 } } }],
    ['an outcome that there is not', { append: { coolDownHours: { ignored: 1 } } }],
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
