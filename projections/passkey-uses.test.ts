import { describe, expect, test } from 'vitest'
import type { SessionEvent } from '../domain/session/events.ts'
import { account, facts } from '../domain/session/given.ts'
import { passkeyUses } from './passkey-uses.ts'
import { at, recorded, rowOf } from './testing-rows.ts'

const { passkeyVerified } = facts
const row = (...events: SessionEvent[]) => rowOf(passkeyUses, 'session-1', ...events)
const keysOf = (...events: SessionEvent[]) => recorded('session-1', events).map(passkeyUses.key)

describe('The uses of a passkey', () => {
  test('begin with the first login with it', () => {
    expect(row(passkeyVerified())).toEqual({ account, passkey: 'passkey-00', first_used_at: at(0), last_used_at: at(0), uses: 1, cross_device_uses: 0 })
  })

  test('are counted, those from another device apart, and the last one is known', () => {
    const used = row(passkeyVerified(), passkeyVerified({ crossDevice: true }), passkeyVerified())
    expect(used).toMatchObject({ first_used_at: at(0), last_used_at: at(2), uses: 3, cross_device_uses: 1 })
  })

  test('are those of one account alone, even where another one has the same id', () => {
    const other = '9c1f0a8e-7b2d-4e6f-8a51-3d2c4b5e6f70'
    const keys = keysOf(passkeyVerified(), passkeyVerified({ account: other }), passkeyVerified({ passkey: 'passkey-02' }), passkeyVerified())
    expect([new Set(keys).size, keys[3]]).toEqual([3, keys[0]])
  })

  test('are no requests, refusals, reports or creations', () => {
    const others = [facts.entered(), facts.requested(), facts.passkeyRejected(), facts.notUsed(), facts.appended(), facts.completed('passkey-00')]
    expect(keysOf(...others)).toEqual(others.map(() => undefined))
  })
})
