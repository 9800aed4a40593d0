import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Policy } from '../domain/policy.ts'
import type { Tokens } from '../mobile-contracts/answers.ts'
import { issuer, newKey, off, openApi, password, serverPin, type Api, type Reply } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (policy: Partial<Policy> = { withPasskey: off, withoutPasskey: off }, account = {}) => {
  api = await openApi({ policy })
  return api.register(account)
}
const refused = (reply: Reply, status: number, code: string, events: string[] = []) => expect([reply.status, reply.body.code, reply.events]).toEqual([status, code, events])
const signedIn = async (body?: Record<string, unknown>) => {
  const login = await api.loginAt('append', body)
  const completing = newKey()
  const complete = () => login.step('append/skip', { reason: 'declined' }, { key: completing })
  const { body: { tokens } } = await complete()
  return {
    ...login,
    complete,
    tokens: tokens as Tokens,
    refresh: (refreshToken: string, key = newKey()) => api.post(`${login.path}/refresh`, { body: { refreshToken }, key }),
    signOut: (token: string, query = '') => api.call('DELETE', `${login.path}${query}`, { token }),
  }
}
const claimsOf = ({ accessToken }: Tokens) => decodeJwt(accessToken)

describe('The access token', () => {
  test('says who, where, how and when, for ten minutes', async () => {
    const account = await open()
    const login = await api.loginAt('append')
    api.pass(60)
    const { body: { tokens } } = await login.step('append/skip', { reason: 'declined' })
    expect(decodeProtectedHeader(tokens.accessToken)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.stringMatching(/^2026-03-02-/) })
    const at = Date.parse('2026-03-02T08:00:00.000Z') / 1000
    expect(claimsOf(tokens)).toEqual({
      iss: issuer, aud: 'shop', client_id: 'shop', sub: account, sid: login.id, installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60',
      amr: ['pwd'], auth_time: at, iat: at + 60, exp: at + 660, jti: expect.any(String),
    })
    expect(tokens).toMatchObject({ tokenType: 'Bearer', expiresIn: 600, refreshExpiresAt: '2026-05-31T08:01:00.000Z' })
  })

  test('verifies with the published keys, as a service behind the app would do it', async () => {
    await open()
    const { tokens } = await signedIn()
    const { body } = await api.call('GET', '/.well-known/jwks.json')
    const { payload } = await jwtVerify(tokens.accessToken, createLocalJWKSet(body), { issuer, audience: 'shop', typ: 'at+jwt', currentDate: api.now() })
    expect(payload.sub).toBe(api.world.account)
  })

  test.each([['sms', ['pwd', 'sms', 'mfa']], ['email', ['pwd']]])('of a login with a code by %s says %j', async (channel, amr) => {
    const branch = { ...off, otp: 'required' as const }
    await open({ withPasskey: branch, withoutPasskey: branch }, { identifiers: ['ada@example.com', '+436601234567'] })
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel })
    expect(claimsOf((await login.step('otp', { code: api.code() })).body.tokens)['amr']).toEqual(amr)
  })

  describe('is refused', () => {
    const use = async (token: string, path: string) => {
      for (const reply of [await api.call('GET', path, { token }), await api.post(`${path}/unlock`, { token, body: { pin: '1' } }), await api.post(`${path}/biometrics`, { token, body: { enabled: true } }), await api.call('DELETE', path, { token })]) {
        refused(reply, 401, 'access_token_invalid')
        expect(reply.headers.get('www-authenticate')).toBe('Bearer')
      }
    }

    test('for another session', async () => {
      await open()
      const [one, other] = [await signedIn(), await signedIn()]
      await use(one.tokens.accessToken, other.path)
    })

    test('after ten minutes', async () => {
      await open()
      const { tokens, path } = await signedIn()
      api.pass(599)
      expect((await api.call('GET', path, { token: tokens.accessToken })).status).toBe(200)
      api.pass(1)
      await use(tokens.accessToken, path)
    })

    test('when it is forged', async () => {
      await open()
      const { tokens, path } = await signedIn()
      const [header = '', payload = '', signature = ''] = tokens.accessToken.split('.')
      const { kid } = decodeProtectedHeader(tokens.accessToken)
      const { body: { keys: [jwk] } } = await api.call('GET', '/.well-known/jwks.json')
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const hs256 = (key: string) => {
        const signed = `${part({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}`
        return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
      }
      const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
      const theirs = `${part({ alg: 'ES256', typ: 'at+jwt', kid, jwk: stranger.export({ format: 'jwk' }) })}.${payload}`
      const changed = part({ ...decodeJwt(tokens.accessToken), sub: '5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42' })
      for (const forged of [
        `${part({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`,
        `${part({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.${signature}`,
        hs256(JSON.stringify(jwk)),
        hs256(''),
        `${theirs}.${sign('sha256', Buffer.from(theirs), { key: stranger, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`,
        `${header}.${changed}.${signature}`,
        `${header}.${payload}.`,
        `${header}.${payload}.${signature}.${signature}`,
        '...',
      ]) await use(forged, path)
    })

    test.each([
      ['of another issuer', { iss: 'https://evil.example' }, 'at+jwt'],
      ['for another audience', { aud: 'other' }, 'at+jwt'],
      ['that is an ID token', {}, 'JWT'],
      ['without a session', { sid: undefined }, 'at+jwt'],
    ])('when our own key signed one %s', async (_, claims, typ) => {
      await open()
      const { tokens, path } = await signedIn()
      const { kid, key } = await api.engine.signingKeys.current()
      await use(await new SignJWT({ ...claimsOf(tokens), ...claims }).setProtectedHeader({ alg: 'ES256', typ, kid }).sign(key), path)
    })
  })
})

describe('The refresh token', () => {
  beforeEach(() => open())

  test('is exchanged for the next pair, which says the same of the login', async () => {
    const { tokens, refresh } = await signedIn()
    api.pass(3_600)
    const reply = await refresh(tokens.refreshToken)
    expect([reply.status, reply.events]).toEqual([200, ['TokensRefreshed']])
    const [before, after] = [claimsOf(tokens), claimsOf(reply.body.tokens)]
    expect([after['sid'], after['auth_time'], after['amr'], after.exp]).toEqual([before['sid'], before['auth_time'], before['amr'], (before.exp ?? 0) + 3_600])
    expect(reply.body.tokens.refreshToken).not.toBe(tokens.refreshToken)
    expect((await refresh(reply.body.tokens.refreshToken)).status).toBe(200)
  })

  test('sent again with its key brings the same successor at any time, until that was used', async () => {
    const { tokens, refresh } = await signedIn()
    const key = newKey()
    const { body: first } = await refresh(tokens.refreshToken, key)
    api.pass(30 * 86_400)
    const second = await refresh(tokens.refreshToken, key)
    expect([second.status, second.body.tokens.refreshToken, second.events]).toEqual([200, first.tokens.refreshToken, []])
    await refresh(first.tokens.refreshToken)
    refused(await refresh(tokens.refreshToken, key), 401, 'session_over', ['RefreshReused'])
  })

  test('just replaced brings the same successor to any key for a minute, and is stolen after it', async () => {
    const { tokens, refresh } = await signedIn()
    const { body: first } = await refresh(tokens.refreshToken)
    api.pass(59)
    const second = await refresh(tokens.refreshToken)
    expect([second.status, second.body.tokens.refreshToken, second.events]).toEqual([200, first.tokens.refreshToken, []])
    api.pass(1)
    refused(await refresh(tokens.refreshToken), 401, 'session_over', ['RefreshReused'])
    refused(await refresh(first.tokens.refreshToken), 401, 'session_over')
  })

  test('of two generations ago is stolen at once: the session is over for everybody', async () => {
    const { tokens, refresh, read } = await signedIn()
    const { body: first } = await refresh(tokens.refreshToken)
    const { body: second } = await refresh(first.tokens.refreshToken)
    refused(await refresh(tokens.refreshToken), 401, 'session_over', ['RefreshReused'])
    refused(await refresh(second.tokens.refreshToken), 401, 'session_over')
    refused(await read(second.tokens.accessToken), 401, 'session_over')
  })

  test('with the key of another token is a fault of the app', async () => {
    const { tokens, refresh } = await signedIn()
    const key = newKey()
    const { body: first } = await refresh(tokens.refreshToken, key)
    refused(await refresh(first.tokens.refreshToken, key), 422, 'key_reused')
    expect((await refresh(first.tokens.refreshToken)).status).toBe(200)
  })

  test('is exchanged once, however many ask at once', async () => {
    const { tokens, refresh } = await signedIn()
    const replies = await Promise.all(Array.from({ length: 20 }, () => refresh(tokens.refreshToken)))
    expect(new Set(replies.map(({ status, body }) => `${status} ${body.tokens.refreshToken}`)).size).toBe(1)
  })

  test('lives ninety days from its last use, and a year in all', async () => {
    const idle = await signedIn()
    const busy = await signedIn()
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

  test('that was made up, shortened, counted on or meant for another session is none', async () => {
    const [one, other] = [await signedIn(), await signedIn()]
    const [session, generation, mac] = one.tokens.refreshToken.split('.')
    for (const token of ['x', '..', `${session}.1.${mac}`, `${session}.${generation}.`, `${session}.${generation}.${mac?.slice(1)}`, `${session}.-0.${mac}`, `${session}.1e0.${mac}`, other.tokens.refreshToken]) {
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
    const { tokens, complete } = await signedIn()
    api.pass(600)
    const repeat = await complete()
    expect([repeat.status, repeat.body.tokens.refreshToken, repeat.events]).toEqual([200, tokens.refreshToken, []])
    api.pass(1)
    refused(await complete(), 401, 'flow_token_invalid')
  })

  test('is not given again after the first refresh', async () => {
    const { tokens, complete, refresh } = await signedIn()
    await refresh(tokens.refreshToken)
    refused(await complete(), 401, 'flow_token_invalid')
  })

  test('is not given again after sign-out', async () => {
    const { tokens, complete, signOut } = await signedIn()
    await signOut(tokens.accessToken)
    refused(await complete(), 401, 'flow_token_invalid')
  })

  test.each([['AccountDisabled'], ['SessionsRevoked'], ['AccountErased']] as const)('is not given again after %s', async (type) => {
    const { complete } = await signedIn()
    await api.inAccount({ type, data: {} })
    refused(await complete(), 401, 'session_over')
  })

  test('was the last that the flow token was good for', async () => {
    const login = await signedIn()
    for (const [name, fields] of [['password', { password }], ['append/options', undefined], ['biometrics', { enabled: true }]] as const) refused(await login.step(name, fields), 401, 'flow_token_invalid')
    refused(await login.signOut(login.flowToken), 401, 'access_token_invalid')
    expect((await login.read()).status).toBe(200)
    api.pass(601)
    refused(await login.read(), 401, 'access_token_invalid')
  })
})

describe('Whoever is signed in', () => {
  beforeEach(() => open())

  test('reads the state with the access token', async () => {
    const { read, tokens } = await signedIn()
    const { status, body, headers } = await read(tokens.accessToken)
    expect([status, body.session.status, body.next.map(({ action }: { action: string }) => action), body.tokens]).toEqual([200, 'completed', ['refresh', 'switch_biometrics', 'sign_out'], undefined])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('switches biometrics, once for each key', async () => {
    const { path, tokens } = await signedIn()
    const switched = (enabled: boolean, key = newKey()) => api.post(`${path}/biometrics`, { token: tokens.accessToken, body: { enabled }, key })
    const key = newKey()
    expect(await switched(true, key)).toMatchObject({ status: 200, body: { enabled: true }, events: ['InstallationBiometricToggled'] })
    expect(await switched(true)).toMatchObject({ status: 200, events: [] })
    expect(await switched(false)).toMatchObject({ status: 200, events: ['InstallationBiometricToggled'] })
    // The first request, sent again: it was done, and is not done over what came after.
    expect(await switched(true, key)).toMatchObject({ status: 200, events: [] })
    refused(await switched(false, key), 422, 'key_reused')
  })

  test('signs out, and that is that; to say so again does no harm', async () => {
    const { tokens, refresh, read, signOut, path } = await signedIn()
    const out = await signOut(tokens.accessToken)
    expect([out.status, out.body, out.events]).toEqual([204, undefined, ['SignedOut']])
    refused(await refresh(tokens.refreshToken), 401, 'session_over')
    refused(await read(tokens.accessToken), 401, 'session_over')
    refused(await api.post(`${path}/biometrics`, { token: tokens.accessToken, body: { enabled: true } }), 401, 'session_over')
    expect(await signOut(tokens.accessToken)).toMatchObject({ status: 204, events: [] })
  })

  test('signs out everywhere: every session of before is over, a new one is not', async () => {
    const [one, other] = [await signedIn(), await signedIn()]
    api.pass(1)
    expect(await one.signOut(one.tokens.accessToken, '?everywhere=true')).toMatchObject({ status: 204, events: ['SessionsRevoked', 'SignedOut'] })
    for (const { refresh, read, tokens, path } of [one, other]) {
      refused(await refresh(tokens.refreshToken), 401, 'session_over')
      refused(await read(tokens.accessToken), 401, 'session_over')
      refused(await api.post(`${path}/biometrics`, { token: tokens.accessToken, body: { enabled: true } }), 401, 'session_over')
    }
    expect(await one.signOut(one.tokens.accessToken, '?everywhere=true')).toMatchObject({ status: 204, events: [] })
    api.pass(1)
    const later = await signedIn()
    expect((await later.refresh(later.tokens.refreshToken)).status).toBe(200)
  })

  test('and then signed out has no say over the others any more', async () => {
    const [one, other] = [await signedIn(), await signedIn()]
    await one.signOut(one.tokens.accessToken)
    refused(await one.signOut(one.tokens.accessToken, '?everywhere=true'), 401, 'session_over')
    expect((await other.refresh(other.tokens.refreshToken)).status).toBe(200)
  })

  test.each(['AccountDisabled', 'AccountErased'] as const)('is not any more after %s', async (type) => {
    const { tokens, refresh, read } = await signedIn()
    await api.inAccount({ type, data: {} })
    refused(await refresh(tokens.refreshToken), 401, 'session_over')
    refused(await read(tokens.accessToken), 401, 'session_over')
  })
})

test('Whoever is not signed in yet leaves with the flow token, and the login is over', async () => {
  await open()
  const login = await api.loginAt('append')
  const out = await api.call('DELETE', login.path, { token: login.flowToken })
  expect([out.status, out.events]).toEqual([204, ['SessionEnded']])
  expect((await login.read()).body.session).toMatchObject({ status: 'ended', endReason: 'signed_out' })
  expect(await api.call('DELETE', login.path, { token: login.flowToken })).toMatchObject({ status: 204, events: [] })
})

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
    expect(last.body.next.map(({ action }: { action: string }) => action)).toEqual(['refresh', 'unlock', 'switch_biometrics', 'sign_out'])
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
