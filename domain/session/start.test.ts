import { describe, expect, test } from 'vitest'
import { Policy } from '../policy.ts'
import type { SessionEvent } from './events.ts'
import { legalActions } from './flow.ts'
import { account, at, facts, folded, identifier, login, place, requestOf, usual } from './given.ts'
import { decideStart, type Place, type Who } from './start.ts'
import { actions, type Action } from './vocabulary.ts'

const policy = Policy.parse({ version: '7' })
const ada = { id: account, mfa: false, passkeys: 0, contacts: ['email' as const] }
const named = (known: Partial<typeof ada> | null = {}): Who => ({ identifier, account: known && { ...ada, ...known } }) as Who
const begins = (change: Partial<Place> = {}, under: Partial<Policy> = {}, who: Who = named()) =>
  decideStart({ ...place, ...change }, who, requestOf(1), at(900), { ...usual, now: at(0), policy: { ...policy, ...under } })
const knows = (known: Partial<typeof ada> | null, under: Partial<Policy> = {}, change: Partial<Place> = {}) => begins(change, under, named(known))
const typesOf = (events: readonly SessionEvent[]): string[] => events.map(({ type }) => type)
const without = (...missing: Action[]): Action[] => actions.filter((action) => !missing.includes(action))

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
const usualBranch = { otp: 'required', pin: 'optional', biometrics: 'optional' } as const
const { requested, ended, offered } = facts

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
            installation: place.installation,
            flowTokenHash: place.flowTokenHash,
            supports: [...actions],
            entryPoint: 'post_login',
            locale: 'de',
            identifier,
            account,
            passkeys: 0,
            mfa: false,
            contacts: ['email'],
            plan: { policy: '7', order: ['append', 'otp', 'pin', 'biometrics'], withPasskey: usualBranch, withoutPasskey: usualBranch, pinKeptOn: 'device' },
            expiresAt: at(900),
          },
        },
      ],
    })
  })

  test('that nobody owns, too: the log says so, the answer does not', () => {
    const { outcome, events } = knows(null)
    expect(outcome).toEqual(begins().outcome)
    expect(events).toMatchObject([{ type: 'IdentifierEntered', data: { account: null, passkeys: 0, mfa: false, contacts: [] } }])
  })

  test('and the answer does not show that the account demands a code', () => {
    const { outcome, events } = knows({ mfa: true })
    expect({ outcome, types: typesOf(events) }).toEqual({ outcome: { done: true }, types: ['IdentifierEntered'] })
  })

  test('nor that it demands one which this app cannot take', () => {
    expect(knows({ mfa: true }, { withPasskey: off, withoutPasskey: off }, { supports: without('otp') }).outcome).toEqual({ done: true })
  })

  test('and a device without biometrics is not asked to switch them on', () => {
    const [first] = begins({ biometrics: false }, { withPasskey: { ...usualBranch, biometrics: 'required' } }).events
    expect(first).toMatchObject({ data: { plan: { withPasskey: { biometrics: 'off' }, withoutPasskey: { biometrics: 'off' } } } })
  })
})

describe('An account that has a passkey', () => {
  test('is asked for it, with the options at once', () => {
    const { outcome, events } = knows({ passkeys: 2 })
    expect([outcome, events.slice(1)]).toEqual([{ done: true }, [requested()]])
    expect(legalActions(folded(events).view, at(1))).toEqual(['passkey', 'passkey_options', 'passkey_report', 'password'])
  })

  test.each<Action>(['passkey', 'passkey_options'])('is asked for the password by an app that does not know how: %s', (missing) => {
    const { events } = knows({ passkeys: 2 }, {}, { supports: without(missing) })
    expect(typesOf(events)).toEqual(['IdentifierEntered'])
    expect(legalActions(folded(events).view, at(1))).toEqual(['password'])
  })
})

describe('An account without a contact, where a code is required', () => {
  test.each([
    ['by the policy', {}, {}],
    ['by the account', { mfa: true }, { withPasskey: off, withoutPasskey: off }],
  ])('is refused before the password is asked for: %s', (_, known, under) => {
    const { outcome, events } = knows({ ...known, contacts: [] }, under)
    expect([outcome, typesOf(events), events.at(-1)]).toEqual([{ refused: 'no_contact' }, ['IdentifierEntered', 'SessionEnded'], ended('no_contact')])
  })

  test('signs in with a passkey, which needs no code, and with nothing else', () => {
    const { outcome, events } = knows({ passkeys: 1, contacts: [] })
    expect([outcome, typesOf(events)]).toEqual([{ done: true }, ['IdentifierEntered', 'PasskeyRequested']])
    expect(legalActions(folded(events).view, at(1))).toEqual(['passkey', 'passkey_options', 'passkey_report'])
  })

  test('is not refused where the code is optional', () => {
    expect(knows({ contacts: [] }, { withoutPasskey: { ...usualBranch, otp: 'optional' } }).outcome).toEqual({ done: true })
  })
})

describe('A login starts without an identifier', () => {
  test('and asks for any passkey at all', () => {
    const { outcome, events } = begins({}, {}, 'unknown')
    expect([outcome, typesOf(events)]).toEqual([{ done: true }, ['UsernamelessLoginStarted', 'PasskeyRequested']])
    expect(legalActions(folded(events).view, at(1))).toEqual(['passkey', 'passkey_options', 'passkey_report'])
  })

  test('and does so in no app that cannot', () => {
    expect(begins({ supports: without('passkey') }, {}, 'unknown')).toStrictEqual({ outcome: { refused: 'upgrade_required', reason: 'passkey' }, events: [] })
  })

  test('nor does it need the password', () => {
    expect(begins({ supports: without('password') }, {}, 'unknown').outcome).toEqual({ done: true })
  })
})

describe('Somebody who is signed in comes from the settings', () => {
  const fresh: Who = { account, login, proof: 'passkey', amr: ['swk', 'user', 'mfa'], authTime: at(-60), accountRevision: 3 }

  test('and is offered to create a passkey, and nothing else', () => {
    const { outcome, events } = begins({ entryPoint: 'settings' }, {}, fresh)
    expect(outcome).toEqual({ done: true })
    expect(events).toMatchObject([
      { type: 'SettingsEntered', data: { account, login, proof: 'passkey', amr: ['swk', 'user', 'mfa'], authTime: at(-60), accountRevision: 3, plan: { withPasskey: off, withoutPasskey: off } } },
      { type: 'AppendOffered', data: { ...offered(1, 'settings').data, policy: '7' } },
    ])
  })

  test('and is told when there is nothing to offer', () => {
    const { events } = begins({ entryPoint: 'settings', screenLock: false }, {}, fresh)
    expect(typesOf(events)).toEqual(['SettingsEntered', 'AppendWithheld', 'SessionCompleted'])
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
    ['the PIN', ['pin'], { withoutPasskey: { ...usualBranch, pin: 'required' } }, 'pin'],
    ['biometrics', ['biometrics'], { withPasskey: { ...usualBranch, biometrics: 'required' } }, 'biometrics'],
    ['several', ['otp', 'pin'], { withPasskey: { ...usualBranch, pin: 'required' } }, 'otp, pin'],
  ])('%s', (_, missing, policy, reason) => {
    expect(begins({ supports: without(...missing) }, policy)).toStrictEqual({ outcome: { refused: 'upgrade_required', reason }, events: [] })
  })

  test.each<[Action, Partial<Policy>]>([
    ['pin', {}],
    ['biometrics', {}],
    ['append', {}],
    ['append_options', {}],
    ['otp', { withPasskey: { ...usualBranch, otp: 'optional' }, withoutPasskey: { ...usualBranch, otp: 'off' } }],
  ])('but "%s" is not required here', (missing, policy) => {
    expect(begins({ supports: without(missing) }, policy).outcome).toEqual({ done: true })
  })
})
