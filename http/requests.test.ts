import { once } from 'node:events'
import { connect } from 'node:net'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve } from '../serve.ts'
import { challengeOf, newKey, openApi, password, refused, startBody, type Api, type Login, type Reply } from './testing.ts'

let api: Api
let login: Login
beforeAll(async () => {
  api = await openApi()
  await api.register()
  login = await api.start()
})
afterAll(() => api.close())

describe('A body', () => {
  test.each<[string, unknown, string?]>([
    ['that is no JSON', '{"password":'],
    ['that is empty text', ' '],
    ['that is null', 'null'],
    ['that is an array', [{ password }]],
    ['that is a string', '"password"'],
    ['with bytes that are no UTF-8', new Uint8Array([...Buffer.from('{"password":"'), 0xff, 0xfe, ...Buffer.from('"}')])],
    ['in UTF-16', new Uint8Array(Buffer.from(JSON.stringify({ password }), 'utf16le'))],
    ['without the field', {}, 'password: invalid_type'],
    ['with a field of another type', { password: 12345678 }, 'password: invalid_type'],
    ['with an array of it', { password: [password] }, 'password: invalid_type'],
    ['with an empty field', { password: '' }, 'password: too_small'],
    ['with a field that is too long', { password: 'x'.repeat(1025) }, 'password: too_big'],
    ['that has the field in its prototype', `{"__proto__":{"password":"${password}"}}`, 'password: invalid_type'],
    ['that has it in a constructor', { constructor: { prototype: { password } } }, 'password: invalid_type'],
  ])('%s is malformed, and what is wrong is named without a word of it', async (_, body, detail) => {
    const reply = await login.step('password', body)
    refused(reply, 400, 'malformed')
    if (detail) expect(reply.body.detail).toBe(detail)
    expect(JSON.stringify(reply.body)).not.toContain('horse')
  })

  test('that nests deeper than any honest one is malformed, also where much is taken', async () => {
    const atOffer = await api.loginAt('append')
    await atOffer.step('append/options')
    const nested = (depth: number) => `{"credential":{"id":"]}","x":${'['.repeat(depth)}${']'.repeat(depth)}}}`
    refused(await atOffer.step('append', nested(20_000)), 400, 'malformed')
    expect((await atOffer.step('append', nested(20))).body.code).toBe('append_rejected')
  })

  // Each took seconds when its quotes were looked at again and again: sixteen of them then take longer than the test may.
  test('of 64 KiB of quotes that never end holds nobody up', { timeout: 20_000 }, async () => {
    const quotes = `"${'\\"'.repeat(32_767)}`
    for (let sent = 0; sent < 16; sent += 1) refused(await login.step('password', quotes), 400, 'malformed')
  })

  test.each(['Content-Length: 500', 'Transfer-Encoding: chunked'])('that breaks off (%s) is no error of ours', async (length) => {
    const answered = Promise.withResolvers<number>()
    const listener = new Hono().all('*', async (c) => {
      const answer = await api.app.fetch(c.req.raw, c.env)
      answered.resolve(answer.status)
      return answer
    })
    const server = await serve(listener, { host: '127.0.0.1', port: 0 })
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const head = ['POST /v1/sessions HTTP/1.1', 'Host: login.shop.example', `Idempotency-Key: ${newKey()}`, length, 'Expect: 100-continue']
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    // The server waits for the body.
    await once(socket, 'data')
    socket.destroy()
    expect([await answered.promise, api.world.errors]).toEqual([400, []])
    await server.close()
  })

  test('that is not there is malformed where something is needed', async () => refused(await login.step('password'), 400, 'malformed'))

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'multipart/form-data'])('of type %s is not taken', async (type) => {
    refused(await login.step('password', { password }, { headers: { 'Content-Type': type } }), 415, 'not_json')
  })

  test('of more than 64 KiB is not read, whether it says how long it is or not', async () => {
    const long = JSON.stringify({ password: 'x'.repeat(65_536) })
    refused(await login.step('password', long), 413, 'too_large')
    refused(await login.step('password', long, { headers: { 'Content-Length': String(long.length) } }), 413, 'too_large')
  })

  test('with fields that nobody asked for is taken without them', async () => {
    const { started } = await api.start({
      identifier: 'nobody@example.com',
      admin: true,
      device: { platform: 'ios', locale: 'de-AT', imei: '490154203237518' },
      supports: ['password', 'otp_send', 'otp', 'pin', 'biometrics', 'launch_rockets'],
    })
    expect([started.status, started.events]).toEqual([201, ['IdentifierEntered']])
    let written = ''
    for await (const event of api.log.readAll({ prefixes: ['session-'] })) written = JSON.stringify(event)
    expect(written).toContain('de-AT')
    for (const unasked of ['admin', 'imei', '490154203237518', 'launch_rockets']) expect(written).not.toContain(unasked)
  })
})

describe('A start', () => {
  test.each<[string, Record<string, unknown>]>([
    ['an app without a name', { app: '' }],
    ['no installation', { installation: undefined }],
    ['an installation that is no UUID', { installation: 'phone' }],
    ['a challenge that is no SHA-256', { flowChallenge: 'c2hvcnQ' }],
    ['a challenge in hexadecimal', { flowChallenge: 'ab'.repeat(32) }],
    ['too many actions', { supports: Array.from({ length: 33 }, (_, n) => `a${n}`) }],
    ['an identifier of 255 characters', { identifier: `${'x'.repeat(243)}@example.com` }],
    ['no device', { device: undefined }],
    ['a platform that nobody knows', { device: { platform: 'symbian' } }],
    ['a locale that is none', { device: { platform: 'ios', locale: '../../etc' } }],
    ['a version that is free text', { device: { platform: 'ios', appVersion: 'of ada@example.com' } }],
    ['an entry point that nobody knows', { entryPoint: 'back_door' }],
  ])('with %s is malformed', async (_, fields) => refused(await api.post('/v1/sessions', { body: startBody(fields) }), 400, 'malformed'))

  test.each(['@', 'a@b', 'x', '+4', '-x', 'two words'])('with the identifier "%s" is told so', async (identifier) =>
    refused(await api.post('/v1/sessions', { body: startBody({ identifier }) }), 400, 'identifier_malformed'))

  test('for an app that is not registered is refused', async () => refused(await api.post('/v1/sessions', { body: startBody({ app: 'other' }) }), 400, 'app_unknown'))
})

describe('The Idempotency-Key', () => {
  test.each([
    ['missing', undefined],
    ['of 21 characters', 'x'.repeat(21)],
    ['of 129 characters', 'x'.repeat(129)],
    ['with a space', `${'x'.repeat(11)} ${'x'.repeat(11)}`],
    ['empty in quotes', '""'],
  ])('%s is refused', async (_, key) => {
    refused(await api.call('POST', '/v1/sessions', { body: startBody(), key }), 400, 'idempotency_key_missing')
    refused(await api.call('POST', `${login.path}/password`, { body: { password: 'wrong' }, key, token: login.flowToken }), 400, 'idempotency_key_missing')
    refused(await api.call('POST', `${login.path}/refresh`, { body: { refreshToken: 'x' }, key }), 400, 'idempotency_key_missing')
  })

  test('in quotes is the same key', async () => {
    const key = newKey()
    const body = startBody({ flowChallenge: challengeOf('another') })
    const first = await api.post('/v1/sessions', { body, key })
    const second = await api.post('/v1/sessions', { body, key: `"${key}"` })
    expect([first.status, second.status, second.body.session.id, second.events]).toEqual([201, 201, first.body.session.id, []])
  })
})

describe('The token', () => {
  test.each([
    ['missing', {}],
    ['of another scheme', { Authorization: 'Basic YTpi' }],
    ['empty', { Authorization: 'Bearer ' }],
    ['with a line of its own', { Authorization: 'Bearer a b' }],
    ['longer than any', { Authorization: `Bearer ${'x'.repeat(4_097)}` }],
  ])('%s is asked for', async (_, headers) => {
    for (const [method, path] of [['POST', `${login.path}/append/options`], ['GET', login.path], ['DELETE', login.path]] as const) {
      const reply = await api.call(method, path, { headers, key: newKey() })
      refused(reply, 401, 'token_missing')
      expect(reply.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  test('of another login is refused, and says nothing of this one', async () => {
    const other = await api.start()
    for (const reply of [
      await login.step('password', { password }, { token: other.flowToken }),
      await login.read(other.flowToken),
      await api.call('DELETE', login.path, { token: other.flowToken }),
    ]) {
      refused(reply, 401, 'flow_token_invalid')
      expect(reply.headers.get('www-authenticate')).toBe('Bearer')
      expect([reply.body.session, reply.body.next]).toEqual([undefined, undefined])
    }
  })

  test('is the secret, and not what its hash says in the log', async () => {
    refused(await login.step('password', { password }, { token: challengeOf(login.flowToken) }), 401, 'flow_token_invalid')
  })
})

describe('A session', () => {
  test.each([
    ['that never was', '8d0e1c6e-9c3e-5c5b-8f3a-0a6f1d2b3c4d'],
    ['whose id is none', 'abc'],
    ['whose id is of another version', '8d0e1c6e-9c3e-4c5b-8f3a-0a6f1d2b3c4d'],
    ['whose id is a path', '..%2F..%2Fkey-1'],
    ['whose id is no UTF-8', '%E0%A4%A'],
    ['whose id is in capitals', '8D0E1C6E-9C3E-5C5B-8F3A-0A6F1D2B3C4D'],
  ])('%s is not found', async (_, id) => {
    const token = login.flowToken
    for (const [path, body] of [['/password', { password }], ['/append/options', undefined], ['/otp', { code: '123456' }]] as const) {
      refused(await api.post(`/v1/sessions/${id}${path}`, { token, ...(body ? { body } : {}) }), 404, 'session_unknown')
    }
    refused(await api.call('GET', `/v1/sessions/${id}`, { token }), 404, 'session_unknown')
    refused(await api.call('DELETE', `/v1/sessions/${id}`, { token }), 404, 'session_unknown')
  })
})

test.each([
  'GET /v1/sessions',
  'PUT /v1/sessions/x',
  'POST /v1/sessions/x',
  'PATCH /v1/sessions/x/password',
  'GET /v1/sessions/x/password',
  'POST /v1/sessions/x/password/',
  'POST /.well-known/jwks.json',
  'GET /.env',
  'GET /',
])('%s is nothing', async (request) => {
  const [method = '', path = ''] = request.split(' ')
  refused(await api.call(method, path), 404, 'not_found')
})

test('Health says whether it lives, and what is missing before it is ready', async () => {
  expect(await api.call('GET', '/health/live')).toMatchObject({ status: 200, body: { live: true } })
  expect(await api.call('GET', '/health/ready')).toMatchObject({ status: 200, body: { ready: true } })
  const missing = await openApi({ readiness: async () => ({ ready: false, log: 'out of reach' }) })
  expect(await missing.call('GET', '/health/ready')).toMatchObject({ status: 503, body: { ready: false, log: 'out of reach' } })
  await missing.close()
})

describe('Every answer', () => {
  const answers = async (): Promise<Record<string, Reply>> => ({
    'a good one': await login.read(),
    'a start': (await api.start()).started,
    'a refusal': await login.step('password', { password: 'wrong' }),
    'a malformed one': await login.step('password', {}),
    'too large': await login.step('password', 'x'.repeat(70_000)),
    'nothing there': await api.call('GET', '/'),
    'health': await api.call('GET', '/health/live'),
    'sign-out': await api.call('DELETE', (await api.start()).path, { token: 'x' }),
  })

  test('is kept by nobody on its way, and may do nothing in a browser', async () => {
    for (const [name, { headers }] of Object.entries(await answers())) {
      expect([name, headers.get('cache-control')]).toEqual([name, 'no-store'])
      expect([name, headers.get('x-content-type-options'), headers.get('x-frame-options')]).toEqual([name, 'nosniff', 'SAMEORIGIN'])
      expect([name, headers.get('content-security-policy')]).toEqual([name, "default-src 'none'; frame-ancestors 'none'"])
      expect([name, headers.get('strict-transport-security')]).toEqual([name, 'max-age=31536000; includeSubDomains'])
      expect([name, headers.get('referrer-policy'), headers.get('access-control-allow-origin')]).toEqual([name, 'no-referrer', null])
    }
  })

  test('but the keys that verify tokens, which may be kept for a while', async () => {
    const { status, headers, body } = await api.call('GET', '/.well-known/jwks.json')
    expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=300'])
    expect(body.keys).toHaveLength(1)
    expect(body.keys[0]).not.toHaveProperty('d')
  })
})
