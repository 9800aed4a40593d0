import { expect, test } from 'vitest'
import type { AccountEvent } from '../../domain/account/events.ts'
import { facts } from '../../domain/session/given.ts'
import { inAccount, login, registered, type Figures } from './testing.ts'

const activated = (passkey: string): AccountEvent => ({ type: 'PasskeyActivated', data: { passkey: `passkey-0${passkey}` } })
const removed = (passkey: string): AccountEvent => ({ type: 'PasskeyRevoked', data: { passkey: `passkey-0${passkey}`, reason: 'removed' } })
const erased: AccountEvent = { type: 'AccountErased', data: {} }
const last = login(99, '2026-03-05T08:00:00Z', {})

export function ofActivation(figures: Figures): void {
  test('are as they are at the end of each day', async () => {
    await figures.given(
      registered(1, '2026-03-01T08:00:00Z'), inAccount(1, '2026-03-02T08:00:00Z', activated('a')), inAccount(1, '2026-03-03T08:00:00Z', activated('b')),
      inAccount(1, '2026-03-03T09:00:00Z', removed('a')), inAccount(1, '2026-03-04T08:00:00Z', removed('b')), inAccount(1, '2026-03-05T08:00:00Z', activated('c')),
      registered(2, '2026-03-02T23:59:59Z'), inAccount(2, '2026-03-03T08:00:00Z', activated('d')), inAccount(2, '2026-03-05T07:00:00Z', erased),
      // Made and removed on one day, before its end.
      registered(3, '2026-03-03T00:00:00Z'), inAccount(3, '2026-03-03T08:00:00Z', activated('e')), inAccount(3, '2026-03-03T09:00:00Z', removed('e')),
      // A pending one that was given up never signed in.
      inAccount(3, '2026-03-04T09:00:00Z', { type: 'PasskeyRevoked', data: { passkey: 'passkey-0f', reason: 'login_unfinished' } }),
      last,
    )
    expect(await figures.rows('activation', 'every=day')).toEqual({ '2026-03-01': '0/1', '2026-03-02': '1/2', '2026-03-03': '2/3', '2026-03-04': '1/3', '2026-03-05': '1/2' })
    expect(await figures.rows('activation')).toEqual({ all: '1/2' })
    expect(await figures.rows('activation', 'to=2026-03-04')).toEqual({ all: '2/3' })
    // The days before are in the sum all the same.
    expect(await figures.rows('activation', 'every=day&from=2026-03-03&to=2026-03-04T08:30:00Z')).toEqual({ '2026-03-03': '2/3', '2026-03-04': '1/3' })
    // In Tokyo the second was registered on the 3rd.
    expect(await figures.rows('activation', 'every=day&timeZone=Asia/Tokyo&to=2026-03-03')).toEqual({ '2026-03-01': '0/1', '2026-03-02': '1/1' })
  })

  test('are by platform those who had signed in there, and count on each', async () => {
    const verified = facts.verified()
    await figures.given(
      registered(1, '2026-03-01T08:00:00Z'), login(1, '2026-03-02T08:00:00Z', { platform: 'ios' }, verified), login(1, '2026-03-03T08:00:00Z', { platform: 'android' }, verified),
      inAccount(1, '2026-03-02T09:00:00Z', activated('a')),
      registered(2, '2026-03-01T08:00:00Z'), login(2, '2026-03-02T08:00:00Z', { platform: 'ios' }, verified),
      registered(3, '2026-03-01T08:00:00Z'), login(3, '2026-03-02T08:00:00Z', { platform: 'web' }, facts.wrongPassword()),
    )
    expect(await figures.rows('activation', 'by=platform')).toEqual({ ios: '1/2', android: '1/1' })
    expect(await figures.rows('activation', 'by=platform&every=day')).toEqual({ '2026-03-02 ios': '1/2', '2026-03-03 ios': '1/2', '2026-03-03 android': '1/1' })
    expect(await figures.rows('activation', 'platform=ios,android')).toEqual({ all: '1/2' })
    expect(await figures.rows('activation')).toEqual({ all: '1/3' })
  })

  test('who had one before they first signed in there count from then on, and not at all where it was gone', async () => {
    const verified = facts.verified()
    await figures.given(
      registered(1, '2026-03-01T08:00:00Z'), inAccount(1, '2026-03-01T09:00:00Z', activated('a')), inAccount(1, '2026-03-02T09:00:00Z', removed('a')),
      login(1, '2026-03-03T08:00:00Z', {}, verified),
      registered(2, '2026-03-01T08:00:00Z'), inAccount(2, '2026-03-01T09:00:00Z', activated('b')), login(2, '2026-03-03T08:00:00Z', {}, verified),
      registered(3, '2026-03-01T08:00:00Z'), login(3, '2026-03-02T08:00:00Z', {}, verified),
    )
    expect(await figures.rows('activation', 'by=app&every=day')).toEqual({ '2026-03-02 shop': '0/1', '2026-03-03 shop': '1/3' })
  })

  test('that are marked as tests count only where they are asked for', async () => {
    await figures.given(registered(1, '2026-03-01T08:00:00Z', true), inAccount(1, '2026-03-02T08:00:00Z', activated('a')), registered(2, '2026-03-01T08:00:00Z'))
    expect(await figures.rows('activation')).toEqual({ all: '0/1' })
    expect(await figures.rows('activation', 'test=true')).toEqual({ all: '1/2' })
  })
}
