import { describe, expect, test } from 'vitest'
import type { Sealed } from '../event.ts'
import type { AccountEvent } from './events.ts'
import {
  accepted, activePasskeys, decideActivation, decideLink, decideRemoval, decideRename, decideUnfinished, decideUse, decideUvInitialized, descriptors, hasPasskeyHere, type NewLink,
} from './passkeys.ts'
import { evolve, type AccountState } from './state.ts'

const phone = '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60'
const login = '0b8f1a7e-52a3-4d0c-8f3e-9c1d2b3a4f50'
const registered: AccountEvent = { type: 'AccountRegistered', data: { source: 'added', identifiers: [], mfa: false } }

const link = (passkey: string, change: Partial<NewLink> = {}): NewLink => ({
  passkey,
  publicKey: 'pQECAyYgASFYIA',
  algorithm: -7,
  aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd',
  counter: 0,
  transports: ['internal'],
  backupEligible: true,
  backedUp: true,
  uvInitialized: true,
  challenge: `challenge of ${passkey}`,
  session: login,
  installation: phone,
  app: 'shop',
  ...change,
})
const linked = (passkey: string, change: Partial<NewLink> = {}): AccountEvent => ({ type: 'PasskeyLinked', data: link(passkey, change) })
const activated = (passkey: string): AccountEvent => ({ type: 'PasskeyActivated', data: { passkey } })
const revoked = (passkey: string, reason: 'removed' | 'login_unfinished' = 'removed'): AccountEvent => ({ type: 'PasskeyRevoked', data: { passkey, reason } })
const account = (...events: AccountEvent[]): AccountState =>
  [registered, ...events].reduce<AccountState | undefined>((state, event) => evolve(state, { ...event, at: '2026-03-02T08:00:00.000Z' }), undefined) as AccountState

describe('A challenge links one passkey', () => {
  test('the first one', () => {
    expect(decideLink(account(), link('one'))).toEqual({ outcome: 'done', events: [linked('one')] })
    expect(decideLink(account(linked('one')), link('two'))).toEqual({ outcome: 'done', events: [linked('two')] })
  })

  test('and the same one again is done already, whatever became of it', () => {
    for (const after of [[], [activated('one')], [revoked('one')]]) {
      expect(decideLink(account(linked('one'), ...after), link('one'))).toEqual({ outcome: 'done', events: [] })
    }
  })

  test('and no other', () => {
    expect(decideLink(account(linked('one')), link('two', { challenge: 'challenge of one' }))).toEqual({ outcome: 'challenge_used', events: [] })
  })
})

test.each([
  ['pending', []],
  ['active', [activated('one')]],
  ['revoked', [revoked('one')]],
] as const)('A passkey that the account has is not linked through another challenge: %s', (_, after) => {
  expect(decideLink(account(linked('one'), ...after), link('one', { challenge: 'another' }))).toEqual({ outcome: 'passkey_exists', events: [] })
})

describe('A pending passkey', () => {
  test('cannot sign in, and is not to be made again', () => {
    expect(activePasskeys(account(linked('one')))).toEqual([])
    expect(descriptors(accepted(account(linked('one'))))).toEqual([{ id: 'one', transports: ['internal'] }])
    expect(hasPasskeyHere(account(linked('one')), phone)).toBe(false)
  })

  test('is activated once', () => {
    expect(decideActivation(account(linked('one')), 'one')).toEqual({ outcome: 'done', events: [activated('one')] })
    expect(decideActivation(account(linked('one'), activated('one')), 'one')).toEqual({ outcome: 'done', events: [] })
  })

  test('is not activated when it was removed meanwhile, or never was', () => {
    expect(decideActivation(account(linked('one'), revoked('one')), 'one')).toEqual({ outcome: 'done', events: [] })
    expect(decideActivation(account(), 'one')).toEqual({ outcome: 'done', events: [] })
  })

  test('is revoked when its login is over, and no other is', () => {
    const others = [linked('active'), activated('active'), linked('of another login', { session: phone })]
    const state = account(...others, linked('one'), linked('two'))
    const { outcome, events } = decideUnfinished(state, login)
    expect({ outcome, events }).toEqual({ outcome: 'done', events: [revoked('one', 'login_unfinished'), revoked('two', 'login_unfinished')] })
    expect(decideUnfinished(account(...others, linked('one'), linked('two'), ...events), login)).toEqual({ outcome: 'done', events: [] })
  })
})

describe('An active passkey', () => {
  test('is one that a person has on the installation that it was made on', () => {
    const state = account(linked('one'), activated('one'))
    expect(activePasskeys(state).map(({ passkey }) => passkey)).toEqual(['one'])
    expect([hasPasskeyHere(state, phone), hasPasskeyHere(state, login)]).toEqual([true, false])
  })

  test('that was removed is none, and may be made again', () => {
    const state = account(linked('one'), activated('one'), revoked('one'))
    expect([activePasskeys(state), accepted(state), hasPasskeyHere(state, phone)]).toEqual([[], [], false])
  })
})

describe('A good login with a passkey', () => {
  const used = (change: Partial<Parameters<typeof decideUse>[1]> = {}) => ({ passkey: 'one', counter: 0, backedUp: true, installation: phone, ...change })
  const state = account(linked('one'), activated('one'))
  const fact = (change: Parameters<typeof used>[0]): AccountEvent => ({ type: 'PasskeyUsed', data: used(change) })

  test('leaves nothing here when it shows nothing new', () => {
    expect(decideUse(state, used())).toEqual({ outcome: 'done', events: [] })
    expect(decideUse(state, used({ installation: null }))).toEqual({ outcome: 'done', events: [] })
    expect(decideUse(account(linked('one'), revoked('one')), used({ counter: 4 }))).toEqual({ outcome: 'done', events: [] })
  })

  test.each([
    ['its counter', { counter: 4 }],
    ['its backup state', { backedUp: false }],
    ['an installation that it was not known to be on', { installation: login }],
  ])('leaves what is new: %s, and once', (_, change) => {
    expect(decideUse(state, used(change))).toEqual({ outcome: 'done', events: [fact(change)] })
    expect(decideUse(account(linked('one'), activated('one'), fact(change)), used(change))).toEqual({ outcome: 'done', events: [] })
  })

  test('makes it known where the passkey is, and a counter never goes down', () => {
    const after = account(linked('one', { counter: 9 }), activated('one'), fact({ counter: 9, installation: login }))
    expect([hasPasskeyHere(after, login), hasPasskeyHere(after, phone)]).toEqual([true, true])
    expect(decideUse(after, used({ counter: 4, backedUp: false })).events).toEqual([fact({ counter: 9, backedUp: false })])
  })

  test('and a code beside it let user verification count, once', () => {
    const conditional = [linked('one', { uvInitialized: false }), activated('one')]
    const initialized: AccountEvent = { type: 'PasskeyUvInitialized', data: { passkey: 'one' } }
    expect(decideUvInitialized(account(...conditional), 'one')).toEqual({ outcome: 'done', events: [initialized] })
    expect(account(...conditional, initialized).passkeys[0]?.uvInitialized).toBe(true)
    expect(decideUvInitialized(account(...conditional, initialized), 'one').events).toEqual([])
    expect(decideUvInitialized(state, 'one').events).toEqual([])
  })
})

describe('A person manages passkeys', () => {
  const name = 'sealed name' as Sealed
  const state = account(linked('one'), activated('one'), linked('two'), linked('gone'), activated('gone'), revoked('gone'))

  test('and calls them what they like', () => {
    const renamed: AccountEvent = { type: 'PasskeyRenamed', data: { passkey: 'one', name } }
    expect(decideRename(state, 'one', name, false)).toEqual({ outcome: 'done', events: [renamed] })
    expect(decideRename(state, 'one', name, true)).toEqual({ outcome: 'done', events: [] })
    expect(evolve(state, { ...renamed, at: '2026-03-02T08:00:00.000Z' }).passkeys[0]?.name).toBe(name)
  })

  test('and removes them, pending ones too; what is removed stays so', () => {
    expect(decideRemoval(state, 'one')).toEqual({ outcome: 'done', events: [revoked('one')] })
    expect(decideRemoval(state, 'two')).toEqual({ outcome: 'done', events: [revoked('two')] })
    expect(decideRemoval(state, 'gone')).toEqual({ outcome: 'done', events: [] })
  })

  test('and none that the account never had, or has no longer', () => {
    expect(decideRemoval(state, 'never')).toEqual({ outcome: 'passkey_unknown', events: [] })
    expect(decideRename(state, 'gone', name, false)).toEqual({ outcome: 'passkey_unknown', events: [] })
  })
})
