import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import type { Policy } from '../domain/policy.ts'
import { issuer, off, openApi, refused, type Api } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (policy: Partial<Policy> = { withPasskey: off, withoutPasskey: off }, account = {}) => {
  api = await openApi({ policy })
  return api.register(account)
}

describe('The access token', () => {
  test('says who, where, how and when, for ten minutes', async () => {
    const account = await open()
    const login = await api.loginAt('append')
    api.pass(60)
    const { body: { tokens } } = await login.step('append/skip', { reason: 'declined' })
    expect(decodeProtectedHeader(tokens.accessToken)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.stringMatching(/^2026-03-02-/) })
    const at = Date.parse('2026-03-02T08:00:00.000Z') / 1000
    expect(decodeJwt(tokens.accessToken)).toEqual({
      iss: issuer, aud: 'shop', client_id: 'shop', sub: account, sid: login.id, installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60',
      amr: ['pwd'], auth_time: at, iat: at + 60, exp: at + 660, jti: expect.any(String),
    })
    expect(tokens).toMatchObject({ tokenType: 'Bearer', expiresIn: 600, refreshExpiresAt: '2026-05-31T08:01:00.000Z' })
  })

  test('verifies with the published keys, as a service behind the app would do it', async () => {
    await open()
    const { tokens } = await api.signedIn()
    const { body } = await api.call('GET', '/.well-known/jwks.json')
    const { payload } = await jwtVerify(tokens.accessToken, createLocalJWKSet(body), { issuer, audience: 'shop', typ: 'at+jwt', currentDate: api.now() })
    expect(payload.sub).toBe(api.world.account)
  })

  test.each([['sms', ['pwd', 'sms', 'mfa']], ['email', ['pwd']]])('of a login with a code by %s says %j', async (channel, amr) => {
    const branch = { ...off, otp: 'required' as const }
    await open({ withPasskey: branch, withoutPasskey: branch }, { identifiers: ['ada@example.com', '+436601234567'] })
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel })
    expect(decodeJwt((await login.step('otp', { code: api.code() })).body.tokens.accessToken)['amr']).toEqual(amr)
  })

  describe('is refused', () => {
    const use = async (token: string, path: string) => {
      for (const reply of [
        await api.call('GET', path, { token }),
        await api.post(`${path}/unlock`, { token, body: { pin: '1' } }),
        await api.post(`${path}/biometrics`, { token, body: { enabled: true } }),
        await api.call('DELETE', path, { token }),
      ]) {
        refused(reply, 401, 'access_token_invalid')
        expect(reply.headers.get('www-authenticate')).toBe('Bearer')
      }
    }

    test('for another session', async () => {
      await open()
      const [one, other] = [await api.signedIn(), await api.signedIn()]
      await use(one.tokens.accessToken, other.path)
    })

    test('after ten minutes', async () => {
      await open()
      const { tokens, path } = await api.signedIn()
      api.pass(599)
      expect((await api.call('GET', path, { token: tokens.accessToken })).status).toBe(200)
      api.pass(1)
      await use(tokens.accessToken, path)
    })

    test('when it is forged', async () => {
      await open()
      const { tokens, path } = await api.signedIn()
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
      const { tokens, path } = await api.signedIn()
      const { kid, key } = await api.engine.signingKeys.current()
      await use(await new SignJWT({ ...decodeJwt(tokens.accessToken), ...claims }).setProtectedHeader({ alg: 'ES256', typ, kid }).sign(key), path)
    })
  })
})
