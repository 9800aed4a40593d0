import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { createAccess } from '../access/access.ts'
import { AccessSettings } from '../access/settings.ts'
import type { NewAccount } from '../engine/accounts.ts'
import { WrongRevision } from '../eventlog/event-log.ts'
import { losingAnswers } from '../eventlog/testing.ts'
import { createHashGate } from '../factors/hash-gate.ts'
import { createPasswords } from '../factors/password.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { LedgerAway } from '../projections/ledger/proofs.ts'
import type { ProblemCode } from './problems.ts'
import { backendKey, ceremonyHere, consoleKey, newKey, off, openApi, password, serverPin, startBody, type Api, type ApiOptions, type Reply } from './testing.ts'

type Reached = {
  status: number
  options?: ApiOptions
  account?: Partial<NewAccount>
  reach: (api: Api) => Promise<Reply>
  /** What stands in the log all the same. */
  events?: string[]
  retryAfter?: string
}

const unknownSession = '/v1/sessions/8d0e1c6e-9c3e-5c5b-8f3a-0a6f1d2b3c4d'
const branch = (steps: Partial<typeof off | Record<keyof typeof off, 'required' | 'optional'>>, policy = {}): ApiOptions => ({
  policy: { withPasskey: { ...off, ...steps }, withoutPasskey: { ...off, ...steps }, ...policy },
})
const serverKept = branch({ pin: 'required' }, { pinKeptOn: 'server' })
const unlock = async (api: Api, pin: string, times = 1): Promise<Reply> => {
  const { path, tokens } = await api.loginAt('completed')
  for (let n = 1; n < times; n += 1) await api.post(`${path}/unlock`, { token: tokens.accessToken, body: { pin: `${pin}${n}` } })
  return api.post(`${path}/unlock`, { token: tokens.accessToken, body: { pin } })
}
const codes = async (api: Api, times: number): Promise<Reply> => {
  const login = await api.loginAt('otp')
  for (let n = 0; n < times; n += 1) {
    await login.step('otp/send', { channel: 'email' })
    api.pass(30)
  }
  return login.step('otp/send', { channel: 'email' })
}
const carrierSays = async (api: Api, reason: 'unreachable' | 'refused', retryable: boolean): Promise<Reply> => {
  api.world.carrier = async () => ({ delivered: false, reason, retryable })
  return (await api.loginAt('otp')).step('otp/send', { channel: 'email' })
}

/** Every code that there is, and how one comes to it; or why nobody does. */
const reached: Record<ProblemCode, Reached | string> = {
  malformed: { status: 400, reach: async (api) => (await api.start()).step('password', {}) },
  not_json: { status: 415, reach: async (api) => (await api.start()).step('password', 'x', { headers: { 'Content-Type': 'text/plain' } }) },
  too_large: { status: 413, reach: async (api) => (await api.start()).step('password', 'x'.repeat(65_537)) },
  idempotency_key_missing: { status: 400, reach: (api) => api.call('POST', '/v1/sessions', { body: startBody() }) },
  token_missing: { status: 401, reach: async (api) => api.post(`${(await api.start()).path}/password`, { body: { password } }) },
  not_found: { status: 404, reach: (api) => api.call('GET', '/v2') },
  metric_unknown: { status: 404, reach: (api) => api.call('GET', '/v1/adoption/none', { token: consoleKey }) },
  figures_unavailable: { status: 503, reach: (api) => api.call('GET', '/v1/adoption', { token: consoleKey }), retryAfter: '1' },
  operator_token_invalid: { status: 401, reach: (api) => api.call('GET', '/v1/access', { token: 'klc_x' }) },
  role_missing: 'no route of the app that is tested here takes a role: access/access.test.ts',
  access_not_configured: { status: 403, options: { access: createAccess({ consoleUrl: 'http://localhost', secret: createSecretKey(randomBytes(32)), now: () => new Date() }) }, reach: (api) => api.call('GET', '/v1/access') },
  identity_provider_unavailable: {
    status: 503,
    retryAfter: '1',
    // Nobody listens at the discard port.
    options: {
      access: createAccess({
        settings: AccessSettings.parse({ issuer: 'http://127.0.0.1:9', clientId: 'console', audience: 'keyledger' }),
        consoleUrl: 'http://localhost',
        secret: createSecretKey(randomBytes(32)),
        now: () => new Date(),
      }),
    },
    reach: (api) => api.call('GET', '/v1/access', { token: 'a.b.c' }),
  },
  checkpoint_unknown: { status: 404, reach: (api) => api.call('GET', '/v1/audit/checkpoints/1', { token: consoleKey }) },
  proof_unknown: { status: 404, reach: (api) => api.call('GET', '/v1/audit/proofs/consistency?from=1&to=2', { token: consoleKey }) },
  ledger_unavailable: {
    status: 503,
    retryAfter: '1',
    options: { proofs: { inclusion: async () => undefined, consistency: async () => Promise.reject(new LedgerAway('away')) } },
    reach: (api) => api.call('GET', '/v1/audit/proofs/consistency?from=1&to=2', { token: consoleKey }),
  },
  event_unknown: { status: 404, reach: (api) => api.call('POST', '/v1/audit/looks', { token: consoleKey, body: { stream: 'session-x', revision: 0, why: 'Ticket 4711' } }) },
  not_sealed: {
    status: 422,
    reach: async (api) => {
      const { id } = await api.loginAt('append')
      return api.call('POST', '/v1/audit/looks', { token: consoleKey, body: { stream: `session-${id}`, revision: 2, why: 'Ticket 4711' } })
    },
  },
  search_unavailable: {
    status: 503,
    retryAfter: '1',
    // A page of rows came before.
    reach: (api) => api.call('GET', `/v1/audit/search?after=${Buffer.from(JSON.stringify({ r: ['2026-03-02T08:00:00.000Z', unknownSession.split('/').at(-1)] })).toString('base64url')}`, { token: consoleKey }),
  },
  app_unknown: { status: 400, reach: (api) => api.post('/v1/sessions', { body: startBody({ app: 'other' }) }) },
  identifier_malformed: { status: 400, reach: (api) => api.post('/v1/sessions', { body: startBody({ identifier: '@' }) }) },
  upgrade_required: { status: 422, reach: (api) => api.post('/v1/sessions', { body: startBody({ supports: ['password', 'pin', 'biometrics'] }) }) },
  session_unknown: { status: 404, reach: (api) => api.call('GET', unknownSession, { token: 'x' }) },
  flow_token_invalid: { status: 401, reach: async (api) => (await api.start()).step('password', { password }, { token: 'x' }) },
  access_token_invalid: { status: 401, reach: async (api) => api.post(`${(await api.loginAt('completed')).path}/unlock`, { token: 'a.b.c', body: { pin: '1' } }) },
  refresh_token_invalid: { status: 401, reach: async (api) => api.post(`${(await api.loginAt('completed')).path}/refresh`, { body: { refreshToken: 'x' } }) },
  session_over: {
    status: 401,
    reach: async (api) => {
      const { path, tokens } = await api.loginAt('completed')
      await api.call('DELETE', path, { token: tokens.accessToken })
      return api.post(`${path}/refresh`, { body: tokens })
    },
  },
  key_reused: {
    status: 422,
    reach: async (api) => {
      const [login, key] = [await api.start(), newKey()]
      await login.step('password', { password: 'one' }, { key })
      return login.step('password', { password: 'another' }, { key })
    },
  },
  step_not_legal: { status: 409, reach: async (api) => (await api.start()).step('pin', {}) },
  challenge_used: {
    // The account has the passkey, the session does not know it yet, and another passkey comes for the same challenge.
    status: 409,
    reach: async (api) => {
      const login = await api.loginAt('append')
      const { body } = await login.step('append/options')
      const create = () => createAuthenticator().create(body.creationOptions, ceremonyHere)
      const [one, other] = [await create(), await create()]
      failing(api, 'session-', 1)
      await login.step('append', { credential: one })
      return login.step('append', { credential: other })
    },
  },
  session_completed: {
    // Another engine does not know it yet; it is legal as it was last seen there.
    status: 409,
    reach: async (api) => {
      const { app } = await api.openNode()
      const login = await api.loginAt('biometrics', {}, { app })
      await login.step('biometrics/skip', undefined, {}, api.app)
      return login.step('biometrics/skip')
    },
  },
  session_expired: { status: 410, reach: async (api) => (await api.loginAt('pin').finally(() => api.pass(900))).step('pin', {}) },
  session_ended: {
    status: 410,
    reach: async (api) => {
      const login = await api.start()
      await api.call('DELETE', login.path, { token: login.flowToken })
      return login.step('password', { password })
    },
  },
  account_disabled: {
    status: 403,
    reach: async (api) => {
      const login = await api.start()
      await api.inAccount({ type: 'AccountDisabled', data: {} })
      return login.step('password', { password })
    },
    events: ['PasswordVerified', 'SessionEnded'],
  },
  no_contact: {
    status: 403,
    account: { identifiers: ['ada_lovelace'] },
    reach: async (api) => (await api.start({ identifier: 'ada_lovelace' })).started,
    events: ['IdentifierEntered', 'SessionEnded'],
  },
  passkey_rejected: {
    status: 403,
    reach: async (api) => {
      const { device } = await api.withPasskey()
      const login = await api.start()
      const credential = await device.get(login.started.body.requestOptions, { ...ceremonyHere, clientData: { type: 'webauthn.create' } })
      return login.step('passkey', { credential })
    },
    events: ['PasskeyRejected'],
  },
  credential_unknown: {
    status: 403,
    reach: async (api) => {
      const { device, passkey } = await api.withPasskey()
      await api.inAccount({ type: 'PasskeyRevoked', data: { passkey, reason: 'removed' } })
      const login = await api.start({ identifier: undefined })
      return login.step('passkey', { credential: await device.get(login.started.body.requestOptions, ceremonyHere) })
    },
    events: ['PasskeyRejected'],
  },
  identifier_needed: {
    status: 422,
    reach: async (api) => {
      const login = await api.start({ identifier: undefined })
      return login.step('passkey/report', { platform: 'android', code: 'GetCredentialUnsupportedException' })
    },
    events: ['PasskeyNotUsed', 'SessionEnded'],
  },
  insufficient_user_authentication: {
    status: 401,
    reach: async (api) => {
      const { tokens } = await api.loginAt('completed')
      api.pass(301)
      return api.post('/v1/sessions', { body: startBody({ identifier: undefined, entryPoint: 'settings' }), token: tokens.accessToken })
    },
  },
  password_rejected: { status: 403, reach: async (api) => (await api.start()).step('password', { password: 'wrong' }), events: ['PasswordRejected'] },
  guessing_delayed: {
    status: 429,
    retryAfter: '2',
    reach: async (api) => {
      const login = await api.start()
      for (let n = 0; n < 5; n += 1) await login.step('password', { password: `guess ${n}` })
      return login.step('password', { password })
    },
  },
  factor_disabled: {
    status: 403,
    reach: async (api) => {
      await api.inAccount({ type: 'FactorDisabled', data: { factor: 'password' } })
      return (await api.start()).step('password', { password })
    },
  },
  otp_rejected: {
    status: 403,
    reach: async (api) => {
      const login = await api.loginAt('otp')
      await login.step('otp/send', { channel: 'email' })
      return login.step('otp', { code: 'x' })
    },
    events: ['OtpRejected'],
  },
  append_rejected: {
    status: 422,
    reach: async (api) => {
      const login = await api.loginAt('append')
      await login.step('append/options')
      return login.step('append', { credential: {} })
    },
    events: ['AppendFailed'],
  },
  otp_resend_too_soon: {
    status: 429,
    retryAfter: '30',
    reach: async (api) => {
      const login = await api.loginAt('otp')
      await login.step('otp/send', { channel: 'email' })
      return login.step('otp/send', { channel: 'email' })
    },
  },
  otp_sends_exhausted: { status: 429, reach: (api) => codes(api, 5) },
  backend_key_invalid: { status: 401, reach: (api) => api.call('GET', `/v1/accounts/${api.world.account}`, { token: 'x' }) },
  account_unknown: { status: 404, reach: (api) => api.call('GET', `/v1/accounts/${randomUUID()}`, { token: backendKey }) },
  passkey_unknown: { status: 404, reach: (api) => api.call('DELETE', `/v1/accounts/${api.world.account}/passkeys/x`, { token: backendKey, key: newKey() }) },
  contact_unknown: { status: 404, reach: (api) => api.call('DELETE', `/v1/accounts/${api.world.account}/contacts/x`, { token: backendKey, key: newKey() }) },
  contact_malformed: { status: 400, reach: (api) => api.post(`/v1/accounts/${api.world.account}/contacts`, { token: backendKey, body: { channel: 'sms', address: 'x' } }) },
  identifier_taken: { status: 409, reach: (api) => api.post('/v1/accounts', { token: backendKey, body: { identifiers: ['ada@example.com'] } }) },
  password_unacceptable: { status: 422, reach: (api) => api.post(`/v1/accounts/${api.world.account}/password`, { token: backendKey, body: { password: 'short' } }) },
  otp_channel_unavailable: { status: 422, reach: async (api) => (await api.loginAt('otp')).step('otp/send', { channel: 'sms' }) },
  delivery_failed: { status: 503, retryAfter: '1', reach: (api) => carrierSays(api, 'unreachable', true), events: ['OtpIssued', 'OtpDeliveryFailed'] },
  delivery_refused: { status: 422, reach: (api) => carrierSays(api, 'refused', false), events: ['OtpIssued', 'OtpDeliveryFailed'] },
  pin_too_weak: { status: 422, options: serverKept, reach: async (api) => (await api.loginAt('pin')).step('pin', { pin: '1234' }) },
  pin_expected_here: { status: 422, options: serverKept, reach: async (api) => (await api.loginAt('pin')).step('pin', {}) },
  pin_belongs_on_device: { status: 422, reach: async (api) => (await api.loginAt('pin')).step('pin', { pin: serverPin }) },
  pin_rejected: { status: 403, options: serverKept, reach: (api) => unlock(api, '31415'), events: ['InstallationPinRejected'] },
  pin_locked: { status: 403, options: serverKept, reach: (api) => unlock(api, '31415', 5), events: ['InstallationPinRejected'] },
  pin_not_kept_here: { status: 409, reach: (api) => unlock(api, serverPin) },
  conflict: {
    status: 409,
    reach: async (api) => {
      const login = await api.start()
      api.log.broken.append = async (_, stream, __, expected) => {
        throw new WrongRevision(stream, expected)
      }
      return login.step('password', { password: 'wrong' })
    },
  },
  forgotten: {
    // The key is gone and the account does not say so: that is halfway through a restored backup, and nowhere else.
    status: 410,
    reach: async (api) => {
      await api.log.seal(`key-${api.world.account}`)
      return (await api.openNode().then(({ app }) => api.start({}, { app }))).started
    },
  },
  busy: {
    status: 503,
    retryAfter: '1',
    options: { passwords: createPasswords({ gate: createHashGate({ atOnce: 0, queue: 0 }) }) },
    account: { password: { hash: '$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAA' } },
    reach: async (api) => (await api.start()).step('password', { password }),
  },
  log_unavailable: {
    status: 503,
    retryAfter: '1',
    reach: async (api) => {
      const login = await api.start()
      api.log.broken.away = true
      return login.step('password', { password })
    },
  },
  log_outcome_unknown: {
    status: 503,
    retryAfter: '1',
    reach: async (api) => {
      const login = await api.start()
      api.log.broken.append = losingAnswers(2)
      return login.step('password', { password: 'wrong' })
    },
    events: ['PasswordRejected'],
  },
  log_too_large: 'no request can write a megabyte: bodies are at most 64 KiB, and nothing of them is kept in clear',
  unknown_event: {
    status: 503,
    retryAfter: '1',
    reach: async (api) => {
      const login = await api.start()
      const metadata = { at: api.now().toISOString(), actor: 'engine', $correlationId: login.id, $causationId: 'a newer release' }
      await api.log.append(`session-${login.id}`, [{ id: randomUUID(), type: 'PasswordVerified.v9', data: {}, metadata }], 0)
      return login.read()
    },
  },
  internal: {
    status: 500,
    reach: async (api) => {
      const login = await api.start()
      api.log.broken.append = async () => {
        throw new TypeError(`a bug, with ${password} in its message`)
      }
      return login.step('password', { password })
    },
  },
}

/** The next appends to streams of this kind fail, so often. */
const failing = (api: Api, prefix: string, times: number) => {
  api.log.broken.append = async (next, stream) => {
    if (stream.startsWith(prefix) && times-- > 0) throw new Error('the process died')
    return next()
  }
}

const rows = Object.entries(reached).flatMap(([code, how]) => (typeof how === 'string' ? [] : [{ code, ...how }]))
test.each(rows)('$code is $status', async ({ code, status, options, account, reach, events = [], retryAfter = null }) => {
  const api = await openApi(options)
  try {
    await api.register(account)
    const reply = await reach(api)
    expect([reply.body.code, reply.status, reply.events]).toEqual([code, status, events])
    expect(reply.headers.get('content-type')).toBe('application/problem+json')
    expect(reply.body).toMatchObject({ type: `urn:keyledger:problem:${code}`, title: expect.any(String), status })
    expect([reply.headers.get('retry-after'), reply.headers.get('www-authenticate')?.split(' ')[0] ?? null]).toEqual([retryAfter, status === 401 ? 'Bearer' : null])
    expect(JSON.stringify(reply.body)).not.toContain(password)
    // What is nobody's fault but ours is told to us, and nothing else is.
    const ours = code === 'challenge_used' ? ['the process died'] : code === 'internal' ? [`a bug, with ${password} in its message`] : []
    expect(api.world.errors.map((error) => (error as Error).message)).toEqual(ours)
  } finally {
    await api.close()
  }
})
