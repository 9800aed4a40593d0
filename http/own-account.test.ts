import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventsOf } from '../eventlog/testing.ts'
import { newKey, off, openApi, password, refused, type Api, type Reply } from './testing.ts'

const another = 'a brand new password'
const phone = { channel: 'sms', address: '+43 660 1234567' }

let api: Api
let account: string
beforeEach(async () => {
  api = await openApi({ policy: { withPasskey: off, withoutPasskey: off } })
  account = await api.register()
})
afterEach(() => api.close())

const change = (what: 'password' | 'contacts', body: unknown, token: string, key = newKey()): Promise<Reply> => api.post(`/v1/account/${what}`, { token, body, key })
const contacts = (token: string): Promise<Reply> => api.call('GET', '/v1/account/contacts', { token })
const addresses = ({ body }: Reply) => body.contacts.map(({ channel, address }: { channel: string; address: string }) => `${channel} ${address}`)
const tooOld = (reply: Reply, reason: string) => {
  refused(reply, 401, 'insufficient_user_authentication')
  expect([reply.body.reason, reply.body.maxAgeSeconds]).toEqual([reason, 300])
  expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_user_authentication".*max_age="300"$/)
}
const last = async () => (await eventsOf(api.log, `account-${account}`)).at(-1)?.metadata

describe('Whoever signed in a moment ago', () => {
  test('changes the password: every session is over, this one too, and the new one signs in', async () => {
    const [here, there] = [await api.signedIn(), await api.signedIn()]
    api.pass(1)
    const changed = await change('password', { password: another }, here.tokens.accessToken)
    expect([changed.status, addresses(changed), changed.events]).toEqual([200, ['email ada@example.com'], ['PasswordSet', 'SessionsRevoked']])
    expect(await last()).toMatchObject({ actor: `account:${account}`, $correlationId: here.id })
    for (const { refresh, tokens } of [here, there]) refused(await refresh(tokens.refreshToken), 401, 'session_over')
    refused(await contacts(here.tokens.accessToken), 401, 'session_over')
    api.pass(1)
    refused(await (await api.start()).step('password', { password }), 403, 'password_rejected', ['PasswordRejected'])
    expect((await (await api.start()).step('password', { password: another })).status).toBe(200)
  })

  test('is answered again where the answer was lost, although the session is over by now', async () => {
    const [{ tokens: { accessToken } }, key] = [await api.signedIn(), newKey()]
    const changed = await change('password', { password: another }, accessToken, key)
    const repeated = await change('password', { password: another }, accessToken, key)
    expect([repeated.status, repeated.body, repeated.events]).toEqual([200, changed.body, []])
    refused(await change('password', { password: 'yet another password' }, accessToken, key), 422, 'key_reused')
    refused(await change('password', { password: another }, accessToken), 401, 'session_over')
  })

  test('gets no password that is too short, too long, or guessed first', async () => {
    const { tokens: { accessToken } } = await api.signedIn()
    for (const [text, reason] of [['short', 'too_short'], ['é'.repeat(600), 'too_long'], ['ada.example.com', 'guessable']]) {
      const reply = await change('password', { password: text }, accessToken)
      refused(reply, 422, 'password_unacceptable')
      expect(reply.body.reason).toBe(reason)
    }
  })

  test('changes where codes go, by channel', async () => {
    const { id, tokens: { accessToken } } = await api.signedIn()
    const key = newKey()
    const added = await change('contacts', phone, accessToken, key)
    expect([added.status, addresses(added), added.events]).toEqual([200, ['email ada@example.com', 'sms +436601234567'], ['ContactAdded']])
    expect(await last()).toMatchObject({ actor: `account:${account}`, $correlationId: id })
    const replaced = await change('contacts', { channel: 'email', address: 'Ada@Example.org' }, accessToken)
    expect([addresses(replaced), replaced.events]).toEqual([['sms +436601234567', 'email ada@example.org'], ['ContactRemoved', 'ContactAdded']])
    expect((await contacts(accessToken)).body).toEqual(replaced.body)
    expect(await change('contacts', { channel: 'email', address: 'ada@example.org' }, accessToken)).toMatchObject({ status: 200, body: replaced.body, events: [] })
    // The first request, sent again: it says what it did, and does not do it over what came after.
    expect(await change('contacts', phone, accessToken, key)).toMatchObject({ status: 200, body: added.body, events: [] })
    refused(await change('contacts', { ...phone, address: '+436601234568' }, accessToken, key), 422, 'key_reused')
    refused(await change('contacts', { channel: 'sms', address: 'ada@example.com' }, accessToken), 400, 'contact_malformed')
  })
})

describe('A stolen access token changes nothing', () => {
  const changes = [['password', { password: another }], ['contacts', phone]] as const

  test('five minutes after the login, and a refresh does not help', async () => {
    const { tokens, refresh } = await api.signedIn()
    api.pass(300)
    const { body } = await refresh(tokens.refreshToken)
    api.pass(1)
    for (const [what, wanted] of changes) tooOld(await change(what, wanted, body.tokens.accessToken), 'too_old')
    expect((await contacts(body.tokens.accessToken)).status).toBe(200)
  })

  test('of a login with the password, where there is a passkey', async () => {
    const { device } = await api.withPasskey()
    const { tokens } = await api.loginAt('completed')
    for (const [what, wanted] of changes) tooOld(await change(what, wanted, tokens.accessToken), 'passkey_needed')
    const byPasskey = await api.signInWith(device)
    expect((await change('contacts', phone, byPasskey.tokens.accessToken)).events).toEqual(['ContactAdded'])
    expect((await change('password', { password: another }, byPasskey.tokens.accessToken)).events).toEqual(['PasswordSet', 'SessionsRevoked'])
  })

  test.each(['AccountDisabled', 'AccountErased', 'SessionsRevoked'] as const)('after %s', async (type) => {
    const { tokens } = await api.signedIn()
    await api.inAccount({ type, data: {} })
    for (const [what, wanted] of changes) refused(await change(what, wanted, tokens.accessToken), 401, 'session_over')
    refused(await contacts(tokens.accessToken), 401, 'session_over')
  })

  test('of another issuer, or that is none', async () => {
    for (const [what, wanted] of changes) refused(await change(what, wanted, 'a.b.c'), 401, 'access_token_invalid')
    refused(await contacts('a.b.c'), 401, 'access_token_invalid')
  })
})
