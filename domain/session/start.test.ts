import { describe, expect, test } from 'vitest'
import { Policy } from '../policy.ts'
import { at, account, start } from './given.ts'
import { decideStart, type Start } from './start.ts'
import { actions, type Action } from './vocabulary.ts'

const context = { policy: Policy.parse({ version: '7' }), expiresAt: at(900) }
const begins = (change: Partial<Start> = {}, policy: Partial<Policy> = {}) =>
  decideStart({ ...start, ...change }, { ...context, policy: { ...context.policy, ...policy } })
const without = (...missing: Action[]): Action[] => actions.filter((action) => !missing.includes(action))

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
const usual = { otp: 'required', pin: 'optional', biometrics: 'optional' } as const

describe('A login starts with an identifier', () => {
  test('and its first event holds what the account said, and the plan that was resolved from the policy', () => {
    expect(begins()).toStrictEqual({
      outcome: { done: true },
      events: [
        {
          type: 'IdentifierEntered',
          data: {
            app: 'shop',
            platform: 'ios',
            installation: start.installation,
            flowTokenHash: start.flowTokenHash,
            supports: [...actions],
            entryPoint: 'post_login',
            locale: 'de',
            identifier: start.identifier,
            account,
            passkeys: 0,
            mfa: false,
            contacts: ['email'],
            plan: { policy: '7', order: ['append', 'otp', 'pin', 'biometrics'], withPasskey: usual, withoutPasskey: usual, pinKeptOn: 'device' },
            expiresAt: at(900),
          },
        },
      ],
    })
  })

  test('that nobody owns, too: the log says so, the answer does not', () => {
    const { outcome, events } = begins({ account: null })
    expect(outcome).toEqual(begins().outcome)
    expect(events).toMatchObject([{ type: 'IdentifierEntered', data: { account: null, passkeys: 0, mfa: false, contacts: [] } }])
  })

  test.each<[string, Start['account']]>([
    ['demands a code', { id: account, mfa: true, passkeys: 0, contacts: ['sms'] }],
    ['has no contact for the code that is required', { id: account, mfa: false, passkeys: 0, contacts: [] }],
    ['demands a code and has no contact', { id: account, mfa: true, passkeys: 0, contacts: [] }],
    ['has passkeys', { id: account, mfa: false, passkeys: 2, contacts: ['email'] }],
  ])('and the answer does not show that the account %s', (_, known) => {
    const { outcome, events } = begins({ account: known })
    expect({ outcome, types: events.map(({ type }) => type) }).toEqual({ outcome: { done: true }, types: ['IdentifierEntered'] })
  })

  test('nor that the account demands a code which this app cannot take', () => {
    const account = { id: start.installation, mfa: true, passkeys: 0, contacts: ['email' as const] }
    expect(begins({ supports: without('otp'), account }, { withPasskey: off, withoutPasskey: off }).outcome).toEqual({ done: true })
  })
})

test('What an app says that it can do is kept in our words alone', () => {
  const { events } = begins({ supports: ['pin', 'something new', ...without('pin'), 'password'] })
  expect(events).toMatchObject([{ data: { supports: actions } }])
})

describe('An app that cannot take a required step is told to upgrade, and nothing is written', () => {
  test.each<[string, Action[], Partial<Policy>, string]>([
    ['the password', ['password'], {}, 'password'],
    ['sending a code', ['otp_send'], {}, 'otp'],
    ['giving a code', ['otp'], {}, 'otp'],
    ['a code of one branch', ['otp'], { withPasskey: off }, 'otp'],
    ['the PIN', ['pin'], { withoutPasskey: { ...usual, pin: 'required' } }, 'pin'],
    ['biometrics', ['biometrics'], { withPasskey: { ...usual, biometrics: 'required' } }, 'biometrics'],
    ['several', ['otp', 'pin'], { withPasskey: { ...usual, pin: 'required' } }, 'otp, pin'],
  ])('%s', (_, missing, policy, reason) => {
    expect(begins({ supports: without(...missing) }, policy)).toStrictEqual({ outcome: { refused: 'upgrade_required', reason }, events: [] })
  })

  test.each<[Action, Partial<Policy>]>([
    ['pin', {}],
    ['biometrics', {}],
    ['append', {}],
    ['append_options', {}],
    ['otp', { withPasskey: { ...usual, otp: 'optional' }, withoutPasskey: { ...usual, otp: 'off' } }],
  ])('but "%s" is not required here', (missing, policy) => {
    expect(begins({ supports: without(missing) }, policy).outcome).toEqual({ done: true })
  })
})
