import { describe, expect, test } from 'vitest'
import type { Sealed } from '../event.ts'
import { decideAdministration, type AccountCommand } from './administration.ts'
import type { AccountEvent } from './events.ts'
import { evolve, type AccountState, type Contact } from './state.ts'

const sealed = (text: string) => text as Sealed
const email = (contact: string): Contact => ({ contact, channel: 'email', address: sealed(`address of ${contact}`) })
const sms = (contact: string): Contact => ({ ...email(contact), channel: 'sms' })
const added = (contact: Contact): AccountEvent => ({ type: 'ContactAdded', data: contact })
const removed = (contact: string): AccountEvent => ({ type: 'ContactRemoved', data: { contact } })

const registered: AccountEvent = { type: 'AccountRegistered', data: { source: 'added', identifiers: [], mfa: false } }
const folded = (events: readonly AccountEvent[], at = '2026-03-02T08:00:00.000Z'): AccountState =>
  [registered, ...events].reduce<AccountState | undefined>((state, event) => evolve(state, { ...event, at }), undefined) as AccountState

const given = (...events: AccountEvent[]) => ({ decide: (command: AccountCommand) => decideAdministration(folded(events), command) })
const does = (...events: AccountEvent[]) => ({ outcome: 'done', events })
const nothing = does()

test('A new password ends every session in the same append', () => {
  const revoked: AccountEvent = { type: 'SessionsRevoked', data: {} }
  expect(given().decide({ type: 'set_password', hash: sealed('hash') })).toEqual(does({ type: 'PasswordSet', data: { hash: sealed('hash'), reason: 'set' } }, revoked))
  expect(given().decide({ type: 'end_sessions' })).toEqual(does(revoked))
})

test.each<[AccountCommand, AccountEvent[], AccountCommand]>([
  [{ type: 'disable' }, [{ type: 'AccountDisabled', data: {} }, { type: 'SessionsRevoked', data: {} }], { type: 'enable' }],
  [{ type: 'switch_mfa', enabled: true }, [{ type: 'MfaSwitched', data: { enabled: true } }], { type: 'switch_mfa', enabled: false }],
])('%j is a fact once, until it is undone', (command, facts, undo) => {
  expect(given().decide(undo)).toEqual(nothing)
  expect(given().decide(command)).toEqual(does(...facts))
  expect(given(...facts).decide(command)).toEqual(nothing)
  const undone = given(...facts).decide(undo)
  expect(undone.events).toHaveLength(1)
  expect(given(...facts, ...undone.events).decide(command)).toEqual(does(...facts))
})

test('An account is enabled for the sake of a factor, too, and once', () => {
  const enabled: AccountEvent = { type: 'AccountEnabled', data: {} }
  const factor: AccountEvent = { type: 'FactorDisabled', data: { factor: 'otp' } }
  expect(given(factor).decide({ type: 'enable' })).toEqual(does(enabled))
  expect(given(factor, enabled).decide({ type: 'enable' })).toEqual(nothing)
})

describe('A contact', () => {
  test('is added beside the others, and once', () => {
    expect(given(added(email('one'))).decide({ type: 'add_contact', contact: email('two'), same: undefined })).toEqual(does(added(email('two'))))
    expect(given(added(email('one'))).decide({ type: 'add_contact', contact: email('two'), same: 'one' })).toEqual(nothing)
  })

  test('takes the place of all that the account has of its channel, and of no other', () => {
    const account = given(added(email('one')), added(email('two')), added(sms('three')))
    expect(account.decide({ type: 'replace_contact', contact: email('new'), same: undefined })).toEqual(does(removed('one'), removed('two'), added(email('new'))))
    expect(account.decide({ type: 'replace_contact', contact: email('new'), same: 'two' })).toEqual(does(removed('one')))
    expect(account.decide({ type: 'replace_contact', contact: sms('new'), same: 'three' })).toEqual(nothing)
    expect(given().decide({ type: 'replace_contact', contact: sms('new'), same: undefined })).toEqual(does(added(sms('new'))))
  })

  test('is removed if it is there', () => {
    expect(given(added(email('one'))).decide({ type: 'remove_contact', contact: 'one' })).toEqual(does(removed('one')))
    expect(given(added(email('one')), removed('one')).decide({ type: 'remove_contact', contact: 'one' })).toEqual({ outcome: 'contact_unknown', events: [] })
  })
})

test('A passkey that the account never had is not removed', () => {
  expect(given().decide({ type: 'remove_passkey', passkey: 'one' })).toEqual({ outcome: 'passkey_unknown', events: [] })
})

test('Of somebody who was forgotten nothing is written any more', () => {
  const erased: AccountEvent = { type: 'AccountErased', data: {} }
  expect(given().decide({ type: 'erase' })).toEqual(does(erased))
  expect(given({ type: 'AccountDisabled', data: {} }).decide({ type: 'erase' })).toEqual(does(erased))
  expect(given(erased).decide({ type: 'erase' })).toEqual(nothing)
  const commands: AccountCommand[] = [
    { type: 'set_password', hash: sealed('hash') }, { type: 'switch_mfa', enabled: true }, { type: 'disable' }, { type: 'enable' }, { type: 'end_sessions' },
    { type: 'add_contact', contact: email('one'), same: undefined }, { type: 'replace_contact', contact: email('one'), same: undefined },
    { type: 'remove_contact', contact: 'one' }, { type: 'remove_passkey', passkey: 'one' },
  ]
  for (const command of commands) expect(given(added(email('one')), erased).decide(command)).toEqual({ outcome: 'account_gone', events: [] })
})
