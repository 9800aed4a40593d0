import { describe, expect, test } from 'vitest'
import type { AccountEvent } from './events.ts'
import { activePasskeys, decideActivation, decideLink, decideUnfinished, excluded, hasPasskeyHere, type NewLink } from './passkeys.ts'
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
    expect(excluded(account(linked('one')))).toEqual([{ id: 'one', transports: ['internal'] }])
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
    expect([activePasskeys(state), excluded(state), hasPasskeyHere(state, phone)]).toEqual([[], [], false])
  })
})
