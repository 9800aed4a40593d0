import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../eventlog/event-log.ts'
import { eventsOf, failingAfter } from '../eventlog/testing.ts'
import { keyStream } from '../vault/vault.ts'
import { backendKey, newKey, off, openApi, password, refused, startBody, type Api, type Reply } from './testing.ts'

const identifiers = ['ada@example.com', 'ada', '+436601234567']
const whole = ['AccountErased', 'IdentifierReleased', 'IdentifierReleased', 'IdentifierReleased']

let api: Api
let account: string
beforeEach(async () => {
  api = await openApi({ policy: { withPasskey: off, withoutPasskey: { ...off, otp: 'required' } } })
  account = await api.register({ identifiers })
})
afterEach(() => api.close())

const erase = (key = newKey()): Promise<Reply> => api.post(`/v1/accounts/${account}/erase`, { token: backendKey, key })
const show = (): Promise<Reply> => api.call('GET', `/v1/accounts/${account}`, { token: backendKey })
const done = (reply: Reply, events: string[]) => expect([reply.status, reply.body, reply.events]).toEqual([200, { account, erased: 'done' }, events])
const isForgotten = async () => {
  expect((await show()).body).toEqual({
    account, status: 'erased', registeredAt: expect.any(String), identifiers: [], contacts: [], hasPassword: false, mfa: false, disabledFactors: [], locale: null, passkeys: [],
  })
  expect(await eventsOf(api.log, keyStream(account))).toEqual([])
  for (const identifier of identifiers) refused(await api.post('/v1/accounts/find', { token: backendKey, body: { identifier } }), 404, 'account_unknown')
}

describe('A person is forgotten', () => {
  test('account first, then the identifiers, then the keys; to say so again does no harm', async () => {
    const key = newKey()
    done(await erase(key), whole)
    await isForgotten()
    done(await erase(key), [])
    done(await erase(), [])
    expect((await eventsOf(api.log, `account-${account}`)).at(-1)?.metadata).toMatchObject({ actor: 'backend:crm', $correlationId: account })
  })

  test('and somebody else may have the identifiers at once', async () => {
    await erase()
    const created = await api.post('/v1/accounts', { token: backendKey, body: { identifiers, password } })
    expect([created.status, created.body.account === account]).toEqual([201, false])
    // A repeat must not take from them what is theirs by now.
    done(await erase(), [])
    expect((await api.post('/v1/accounts/find', { token: backendKey, body: { identifier: 'ada' } })).body.account).toBe(created.body.account)
  })

  test('and nothing is done to the account any more', async () => {
    await erase()
    const bodies = { password: { password: 'a brand new password' }, mfa: { enabled: true }, contacts: { channel: 'email', address: 'ada@example.org' }, disable: {}, enable: {}, 'sessions/end': {} }
    for (const [command, body] of Object.entries(bodies)) refused(await api.post(`/v1/accounts/${account}/${command}`, { token: backendKey, body }), 410, 'forgotten')
  })

  test('and the request that created them is not answered with what it said', async () => {
    const [key, body] = [newKey(), { identifiers: ['bob'] }]
    const created = await api.post('/v1/accounts', { token: backendKey, body, key })
    account = created.body.account
    await erase()
    refused(await api.post('/v1/accounts', { token: backendKey, body, key }), 410, 'forgotten')
  })
})

describe('From the first fact on', () => {
  /** Everything after it fails. */
  const begin = async () => {
    api.log.broken.append = failingAfter(1)
    const reply = await erase()
    api.log.broken.append = undefined
    expect([reply.status, reply.body, reply.events]).toEqual([202, { account, erased: 'pending' }, ['AccountErased']])
  }

  test('no step of a login is taken', async () => {
    const [early, late] = [await api.start(), await api.loginAt('append')]
    const code = await api.loginAt('otp')
    await code.step('otp/send', { channel: 'email' })
    await begin()
    expect((await early.step('password', { password })).body.code).toBe('account_disabled')
    refused(await late.step('append/options'), 403, 'account_disabled')
    refused(await late.step('append/skip', { reason: 'never' }), 403, 'account_disabled')
    refused(await code.step('otp', { code: api.code() }), 403, 'account_disabled')
    const anew = await api.start()
    expect((await anew.step('password', { password })).body.code).toBe('password_rejected')
  })

  test('nobody who is signed in stays so', async () => {
    const { path, tokens } = await api.loginAt('completed')
    await begin()
    refused(await api.post(`${path}/refresh`, { body: { refreshToken: tokens.refreshToken } }), 401, 'session_over')
    refused(await api.post(`${path}/biometrics`, { body: { enabled: false }, token: tokens.accessToken }), 401, 'session_over')
    refused(await api.call('GET', path, { token: tokens.accessToken }), 401, 'session_over')
    refused(await api.post('/v1/sessions', { body: startBody({ identifier: undefined, entryPoint: 'settings' }), token: tokens.accessToken }), 401, 'session_over')
    refused(await api.call('GET', '/v1/account/contacts', { token: tokens.accessToken }), 401, 'session_over')
  })

  test('the passkey signs in no more', async () => {
    const device = await passkeyOf()
    await begin()
    const login = await api.start({ identifier: undefined })
    const { body, status } = await login.step('passkey', { credential: await device.get(login.started.body.requestOptions, { origin: 'https://shop.example' }) })
    expect([status, body.tokens]).toEqual([403, undefined])
  })

  const passkeyOf = async () => (await api.withPasskey()).device
})

describe('What a crash left of an erasure is completed by the repeat', () => {
  test.each([1, 2, 3, 4])('when %i appends were done', async (appends) => {
    api.log.broken.append = failingAfter(appends)
    const key = newKey()
    const seal = api.log.seal
    if (appends === whole.length) api.log.seal = async () => Promise.reject(new Unavailable('the process died'))
    expect(await erase(key)).toMatchObject({ status: 202, body: { erased: 'pending' }, events: whole.slice(0, appends) })
    api.log.broken.append = undefined
    api.log.seal = seal
    done(await erase(key), whole.slice(appends))
    await isForgotten()
  })

  test('when another engine does it, with another key', async () => {
    api.log.broken.append = failingAfter(2)
    await erase()
    const other = await api.openNode()
    done(await api.post(`/v1/accounts/${account}/erase`, { token: backendKey }, other.app), whole.slice(2))
    api.log.broken.append = undefined
    await isForgotten()
  })

  test('but nothing was begun where the first fact could not be written', async () => {
    api.log.broken.append = async () => Promise.reject(new Unavailable('the log is away'))
    refused(await erase(), 503, 'log_unavailable')
    api.log.broken.append = undefined
    expect((await show()).body).toMatchObject({ status: 'active', contacts: [{}, {}] })
    expect((await (await api.start()).step('password', { password })).status).toBe(200)
  })
})
