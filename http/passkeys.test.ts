import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PasskeysAnswer } from '../mobile-contracts/answers.ts'
import { createAuthenticator, type Authenticator } from '../stories/authenticator.ts'
import { ceremonyHere, newKey, off, openApi, refused, type Api } from './testing.ts'

const icloud = 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd'
const elsewhere = '6d9b7c40-2a51-4d0e-9f35-8b1c7e2d4a60'

let api: Api
let phone: Authenticator
let uses: Map<string, string>
beforeEach(async () => {
  uses = new Map()
  api = await openApi({ policy: { withPasskey: off, withoutPasskey: off }, lastUses: async () => uses })
  phone = createAuthenticator({ aaguid: icloud })
  await api.register()
})
afterEach(() => api.close())

/** A login with the password that creates a passkey. */
async function create(device = phone, body: Record<string, unknown> = {}) {
  const login = await api.loginAt('append', body)
  const credential = await api.credential(login, device)
  const { body: answer } = await login.step('append', { credential })
  return { id: credential.id, token: answer.tokens.accessToken as string }
}
/** A login with the passkey of this device. */
async function byPasskey(device = phone, body: Record<string, unknown> = {}) {
  const login = await api.start(body)
  const credential = await device.get(login.started.body.requestOptions, ceremonyHere)
  const reply = await login.step('passkey', { credential })
  expect(reply.status).toBe(200)
  return { ...login, token: reply.body.tokens.accessToken as string }
}
const list = (token: string) => api.call('GET', '/v1/passkeys', { token })
const rename = (token: string, id: string, name: unknown, key = newKey()) => api.post(`/v1/passkeys/${id}/name`, { token, key, body: { name } })
const remove = (token: string, id: string, key = newKey()) => api.call('DELETE', `/v1/passkeys/${id}`, { token, key })
const names = ({ body }: { body: any }): string[] => body.passkeys.map(({ name }: { name: string }) => name)
const signalled = ({ body }: { body: any }): string[] => body.signals.acceptedCredentialIds

describe('The list of passkeys', () => {
  test('says of each who keeps it, since when, and what the device is to know', async () => {
    const { id, token } = await create()
    uses.set(id, '2026-03-02T08:00:05.000Z')
    const reply = await list(token)
    expect([reply.status, reply.events]).toEqual([200, []])
    expect(reply.body).toEqual({
      passkeys: [
        {
          id, name: 'Apple Passwords', provider: 'Apple Passwords', aaguid: icloud, status: 'active', createdAt: api.now().toISOString(), lastUsedAt: '2026-03-02T08:00:05.000Z',
          backedUp: true, here: true,
        },
      ],
      signals: { rpId: 'shop.example', userId: expect.any(String), acceptedCredentialIds: [id], name: 'ada@example.com', displayName: 'ada@example.com' },
    })
    expect(PasskeysAnswer.parse(reply.body)).toEqual(reply.body)
  })

  test.each([
    ['a provider that is not known', '12345678-1234-4234-8234-123456789abc'],
    ['a provider that says nothing', '00000000-0000-0000-0000-000000000000'],
  ])('calls one of %s simply a passkey', async (_, aaguid) => {
    const { token } = await create(createAuthenticator({ aaguid }))
    expect((await list(token)).body.passkeys[0]).toMatchObject({ name: 'Passkey', provider: null, aaguid, lastUsedAt: null })
  })

  test('has those that wait for their code too', async () => {
    api.world.policy = { ...api.world.policy, withPasskey: { ...off, otp: 'required' } }
    const { tokens } = await api.signedIn()
    const waiting = await api.loginAt('append')
    const credential = await api.credential(waiting)
    await waiting.step('append', { credential })
    const reply = await list(tokens.accessToken)
    expect(reply.body.passkeys).toMatchObject([{ id: credential.id, status: 'pending' }])
    expect(signalled(reply)).toEqual([credential.id])
  })

  test('knows where a passkey is: where it was created, and where it signed in', async () => {
    await create()
    const there = await byPasskey(phone, { installation: elsewhere })
    expect((await list(there.token)).body.passkeys).toMatchObject([{ here: true }])
    const third = await api.signedIn({ installation: '0f4c6a13-5b7d-4e2f-8a90-1c3d5e7f9b21' })
    expect((await list(third.tokens.accessToken)).body.passkeys).toMatchObject([{ here: false }])
  })

  test('is for whoever is signed in, as are its changes, and for no flow token', async () => {
    const { id } = await create()
    const { token, flowToken, path } = await byPasskey()
    refused(await list(flowToken), 401, 'access_token_invalid')
    refused(await api.call('GET', '/v1/passkeys'), 401, 'token_missing')
    await api.call('DELETE', path, { token })
    for (const reply of [await list(token), await rename(token, id, 'phone'), await remove(token, id)]) refused(reply, 401, 'session_over')
  })

  test('has nothing of another account', async () => {
    const { id } = await create()
    await api.register({ identifiers: ['bob@example.com'] })
    const { tokens } = await api.signedIn({ identifier: 'bob@example.com' })
    expect((await list(tokens.accessToken)).body.passkeys).toEqual([])
    refused(await rename(tokens.accessToken, id, 'mine now'), 404, 'passkey_unknown')
    refused(await remove(tokens.accessToken, id), 404, 'passkey_unknown')
  })
})

describe('A passkey is renamed', () => {
  test('by a login of any age, once for each key, and not again to the name that it has', async () => {
    const { id } = await create()
    const { tokens } = await api.loginAt('completed')
    api.pass(400)
    const key = newKey()
    const renamed = await rename(tokens.accessToken, id, '  Ada’s phone ', key)
    expect([renamed.status, renamed.events, names(renamed), signalled(renamed)]).toEqual([200, ['PasskeyRenamed'], ['Ada’s phone'], [id]])
    const again = await rename(tokens.accessToken, id, '  Ada’s phone ', key)
    expect([again.status, again.events, again.body]).toEqual([200, [], renamed.body])
    expect(await rename(tokens.accessToken, id, 'Ada’s phone')).toMatchObject({ status: 200, events: [] })
    refused(await rename(tokens.accessToken, id, 'another', key), 422, 'key_reused')
  })

  test('and the name stands in no event in clear', async () => {
    const { id, token } = await create()
    await rename(token, id, 'Ada’s phone')
    for await (const { data } of api.log.readAll({ prefixes: ['account-'] })) expect(JSON.stringify(data)).not.toContain('Ada’s phone')
  })

  test.each([[''], ['   '], ['x'.repeat(65)], [7], [undefined]])('not to %j', async (name) => {
    const { id, token } = await create()
    refused(await rename(token, id, name), 400, 'malformed')
  })

  test('not without a key, nor where there is none, nor once it was removed', async () => {
    const { id } = await create()
    const { token } = await byPasskey()
    refused(await api.call('POST', `/v1/passkeys/${id}/name`, { token, body: { name: 'phone' } }), 400, 'idempotency_key_missing')
    refused(await rename(token, 'bm9uZQ', 'phone'), 404, 'passkey_unknown')
    await remove(token, id)
    refused(await rename(token, id, 'phone'), 404, 'passkey_unknown')
  })
})

describe('A passkey is removed', () => {
  test('by a login with a passkey of a moment ago; and then the device is told, and it signs in no more', async () => {
    const { id } = await create()
    const { token } = await byPasskey()
    const key = newKey()
    const removed = await remove(token, id, key)
    expect([removed.status, removed.events, removed.body.passkeys, signalled(removed)]).toEqual([200, ['PasskeyRevoked'], [], []])
    expect(await remove(token, id, key)).toMatchObject({ status: 200, events: [], body: removed.body })
    expect(await remove(token, id)).toMatchObject({ status: 200, events: [], body: removed.body })
    const { started } = await api.start()
    expect(started.body.requestOptions).toBeUndefined()
  })

  test('and its removal is repeated to its key even when the login is old by then', async () => {
    const { id } = await create()
    const { token } = await byPasskey()
    const key = newKey()
    const removed = await remove(token, id, key)
    api.pass(301)
    expect(await remove(token, id, key)).toMatchObject({ status: 200, events: [], body: removed.body })
    refused(await remove(token, id), 401, 'insufficient_user_authentication')
  })

  test('not by a password, as long as one is active (RFC 9470)', async () => {
    const { id, token } = await create()
    const reply = await remove(token, id)
    refused(reply, 401, 'insufficient_user_authentication')
    expect(reply.body).toMatchObject({ reason: 'passkey_needed', maxAgeSeconds: 300 })
    expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_user_authentication", .*acr_values="phr", max_age="300"$/)
  })

  test('not by a login with a passkey that is more than five minutes old, whatever was unlocked or refreshed since', async () => {
    const { id } = await create()
    const { path, token } = await byPasskey()
    api.pass(300)
    await api.post(`${path}/biometrics`, { token, body: { enabled: true } })
    api.pass(1)
    const reply = await remove(token, id)
    refused(reply, 401, 'insufficient_user_authentication')
    expect(reply.body).toMatchObject({ reason: 'too_old', maxAgeSeconds: 300 })
    expect(reply.headers.get('www-authenticate')).not.toContain('acr_values')
  })

  test('by the password, where it waits for its code and none is active', async () => {
    api.world.policy = { ...api.world.policy, withPasskey: { ...off, otp: 'required' } }
    const { tokens } = await api.signedIn()
    const waiting = await api.loginAt('append')
    const credential = await api.credential(waiting)
    await waiting.step('append', { credential })
    expect(await remove(tokens.accessToken, credential.id)).toMatchObject({ status: 200, events: ['PasskeyRevoked'], body: { passkeys: [] } })
  })

  test('not where there is none, nor without a key', async () => {
    const { id } = await create()
    const { token } = await byPasskey()
    refused(await remove(token, 'bm9uZQ'), 404, 'passkey_unknown')
    refused(await api.call('DELETE', `/v1/passkeys/${id}`, { token }), 400, 'idempotency_key_missing')
  })

  test('and another one stays', async () => {
    const { id } = await create()
    const laptop = await create(createAuthenticator(), { installation: elsewhere })
    const { token } = await byPasskey()
    const removed = await remove(token, id)
    expect(removed.body.passkeys).toMatchObject([{ id: laptop.id, name: 'Google Password Manager', here: false }])
    expect(signalled(removed)).toEqual([laptop.id])
  })

  test('once, whoever of two asks at the same time', async () => {
    const { id } = await create()
    const { token } = await byPasskey()
    const other = await api.openNode()
    const replies = await Promise.all([node(), node(other.app)])
    expect(replies.map(({ status }) => status)).toEqual([200, 200])
    let written = 0
    for await (const { type } of api.log.readAll({ prefixes: ['account-'] })) written += type === 'PasskeyRevoked' ? 1 : 0
    expect(written).toBe(1)

    function node(app = api.app) {
      return app.request(`/v1/passkeys/${id}`, { method: 'DELETE', headers: { Authorization: `Bearer ${token}`, 'Idempotency-Key': newKey() } })
    }
  })
})
