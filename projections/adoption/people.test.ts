import { describe, expect, test } from 'vitest'
import type { AccountEvent } from '../../domain/account/events.ts'
import { at, recorded, rowOf } from '../testing-rows.ts'
import { adoptionPeople } from './people.ts'

const account = '5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42'
const registered = (test?: boolean): AccountEvent => ({ type: 'AccountRegistered', data: { source: 'import', identifiers: [], mfa: false, test } })
const passkey = (type: 'PasskeyActivated' | 'PasskeyRevoked', passkey: string): AccountEvent =>
  type === 'PasskeyActivated' ? { type, data: { passkey } } : { type, data: { passkey, reason: 'removed' } }
// The key of the row is the account's id.
const row = (...events: AccountEvent[]) => rowOf({ ...adoptionPeople, initial: () => adoptionPeople.initial(account) }, `account-${account}`, ...events)

describe('The row of a person', () => {
  test('says since when the account exists', () => {
    expect(row(registered(true))).toEqual({ account, registered_at: at(0), test: true, erased_at: null, active: [], held: [], last_at: at(0) })
  })

  test('says when there was a passkey that signs in, however many', () => {
    const [a, b] = ['passkey-0a', 'passkey-0b']
    const one = [registered(), passkey('PasskeyActivated', a)]
    expect(row(...one)).toMatchObject({ active: [a], held: [[at(1), null]] })
    const two = [...one, passkey('PasskeyActivated', b), passkey('PasskeyRevoked', a)]
    expect(row(...two)).toMatchObject({ active: [b], held: [[at(1), null]] })
    const none = [...two, passkey('PasskeyRevoked', b)]
    expect(row(...none)).toMatchObject({ active: [], held: [[at(1), at(4)]] })
    expect(row(...none, passkey('PasskeyActivated', a))).toMatchObject({ active: [a], held: [[at(1), at(4)], [at(5), null]] })
  })

  test('ends what was held when the person is forgotten', () => {
    expect(row(registered(), passkey('PasskeyActivated', 'passkey-0a'), { type: 'AccountErased', data: {} })).toMatchObject({ erased_at: at(2), active: [], held: [[at(1), at(2)]] })
    expect(row(registered(), { type: 'AccountErased', data: {} }, { type: 'AccountErased', data: {} })).toMatchObject({ erased_at: at(1), held: [] })
  })

  test('counts no event that changes nothing about it', () => {
    const [event] = recorded(`account-${account}`, [{ type: 'SessionsRevoked', data: {} }])
    expect(adoptionPeople.key(event!)).toBeUndefined()
  })
})
