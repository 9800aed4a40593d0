import { describe, expect, test } from 'vitest'
import type { Sealed } from '../event.ts'
import type { AccountEvent, IdentifierEvent } from './events.ts'
import { claimCounts, decideClaim } from './identifiers.ts'
import { evolve, evolveIdentifier, type AccountState, type Claim } from './state.ts'

const at = (seconds: number): string => new Date(Date.parse('2026-03-02T08:00:00.000Z') + seconds * 1000).toISOString()
const anna = 'a0000000-0000-4000-8000-000000000001'
const ben = 'b0000000-0000-4000-8000-000000000002'
const lookup = 'c3ab8ff13720e8ad9047dd39466b3c89'

const claimed = (account: string): IdentifierEvent => ({ type: 'IdentifierClaimed', data: { account } })
const released = (account: string): IdentifierEvent => ({ type: 'IdentifierReleased', data: { account } })
const claim = (...events: IdentifierEvent[]) =>
  events.reduce<Claim | undefined>((state, event) => evolveIdentifier(state, { ...event, at: at(0) }), undefined)

const registered = (listed: string): AccountEvent => {
  const identifiers = [{ kind: 'email' as const, lookup: listed, value: 'sealed' as Sealed }]
  return { type: 'AccountRegistered', data: { source: 'added', identifiers, mfa: false } }
}
const owner = (...events: AccountEvent[]) =>
  events.reduce<AccountState | undefined>((state, event) => evolve(state, { ...event, at: at(0) }), undefined)
const wanted = (seconds: number, account = ben) => ({ account, lookup, now: at(seconds) })

describe('An identifier that nobody owns', () => {
  test('is claimed, when it is new', () => {
    expect(decideClaim(undefined, undefined, wanted(1))).toEqual({ outcome: 'claimed', events: [claimed(ben)] })
  })

  test('is claimed, when it was released, at once', () => {
    expect(decideClaim(claim(claimed(anna), released(anna)), undefined, wanted(0))).toEqual({ outcome: 'claimed', events: [claimed(ben)] })
  })
})

describe('An identifier that an account owns', () => {
  test('is taken, however old the claim', () => {
    for (const seconds of [0, 61, 1e9]) {
      expect(decideClaim(claim(claimed(anna)), owner(registered(lookup)), wanted(seconds))).toEqual({ outcome: 'taken', events: [] })
    }
  })

  test('is taken while the account is disabled', () => {
    expect(decideClaim(claim(claimed(anna)), owner(registered(lookup), { type: 'AccountDisabled', data: {} }), wanted(61)).outcome).toBe('taken')
  })

  test('is its own already: claiming it again writes nothing', () => {
    expect(decideClaim(claim(claimed(ben)), owner(registered(lookup)), wanted(61))).toEqual({ outcome: 'claimed', events: [] })
    expect(decideClaim(claim(claimed(ben)), undefined, wanted(61))).toEqual({ outcome: 'claimed', events: [] })
  })
})

describe('A claim that does not count', () => {
  const orphans: [string, AccountState | undefined][] = [
    ['its account never came about', undefined],
    ['its account does not list the identifier', owner(registered('another'))],
    ['its account was erased', owner(registered(lookup), { type: 'AccountErased', data: {} })],
    ['its account was erased, and somebody enabled it after', owner(registered(lookup), { type: 'AccountErased', data: {} }, { type: 'AccountEnabled', data: {} })],
  ]

  test.each(orphans)('because %s, is in flight for a minute', (_, account) => {
    expect(claimCounts(account, lookup)).toBe(false)
    expect(decideClaim(claim(claimed(anna)), account, wanted(60))).toEqual({ outcome: 'in_flight', events: [] })
  })

  test.each(orphans)('because %s, is taken over when it is older', (_, account) => {
    expect(decideClaim(claim(claimed(anna)), account, wanted(60.001))).toEqual({ outcome: 'claimed', events: [claimed(ben)] })
  })
})

test('The last claim counts', () => {
  expect(claim(claimed(anna), released(anna), claimed(ben))).toEqual({ account: ben, since: at(0) })
})
