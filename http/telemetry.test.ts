/** What a request leaves in the metrics and in the log. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { OutcomeUnknown, WrongRevision } from '../eventlog/event-log.ts'
import { losingAnswers } from '../eventlog/testing.ts'
import { newKey, openApi, password, refused, type Api } from './testing.ts'

let api: Api
beforeEach(async () => {
  api = await openApi()
  await api.register()
})
afterEach(() => api.close())

/** The samples of one metric. */
const samples = async (name: string): Promise<Record<string, number>> =>
  Object.fromEntries([...(await api.metrics()).matchAll(/^(\w+)(\{.*\})? (\S+)$/gm)].flatMap(([, of, labels = '', value]) => (of === name ? [[labels, Number(value)]] : [])))
const lines = () => api.world.lines.map((line) => JSON.parse(line) as Record<string, unknown>)

describe('The metrics', () => {
  test('count steps by what came of them', async () => {
    const login = await api.start()
    await login.step('password', { password: 'wrong' })
    await login.step('password', { password })
    await login.step('otp', { code: '123456' })
    await login.step('append/skip', { reason: 'never' }, { token: 'x' })
    expect(await samples('keyledger_steps_total')).toEqual({
      '{action="start",outcome="done"}': 1,
      '{action="password",outcome="password_rejected"}': 1,
      '{action="password",outcome="done"}': 1,
      '{action="otp",outcome="step_not_legal"}': 1,
      '{action="append_skip",outcome="flow_token_invalid"}': 1,
    })
    expect(await samples('keyledger_password_hash_duration_seconds_count')).toEqual({ '': 3 })
    expect(await samples('keyledger_password_hashes_running')).toEqual({ '': 0 })
    expect(await samples('keyledger_events_appended_total')).toMatchObject({ '{type="PasswordRejected"}': 1, '{type="PasswordVerified"}': 1, '{type="AppendOffered"}': 1 })
    expect(await samples('keyledger_problems_total')).toEqual({ '{code="password_rejected"}': 1, '{code="step_not_legal"}': 1, '{code="flow_token_invalid"}': 1 })
  })

  test('count a signed-in session too', async () => {
    const login = await api.loginAt('completed')
    await api.post(`${login.path}/refresh`, { body: { refreshToken: login.tokens.refreshToken } })
    await api.post(`${login.path}/refresh`, { body: { refreshToken: 'x.0.y' } })
    await api.post(`${login.path}/biometrics`, { token: login.tokens.accessToken, body: { enabled: false } })
    await api.call('DELETE', login.path, { token: login.tokens.accessToken })
    expect(await samples('keyledger_steps_total')).toMatchObject({
      '{action="refresh",outcome="done"}': 1,
      '{action="refresh",outcome="refresh_token_invalid"}': 1,
      '{action="switch_biometrics",outcome="done"}': 1,
      '{action="sign_out",outcome="done"}': 1,
    })
  })

  test('count messages by what the carrier said', async () => {
    const login = await api.loginAt('otp')
    api.world.carrier = async () => ({ delivered: false, reason: 'unreachable', retryable: true })
    await login.step('otp/send', { channel: 'email' })
    expect(await samples('keyledger_deliveries_total')).toEqual({ '{channel="email",outcome="unreachable"}': 1 })
  })

  test('count what the log did: a race that was lost, an answer that was lost, and decisions that were made again', async () => {
    const login = await api.loginAt('append')
    const before = await samples('keyledger_log_append_duration_seconds_count')
    let lost = 1
    api.log.broken.append = (next, stream, _, expected) => (lost-- > 0 ? Promise.reject(new WrongRevision(stream, expected)) : next())
    await login.step('append/skip', { reason: 'declined' })
    api.log.broken.append = losingAnswers(1)
    await login.step('otp/send', { channel: 'email' })
    const after = await samples('keyledger_log_append_duration_seconds_count')
    expect(after['{outcome="wrong_revision"}']).toBe(1)
    expect(after['{outcome="log_outcome_unknown"}']).toBe(1)
    expect(after['{outcome="done"}']).toBeGreaterThan(before['{outcome="done"}'] as number)
    expect(await samples('keyledger_append_retries_total')).toEqual({ '': 1 })
    expect(await samples('keyledger_log_read_duration_seconds_count')).toMatchObject({ '{operation="read"}': expect.any(Number) })
  })

  test('have as many labels as the program has words, whatever is sent', async () => {
    await api.call('GET', '/ada@example.com')
    await api.call('BREW', '/v1/sessions/x/password')
    await api.call('GET', '/v1/accounts/ada@example.com')
    await api.start({ identifier: 'ada@example.com"}\nmade_up 1' })
    expect(Object.keys(await samples('http_server_request_duration_seconds_count'))).toEqual([
      '{http_request_method="GET",http_route="",http_response_status_code="404"}',
      '{http_request_method="_OTHER",http_route="",http_response_status_code="404"}',
      '{http_request_method="GET",http_route="/v1/accounts/:id",http_response_status_code="401"}',
      '{http_request_method="POST",http_route="/v1/sessions",http_response_status_code="400"}',
    ])
    const text = await api.metrics()
    expect(text).not.toMatch(/ada|made_up/)
  })

  test('are read by whoever has their token, where there is one', async () => {
    const open = await api.app.request('/metrics')
    expect([open.status, open.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    const guarded = await openApi({ metricsToken: 'a-token-for-the-metrics' })
    for (const token of [undefined, 'a-token-for-the-metric', 'another-token-for-them', 'a-token-for-the-metrics2']) refused(await guarded.call('GET', '/metrics', { token }), 401, 'token_missing')
    const { status } = await guarded.app.request('/metrics', { headers: { Authorization: 'Bearer a-token-for-the-metrics' } })
    expect(status).toBe(200)
    await guarded.close()
  })
})

describe('The log', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

  test('has a line for each request: what was asked for and what came of it, and the trace of whoever asked', async () => {
    const login = await api.start()
    api.world.lines.length = 0
    await login.step('password', { password: 'wrong' }, { headers: { traceparent } })
    const [line, ...others] = lines()
    expect(others).toEqual([])
    expect(line).toEqual({
      at: '2026-03-02T08:00:00.000Z', level: 'info', what: 'request', method: 'POST', route: '/v1/sessions/:id/password', status: 403,
      code: 'password_rejected', ms: expect.any(Number), session: login.id, trace: '4bf92f3577b34da6a3ce929d0e0e4736', app: 'shop',
    })
  })

  test.each([
    ['of zeros', '00-00000000000000000000000000000000-00f067aa0ba902b7-01'],
    ['with a parent of zeros', '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01'],
    ['of no version', 'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
    ['in capitals', traceparent.toUpperCase()],
    ['with more than its version has', `${traceparent}-ada`],
    ['that is something else', 'ada@example.com'],
  ])('takes no trace %s', async (_, sent) => {
    await api.call('GET', '/health/live', { headers: { traceparent: sent } })
    expect(lines().at(-1)).not.toHaveProperty('trace')
  })

  test('has nothing of the path, the query, the headers or the body of a request', async () => {
    const secret = 'ada-the-secret'
    const headers = { 'user-agent': secret, 'x-forwarded-for': secret, 'cookie': secret, 'referer': `https://${secret}`, 'traceparent': secret, 'baggage': `user=${secret}` }
    await api.call('GET', `/${secret}?email=${secret}`, { headers })
    await api.call('GET', `/v1/sessions/${secret}`, { headers, token: secret })
    await api.call('DELETE', `/v1/accounts/${secret}/contacts/${secret}`, { headers, token: secret, key: newKey() })
    await api.post('/v1/sessions', { headers, body: `{"identifier": "${secret}"` })
    await api.start({ app: secret, identifier: secret, device: { platform: 'ios', model: secret } })
    expect(api.world.lines.length).toBeGreaterThanOrEqual(5)
    expect(api.world.lines.join('\n')).not.toContain(secret)
  })

  test('is quiet about what is polled, warns of an outage that was announced, and calls the rest of ours an error', async () => {
    await api.call('GET', '/health/live')
    const login = await api.start()
    api.log.broken.append = async () => Promise.reject(new OutcomeUnknown('ada@example.com'))
    await login.step('password', { password })
    api.log.broken.append = async () => Promise.reject(new TypeError('ada@example.com'))
    await login.step('password', { password })
    expect(lines().slice(-4).map(({ level, status, code }) => [level, status, code])).toEqual([
      ['debug', 200, undefined],
      ['info', 201, undefined],
      ['warn', 503, 'log_outcome_unknown'],
      ['error', 500, 'internal'],
    ])
    expect(api.world.lines.join()).not.toContain('ada@')
  })
})
