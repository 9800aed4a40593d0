import { describe, expect, test } from 'vitest'
import type { Sealed } from '../event.ts'
import type { AccountEvent, Notice } from './events.ts'
import { decideNotice, dueAt, dueNotices, noticeAttempts, type NoticeReceipt } from './notices.ts'
import { evolve, type AccountState } from './state.ts'

const at = (seconds: number): string => new Date(Date.parse('2026-03-02T08:00:00.000Z') + seconds * 1000).toISOString()
const registered: AccountEvent = { type: 'AccountRegistered', data: { source: 'added', identifiers: [], mfa: false } }
const contact = (id: string, channel: 'email' | 'sms' = 'email'): AccountEvent => ({ type: 'ContactAdded', data: { contact: id, channel, address: `sealed ${id}` as Sealed } })
const gone = (id: string): AccountEvent => ({ type: 'ContactRemoved', data: { contact: id } })
const linked: AccountEvent = {
  type: 'PasskeyLinked',
  data: {
    passkey: 'one', publicKey: 'a2V5', algorithm: -7, aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', counter: 0, transports: [], backupEligible: true, backedUp: true,
    uvInitialized: true, challenge: 'Y2hhbGxlbmdl', session: '0b8f1a7e-52a3-4d0c-8f3e-9c1d2b3a4f50', installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60', app: 'shop',
  },
}
const activated: AccountEvent = { type: 'PasskeyActivated', data: { passkey: 'one' } }
const revoked = (reason: 'removed' | 'login_unfinished'): AccountEvent => ({ type: 'PasskeyRevoked', data: { passkey: 'one', reason } })
const told = (notice: Notice, id: string) => ({ notice, passkey: 'one', contact: id })

/** Everything happened at eight, unless it says so. */
const account = (...events: (AccountEvent | [at: number, event: AccountEvent])[]): AccountState =>
  [registered, contact('home'), contact('phone', 'sms'), linked, ...events].reduce<AccountState | undefined>((state, one) => {
    const [seconds, event] = Array.isArray(one) ? one : [0, one]
    return evolve(state, { ...event, at: at(seconds) })
  }, undefined) as AccountState
const due = (state: AccountState, seconds = 0): string[] => dueNotices(state, at(seconds)).map(({ notice, contact }) => `${notice} ${contact}`)
const failed = (id: string, final = false): AccountEvent => ({ type: 'NoticeFailed', data: { ...told('passkey_activated', id), reason: 'timeout', final } })
const sent = (id: string): AccountEvent => ({ type: 'NoticeSent', data: told('passkey_activated', id) })
const busy: NoticeReceipt = { delivered: false, reason: 'busy', retryable: true }

describe('A notice is due', () => {
  test('to each contact, once a passkey is active; not while it waits for its code', () => {
    expect(due(account())).toEqual([])
    expect(due(account(activated))).toEqual(['passkey_activated home', 'passkey_activated phone'])
  })

  test('to each contact, once an active passkey was removed; not when one was revoked that never was active', () => {
    expect(due(account(revoked('login_unfinished')))).toEqual([])
    expect(due(account(revoked('removed')))).toEqual([])
    expect(due(account(activated, sent('home'), sent('phone'), revoked('removed')))).toEqual(['passkey_removed home', 'passkey_removed phone'])
  })

  test('to a contact that was removed since, and not to one that was added since', () => {
    expect(due(account(activated, gone('home'), contact('work')))).toEqual(['passkey_activated home', 'passkey_activated phone'])
    expect(dueNotices(account(activated, gone('home')), at(0))[0]?.address).toBe('sealed home')
  })

  test('until a carrier took it, or it was given up', () => {
    expect(due(account(activated, sent('home')))).toEqual(['passkey_activated phone'])
    expect(due(account(activated, failed('home', true)))).toEqual(['passkey_activated phone'])
  })

  test('in no account that was erased', () => {
    expect(due(account(activated, { type: 'AccountErased', data: {} }))).toEqual([])
  })

  test('again half a minute after it failed, and each time twice as long after', () => {
    const failures: [number, AccountEvent][] = [[10, failed('home')], [50, failed('home')]]
    const [once, twice] = [account(activated, ...failures.slice(0, 1)), account(activated, ...failures)]
    expect([due(once, 39), due(once, 40)]).toEqual([['passkey_activated phone'], ['passkey_activated home', 'passkey_activated phone']])
    expect([due(twice, 109), due(twice, 110)]).toEqual([['passkey_activated phone'], ['passkey_activated home', 'passkey_activated phone']])
    expect(twice.notices.map(dueAt)).toEqual([at(110), at(0)])
  })
})

describe('What the carrier said', () => {
  const active = account(activated)

  test('is that it took the notice, and by which number', () => {
    const events = (receipt: NoticeReceipt) => decideNotice(active, told('passkey_activated', 'home'), receipt).events
    expect(events({ delivered: true, carrierId: 'm-1' })).toEqual([{ type: 'NoticeSent', data: { ...told('passkey_activated', 'home'), carrierId: 'm-1' } }])
    expect(events({ delivered: true })).toEqual([sent('home')])
  })

  test('is a failure, final where trying again is no use', () => {
    const failure = (reason: string, final: boolean) => [{ type: 'NoticeFailed', data: { ...told('passkey_activated', 'home'), reason, final } }]
    const decide = (receipt: NoticeReceipt) => decideNotice(active, told('passkey_activated', 'home'), receipt).events
    expect(decide(busy)).toEqual(failure('busy', false))
    expect(decide({ delivered: false, reason: 'no_carrier', retryable: false })).toEqual(failure('no_carrier', true))
  })

  test('is final after so many failures', () => {
    const finals: boolean[] = []
    let state = active
    while (state.notices.some(({ contact }) => contact === 'home')) {
      const { events } = decideNotice(state, told('passkey_activated', 'home'), busy)
      for (const event of events) {
        if (event.type === 'NoticeFailed') finals.push(event.data.final)
        state = evolve(state, { ...event, at: at(finals.length * 3_600) })
      }
    }
    expect(finals).toEqual([...Array<boolean>(noticeAttempts - 1).fill(false), true])
  })

  test.each<[string, AccountState, Notice]>([
    ['was sent', account(activated, sent('home')), 'passkey_activated'],
    ['was given up', account(activated, failed('home', true)), 'passkey_activated'],
    ['was never due', active, 'passkey_removed'],
  ])('of a notice that %s is nothing', (_, state, notice) => {
    for (const receipt of [busy, { delivered: true } as const]) expect(decideNotice(state, told(notice, 'home'), receipt)).toEqual({ outcome: 'done', events: [] })
  })
})
