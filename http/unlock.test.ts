import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Policy } from '../domain/policy.ts'
import { actionsOf, newKey, off, openApi, refused, serverPin, type Api } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (policy: Partial<Policy> = { withPasskey: off, withoutPasskey: off }, account = {}) => {
  api = await openApi({ policy })
  return api.register(account)
}

describe('A PIN that is kept here', () => {
  const branch = { ...off, pin: 'optional' as const }
  beforeEach(() => open({ withPasskey: branch, withoutPasskey: branch, pinKeptOn: 'server' }))
  const withPin = async (body?: Record<string, unknown>) => {
    const login = await api.loginAt('completed', body)
    const unlock = (pin: string, key = newKey(), token = login.tokens.accessToken) => api.post(`${login.path}/unlock`, { token, body: { pin }, key })
    const refresh = () => api.post(`${login.path}/refresh`, { body: { refreshToken: login.tokens.refreshToken } })
    return { ...login, unlock, refresh, lock: async () => { for (const n of [1, 2, 3, 4, 5]) await unlock(`${n}`) } }
  }

  test('opens the app, and that is no fact unless wrong ones came before', async () => {
    const { unlock, last } = await withPin()
    expect(actionsOf(last)).toEqual(['refresh', 'unlock', 'switch_biometrics', 'sign_out'])
    expect(await unlock(serverPin)).toMatchObject({ status: 200, body: { unlocked: true }, events: [] })
    const wrong = await unlock('0000')
    refused(wrong, 403, 'pin_rejected', ['InstallationPinRejected'])
    expect(wrong.body.attemptsLeft).toBe(4)
    expect(await unlock(serverPin)).toMatchObject({ status: 200, events: ['InstallationPinVerified'] })
    expect((await unlock('0000')).body.attemptsLeft).toBe(4)
  })

  test('wrong and sent again with its key is one wrong one; another with that key is a fault', async () => {
    const { unlock } = await withPin()
    const key = newKey()
    for (const events of [['InstallationPinRejected'], []]) {
      const reply = await unlock('0000', key)
      refused(reply, 403, 'pin_rejected', events)
      expect(reply.body.attemptsLeft).toBe(4)
    }
    refused(await unlock(serverPin, key), 422, 'key_reused')
  })

  test('wrong five times in a row is locked, for the right one too, and nothing is refreshed any more', async () => {
    const { unlock, refresh, lock } = await withPin()
    await lock()
    refused(await unlock(serverPin), 403, 'pin_locked')
    refused(await refresh(), 403, 'pin_locked')
  })

  test('is locked after five, however many come at once', async () => {
    const { unlock } = await withPin()
    const replies = await Promise.all([...Array.from({ length: 30 }, (_, n) => unlock(`${n}`)), unlock(serverPin)])
    expect(replies.filter(({ body }) => body.code === 'pin_rejected')).toHaveLength(4)
    expect(replies.at(-1)?.body.code).toBe('pin_locked')
  })

  test('that is locked bars who was signed in before; who signs in again is asked for a new one and may pass it over', async () => {
    const before = await withPin()
    await before.lock()
    api.pass(1)
    const again = await api.loginAt('pin')
    expect(again.last.body.pin).toEqual({ outcome: 'due', keptOn: 'server' })
    const { body } = await again.step('pin/skip')
    expect((await api.post(`${again.path}/refresh`, { body: body.tokens })).status).toBe(200)
    refused(await before.refresh(), 403, 'pin_locked')
    refused(await api.post(`${again.path}/unlock`, { token: body.tokens.accessToken, body: { pin: serverPin } }), 403, 'pin_locked')
  })

  test('is another on another installation', async () => {
    const { lock } = await withPin()
    const elsewhere = await withPin({ installation: '6ad2b0c4-1f3b-4f0e-8a53-2c9d7e5f1b20' })
    await lock()
    expect([(await elsewhere.unlock(serverPin)).status, (await elsewhere.refresh()).status]).toEqual([200, 200])
  })

  test('leaves nothing in the log by which two people can be seen to have typed the same', async () => {
    const ada = await withPin()
    await api.register({ identifiers: ['eve@example.com'] })
    const eve = await withPin({ identifier: 'eve@example.com' })
    for (const { unlock } of [ada, eve]) await unlock('0000')
    const prints: unknown[] = []
    for await (const { type, metadata } of api.log.readAll({ prefixes: ['account-'] })) if (type === 'InstallationPinRejected') prints.push(metadata.fingerprint)
    expect([prints.length, new Set(prints).size]).toEqual([2, 2])
  })
})
