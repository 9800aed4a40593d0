import { describe, expect, test } from 'vitest'
import type { Sealed } from '../event.ts'
import type { AccountEvent } from './events.ts'
import { decideFactorDisabled } from './factors.ts'
import { evolve, type AccountState } from './state.ts'

const at = (seconds: number): string => new Date(Date.parse('2026-03-02T08:00:00.000Z') + seconds * 1000).toISOString()
const sealed = (text: string): Sealed => text as Sealed

const registered: AccountEvent = {
  type: 'AccountRegistered',
  data: { source: 'import', identifiers: [{ kind: 'email', lookup: 'c3ab8ff1', value: sealed('anna') }], mfa: false, locale: 'de' },
}
const added = (contact: string, channel: 'email' | 'sms', address: string): AccountEvent => ({
  type: 'ContactAdded',
  data: { contact, channel, address: sealed(address) },
})
const simply = (type: 'AccountDisabled' | 'AccountEnabled' | 'AccountErased' | 'SessionsRevoked'): AccountEvent => ({ type, data: {} })
/** Each event a second after the one before. */
const account = (...events: AccountEvent[]): AccountState =>
  [registered, ...events].reduce<AccountState | undefined>((state, event, second) => evolve(state, { ...event, at: at(second) }), undefined) as AccountState

test('An account begins with its identifiers, and nothing else', () => {
  expect(account()).toEqual({
    revision: 0,
    registeredAt: at(0),
    status: 'active',
    disabledFactors: [],
    identifiers: [{ kind: 'email', lookup: 'c3ab8ff1', value: 'anna' }],
    contacts: [],
    password: null,
    mfa: false,
    locale: 'de',
    test: false,
    passkeys: [],
    installations: {},
    neverOffer: false,
    sessionsRevoked: null,
    notices: [],
  })
})

test('An account cannot begin with anything else', () => {
  expect(() => evolve(undefined, { ...simply('AccountDisabled'), at: at(0) })).toThrow('an account cannot begin with AccountDisabled')
})

test('The last password counts', () => {
  const set = (hash: string): AccountEvent => ({ type: 'PasswordSet', data: { hash: sealed(hash), reason: 'set' } })
  expect(account(set('old'), set('new')).password).toBe('new')
})

describe('A factor that was guessed too often', () => {
  const disabled = (factor: 'password' | 'otp'): AccountEvent => ({ type: 'FactorDisabled', data: { factor } })
  const set = (reason: 'set' | 'imported' | 'rehashed'): AccountEvent => ({ type: 'PasswordSet', data: { hash: sealed('hash'), reason } })

  test('is disabled once, alone', () => {
    expect(account(disabled('otp')).disabledFactors).toEqual(['otp'])
    expect(account(disabled('otp'), disabled('password'), disabled('otp')).disabledFactors).toEqual(['password', 'otp'])
    expect(decideFactorDisabled(account(), 'otp').events).toEqual([disabled('otp')])
    expect(decideFactorDisabled(account(disabled('otp')), 'otp').events).toEqual([])
    expect(decideFactorDisabled(account(disabled('otp')), 'password').events).toEqual([disabled('password')])
    expect(decideFactorDisabled(account(simply('AccountErased')), 'password').events).toEqual([])
  })

  test('is enabled with the account', () => {
    expect(account(disabled('otp'), disabled('password'), simply('AccountEnabled')).disabledFactors).toEqual([])
  })

  test('is enabled by a new password, where it was the password; the same one under another hash is not new', () => {
    expect(account(disabled('password'), disabled('otp'), set('set')).disabledFactors).toEqual(['otp'])
    expect(account(disabled('password'), set('rehashed')).disabledFactors).toEqual(['password'])
  })
})

describe('Contacts', () => {
  test('are kept in the order in which they came, and go when they are removed', () => {
    const state = account(added('1', 'email', 'anna'), added('2', 'sms', '+49'), { type: 'ContactRemoved', data: { contact: '1' } })
    expect(state.contacts).toEqual([{ contact: '2', channel: 'sms', address: '+49' }])
  })

  test('are there once, the newest address last', () => {
    const state = account(added('1', 'email', 'old'), added('2', 'email', 'other'), added('1', 'email', 'new'))
    expect(state.contacts.map(({ address }) => address)).toEqual(['other', 'new'])
  })
})

describe('An account', () => {
  test('is disabled and enabled', () => {
    expect(account(simply('AccountDisabled')).status).toBe('disabled')
    expect(account(simply('AccountDisabled'), simply('AccountEnabled')).status).toBe('active')
  })

  test('that was erased stays so', () => {
    for (const after of [[], [simply('AccountEnabled')], [simply('AccountDisabled'), simply('AccountEnabled')]]) {
      expect(account(simply('AccountErased'), ...after).status).toBe('erased')
    }
  })

  test('demands a code, or no longer', () => {
    const switched = (enabled: boolean): AccountEvent => ({ type: 'MfaSwitched', data: { enabled } })
    expect(account(switched(true)).mfa).toBe(true)
    expect(account(switched(true), switched(false)).mfa).toBe(false)
  })

  test('may take back that it wants no offer', () => {
    const preferred = (never: boolean): AccountEvent => ({ type: 'AppendPreferenceChanged', data: { never } })
    expect(account(preferred(true)).neverOffer).toBe(true)
    expect(account(preferred(true), preferred(false)).neverOffer).toBe(false)
  })

  test('remembers when its sessions were last revoked', () => {
    expect(account(simply('SessionsRevoked'), simply('SessionsRevoked')).sessionsRevoked).toEqual({ at: at(2), revision: 2 })
  })
})
