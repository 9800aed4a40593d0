import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Policy } from '../domain/policy.ts'
import { newKey, off, openApi, password, refused, type Api } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (policy: Partial<Policy> = { withPasskey: off, withoutPasskey: off }, account = {}) => {
  api = await openApi({ policy })
  return api.register(account)
}

describe('The refresh token', () => {
  beforeEach(() => open())

  test('is exchanged for the next pair, which says the same of the login', async () => {
    const { tokens, refresh } = await api.signedIn()
    api.pass(3_600)
    const reply = await refresh(tokens.refreshToken)
    expect([reply.status, reply.events]).toEqual([200, ['TokensRefreshed']])
    const [before, after] = [decodeJwt(tokens.accessToken), decodeJwt(reply.body.tokens.accessToken)]
    expect([after['sid'], after['auth_time'], after['amr'], after.exp]).toEqual([before['sid'], before['auth_time'], before['amr'], (before.exp ?? 0) + 3_600])
    expect(reply.body.tokens.refreshToken).not.toBe(tokens.refreshToken)
    expect((await refresh(reply.body.tokens.refreshToken)).status).toBe(200)
  })

  test('sent again with its key brings the same successor at any time, until that was used', async () => {
    const { tokens, refresh } = await api.signedIn()
    const key = newKey()
    const { body: first } = await refresh(tokens.refreshToken, key)
    api.pass(30 * 86_400)
    const second = await refresh(tokens.refreshToken, key)
    expect([second.status, second.body.tokens.refreshToken, second.events]).toEqual([200, first.tokens.refreshToken, []])
    await refresh(first.tokens.refreshToken)
    refused(await refresh(tokens.refreshToken, key), 401, 'session_over', ['RefreshReused'])
  })

  test('just replaced brings the same successor to any key for a minute, and is stolen after it', async () => {
    const { tokens, refresh } = await api.signedIn()
    const { body: first } = await refresh(tokens.refreshToken)
    api.pass(59)
    const second = await refresh(tokens.refreshToken)
    expect([second.status, second.body.tokens.refreshToken, second.events]).toEqual([200, first.tokens.refreshToken, []])
    api.pass(1)
    refused(await refresh(tokens.refreshToken), 401, 'session_over', ['RefreshReused'])
    refused(await refresh(first.tokens.refreshToken), 401, 'session_over')
  })

  test('of two generations ago is stolen at once: the session is over for everybody', async () => {
    const { tokens, refresh, read } = await api.signedIn()
    const { body: first } = await refresh(tokens.refreshToken)
    const { body: second } = await refresh(first.tokens.refreshToken)
    refused(await refresh(tokens.refreshToken), 401, 'session_over', ['RefreshReused'])
    refused(await refresh(second.tokens.refreshToken), 401, 'session_over')
    refused(await read(second.tokens.accessToken), 401, 'session_over')
  })

  test('with the key of another token is a fault of the app', async () => {
    const { tokens, refresh } = await api.signedIn()
    const key = newKey()
    const { body: first } = await refresh(tokens.refreshToken, key)
    refused(await refresh(first.tokens.refreshToken, key), 422, 'key_reused')
    expect((await refresh(first.tokens.refreshToken)).status).toBe(200)
  })

  test('is exchanged once, however many ask at once', async () => {
    const { tokens, refresh } = await api.signedIn()
    const replies = await Promise.all(Array.from({ length: 20 }, () => refresh(tokens.refreshToken)))
    expect(new Set(replies.map(({ status, body }) => `${status} ${body.tokens.refreshToken}`)).size).toBe(1)
  })

  test('lives ninety days from its last use, and a year in all', async () => {
    const idle = await api.signedIn()
    const busy = await api.signedIn()
    let { refreshToken } = busy.tokens
    for (let days = 0; days < 360; days += 60) {
      api.pass(60 * 86_400)
      const reply = await busy.refresh(refreshToken)
      expect(reply.status).toBe(200)
      refreshToken = reply.body.tokens.refreshToken
      expect(reply.body.tokens.refreshExpiresAt <= '2027-03-02T08:00:00.000Z').toBe(true)
    }
    refused(await idle.refresh(idle.tokens.refreshToken), 401, 'session_over')
    api.pass(5 * 86_400)
    refused(await busy.refresh(refreshToken), 401, 'session_over')
  })

  test('lives as long as the policy says', async () => {
    api.world.policy = Policy.parse({ ...api.world.policy, signedIn: { idle: 3_600, absolute: 7_200 } })
    const { tokens, refresh } = await api.signedIn()
    expect(tokens.refreshExpiresAt).toBe('2026-03-02T09:00:00.000Z')
    api.pass(3_599)
    const { body } = await refresh(tokens.refreshToken)
    expect(body.tokens.refreshExpiresAt).toBe('2026-03-02T09:59:59.000Z')
    api.pass(3_599)
    const last = (await refresh(body.tokens.refreshToken)).body.tokens
    expect(last.refreshExpiresAt).toBe('2026-03-02T10:00:00.000Z')
    api.pass(2)
    refused(await refresh(last.refreshToken), 401, 'session_over')
  })

  test('that was made up, shortened, counted on or meant for another session is none', async () => {
    const [one, other] = [await api.signedIn(), await api.signedIn()]
    const [session, generation, mac] = one.tokens.refreshToken.split('.')
    const ours = [`${session}.1.${mac}`, `${session}.${generation}.`, `${session}.${generation}.${mac?.slice(1)}`, `${session}.-0.${mac}`, `${session}.1e0.${mac}`]
    for (const token of ['x', '..', ...ours, other.tokens.refreshToken]) {
      refused(await one.refresh(token), 401, 'refresh_token_invalid')
    }
    refused(await api.post(`${one.path}/refresh`, { body: { refreshToken: one.flowToken } }), 401, 'refresh_token_invalid')
    expect((await one.refresh(one.tokens.refreshToken)).status).toBe(200)
  })

  test('of a login that is not completed does not exist', async () => {
    const { path, id } = await api.loginAt('append')
    refused(await api.post(`${path}/refresh`, { body: { refreshToken: `${id}.0.${'A'.repeat(43)}` } }), 401, 'refresh_token_invalid')
  })
})

describe('The answer with the tokens', () => {
  beforeEach(() => open())

  test('is given again to its key for ten minutes, and not after', async () => {
    const { tokens, complete } = await api.signedIn()
    api.pass(600)
    const repeat = await complete()
    expect([repeat.status, repeat.body.tokens.refreshToken, repeat.events]).toEqual([200, tokens.refreshToken, []])
    api.pass(1)
    refused(await complete(), 401, 'flow_token_invalid')
  })

  test('is not given again after the first refresh', async () => {
    const { tokens, complete, refresh } = await api.signedIn()
    await refresh(tokens.refreshToken)
    refused(await complete(), 401, 'flow_token_invalid')
  })

  test('is not given again after sign-out', async () => {
    const { tokens, complete, signOut } = await api.signedIn()
    await signOut(tokens.accessToken)
    refused(await complete(), 401, 'flow_token_invalid')
  })

  test.each([['AccountDisabled'], ['SessionsRevoked'], ['AccountErased']] as const)('is not given again after %s', async (type) => {
    const { complete } = await api.signedIn()
    await api.inAccount({ type, data: {} })
    refused(await complete(), 401, 'session_over')
  })

  test('was the last that the flow token was good for', async () => {
    const login = await api.signedIn()
    const replies = [await login.step('password', { password }), await login.step('append/options'), await login.step('biometrics', { enabled: true })]
    for (const reply of replies) refused(reply, 401, 'flow_token_invalid')
    refused(await login.signOut(login.flowToken), 401, 'access_token_invalid')
    expect((await login.read()).status).toBe(200)
    api.pass(601)
    refused(await login.read(), 401, 'access_token_invalid')
  })
})
