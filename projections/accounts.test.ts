import { describe, expect, test } from 'vitest'
import { accountEvents, type AccountEvent, type Notice } from '../domain/account/events.ts'
import type { Sealed } from '../domain/event.ts'
import { accounts } from './accounts.ts'
import { at, rowOf } from './testing-rows.ts'

const sealed = (text: string) => `a1.${text}` as Sealed
const [phone, session] = ['1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60', '8d0e1c6e-9c3e-5c5b-8f3a-0a6f1d2b3c4d']
const registered: AccountEvent = {
  type: 'AccountRegistered',
  data: { source: 'import', identifiers: [{ kind: 'email', lookup: 'hmac', value: sealed('ada@example.com') }], mfa: true, locale: 'de', test: true },
}
const linked = (passkey: string): AccountEvent => ({
  type: 'PasskeyLinked',
  data: {
    passkey, publicKey: 'a2V5', algorithm: -7, aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', counter: 0, transports: ['internal'],
    backupEligible: true, backedUp: true, uvInitialized: true,
    challenge: 'Y2hhbGxlbmdl', session, installation: phone, app: 'shop',
  },
})
const simply = <T extends 'AccountDisabled' | 'AccountEnabled' | 'SessionsRevoked' | 'AccountErased'>(type: T): AccountEvent => ({ type, data: {} }) as AccountEvent
const contact = (id: string, address = id): AccountEvent => ({ type: 'ContactAdded', data: { contact: id, channel: 'email', address: sealed(address) } })
const activated = (passkey: string): AccountEvent => ({ type: 'PasskeyActivated', data: { passkey } })
const revoked = (passkey: string): AccountEvent => ({ type: 'PasskeyRevoked', data: { passkey, reason: 'login_unfinished' } })
const sent = (notice: Notice, passkey: string, id: string): AccountEvent => ({ type: 'NoticeSent', data: { notice, passkey, contact: id } })
const failed = (final: boolean): AccountEvent => ({ type: 'NoticeFailed', data: { notice: 'passkey_activated', passkey: 'one', contact: 'home', reason: 'timeout', final } })
const never = (never: boolean): AccountEvent => ({ type: 'AppendPreferenceChanged', data: { never } })
const password: AccountEvent = { type: 'PasswordSet', data: { hash: sealed('a hash'), reason: 'imported' } }
const pin: AccountEvent = { type: 'InstallationPinSet', data: { installation: phone, keptOn: 'server', verifier: sealed('a verifier') } }
const row = (...events: AccountEvent[]) => rowOf(accounts, 'account-1', registered, ...events)
const statuses = (...events: AccountEvent[]) => {
  const { passkeys, active_passkeys, pending_passkeys } = row(...events)
  return [passkeys.map(({ passkey, status }) => `${passkey} ${status}`), active_passkeys, pending_passkeys]
}

describe('The row of an account', () => {
  test('begins with its registration', () => {
    expect(row()).toEqual({
      revision: 0, status: 'active', source: 'import', registered_at: at(0), mfa: true, has_password: false, test: true,
      identifiers: [{ kind: 'email', value: 'a1.ada@example.com' }], contacts: [], passkeys: [], active_passkeys: 0, pending_passkeys: 0, notices_due: 0,
      never_offer: false,
    })
  })

  test('says that there is a password, and not which', () => {
    expect(row(password).has_password).toBe(true)
    expect(JSON.stringify(row(password, pin, linked('one')))).not.toMatch(/a hash|a verifier|a2V5|Y2hhbGxlbmdl|hmac/)
  })

  test('has the contacts, each once, and sealed', () => {
    const one = { contact: 'one', channel: 'email', address: 'a1.new' }
    expect(row(contact('one', 'old'), contact('two'), contact('one', 'new')).contacts).toEqual([{ contact: 'two', channel: 'email', address: 'a1.two' }, one])
    expect(row(contact('one', 'new'), contact('two'), { type: 'ContactRemoved', data: { contact: 'two' } }).contacts).toEqual([one])
  })

  test('knows whether a code is demanded at every login', () => {
    const switched = (enabled: boolean): AccountEvent => ({ type: 'MfaSwitched', data: { enabled } })
    expect([row(switched(false)).mfa, row(switched(false), switched(true)).mfa]).toEqual([false, true])
  })

  test('knows whether one may sign in, and that erased is for ever', () => {
    const [disabled, enabled, erased] = [simply('AccountDisabled'), simply('AccountEnabled'), simply('AccountErased')]
    const after = [[disabled], [disabled, enabled], [erased], [erased, enabled], [erased, disabled]].map((events) => row(...events).status)
    expect(after).toEqual(['disabled', 'active', 'erased', 'erased', 'erased'])
  })

  test('has the passkeys with what became of them, and counts them', () => {
    expect(row(linked('one')).passkeys).toEqual([{ passkey: 'one', status: 'pending', session, app: 'shop', aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', linked_at: at(1) }])
    expect(statuses(linked('one'), linked('two'))).toEqual([['one pending', 'two pending'], 0, 2])
    expect(statuses(linked('one'), linked('two'), activated('one'))).toEqual([['one active', 'two pending'], 1, 1])
    expect(statuses(linked('one'), linked('two'), activated('one'), revoked('two'))).toEqual([['one active', 'two revoked'], 1, 0])
  })

  test('counts the notices that are due: one for each contact, until each was sent or given up', () => {
    const due = (...events: AccountEvent[]): number => row(contact('home'), contact('work'), linked('one'), ...events).notices_due
    expect([due(), due(revoked('one')), due(activated('one'))]).toEqual([0, 0, 2])
    expect(due(activated('one'), sent('passkey_activated', 'one', 'work'))).toBe(1)
    expect([due(activated('one'), failed(false)), due(activated('one'), failed(true))]).toEqual([2, 1])
    expect(due(activated('one'), { type: 'ContactRemoved', data: { contact: 'home' } }, revoked('one'))).toBe(3)
    expect(due(activated('one'), simply('AccountErased'))).toBe(0)
  })

  test('knows who wants no offer any more', () => {
    expect([row(never(true)).never_offer, row(never(true), never(false)).never_offer]).toEqual([true, false])
  })

  test('has the revision of the last event, of whatever type, and nothing else of those that show nothing', () => {
    const quiet: AccountEvent[] = [
      pin,
      { type: 'InstallationPinRejected', data: { installation: phone, attemptsLeft: 4 } },
      { type: 'InstallationPinVerified', data: { installation: phone } },
      { type: 'InstallationBiometricToggled', data: { installation: phone, enabled: true } },
      { type: 'PasskeyUsed', data: { passkey: 'one', counter: 1, backedUp: true, installation: null } },
      { type: 'PasskeyUvInitialized', data: { passkey: 'one' } },
      { type: 'PasskeyRenamed', data: { passkey: 'one', name: sealed('phone') } },
      simply('SessionsRevoked'),
      { type: 'FactorDisabled', data: { factor: 'otp' } },
    ]
    expect(row(...quiet)).toEqual({ ...row(), revision: quiet.length })
    const shown = [
      'AccountRegistered', 'PasswordSet', 'ContactAdded', 'ContactRemoved', 'MfaSwitched', 'AccountDisabled', 'AccountEnabled', 'AccountErased',
      'PasskeyLinked', 'PasskeyActivated', 'PasskeyRevoked', 'NoticeSent', 'NoticeFailed', 'AppendPreferenceChanged',
    ]
    expect(new Set([...shown, ...quiet.map(({ type }) => type)])).toEqual(new Set(Object.keys(accountEvents)))
  })
})
