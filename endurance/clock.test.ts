import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { backendKey, ceremonyHere, challengeOf, newKey, off, openApi, password, refused, startBody, type Api, type TakeStep } from '../http/testing.ts'
import { eventsOf } from '../eventlog/testing.ts'

const hour = 3_600
const justOffer = { withPasskey: off, withoutPasskey: off }
const codeRequired = { withPasskey: { ...off, otp: 'required' as const }, withoutPasskey: { ...off, otp: 'required' as const } }

let api: Api
const open = async (policy: Parameters<typeof openApi>[0] = {}) => {
  api = await openApi(policy)
  await api.register()
}
afterEach(() => api.close())

/** In no stream of the log does time go back. */
async function isMonotone(): Promise<boolean> {
  const last = new Map<string, string>()
  for await (const { stream, metadata } of api.log.readAll({})) {
    if (metadata.at < (last.get(stream) ?? '')) return false
    last.set(stream, metadata.at)
  }
  return true
}

describe('The clock steps back an hour', () => {
  beforeEach(() => open({ policy: codeRequired }))

  test.each(['password', 'append', 'otp/send', 'otp'] as const)('before %s: the login goes on to its end, with the code that is sent then', async (when) => {
    const back = (step: typeof when) => step === when && api.pass(-hour)
    const login = await api.start()
    back('password')
    expect((await login.step('password', { password })).status).toBe(200)
    const credential = await api.credential(login)
    back('append')
    expect((await login.step('append', { credential })).status).toBe(200)
    back('otp/send')
    expect((await login.step('otp/send', { channel: 'email' })).status).toBe(200)
    back('otp')
    const { status, body } = await login.step('otp', { code: api.code() })
    expect([status, body.session?.status]).toEqual([200, 'completed'])
    expect(body.passkey.status).toBe('active')
    expect((await api.post(`${login.path}/refresh`, { body: { refreshToken: body.tokens.refreshToken } })).status).toBe(200)
    expect(await isMonotone()).toBe(true)
  })

  test('after a code was sent: it is good, and the next one is not sent before its time, nor an hour later than that', async () => {
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    api.pass(-hour)
    refused(await login.step('otp/send', { channel: 'email' }), 429, 'otp_resend_too_soon')
    api.pass(hour + 31)
    expect((await login.step('otp/send', { channel: 'email' })).status).toBe(200)
    expect((await login.step('otp', { code: api.code() })).status).toBe(200)
  })

  test('and a login does not outlive its time by the log: what is over stays over', async () => {
    const login = await api.loginAt('otp')
    api.pass(901)
    expect((await login.step('otp/send', { channel: 'email' })).body.code).toBe('session_expired')
    const other = await api.loginAt('otp')
    api.pass(-hour)
    // It was not ended by a fact, so it goes on.
    expect((await other.step('otp/send', { channel: 'email' })).status).toBe(200)
    api.pass(hour + 901)
    expect((await other.step('otp', { code: api.code() })).body.code).toBe('session_expired')
  })
})

describe('Who was signed out, before or after the clock stepped back,', () => {
  beforeEach(() => open({ policy: justOffer }))

  test('is out: everybody who signed in before the sessions were ended', async () => {
    api.pass(1_800)
    const login = await api.signedIn()
    api.pass(-hour)
    await end()
    refused(await login.refresh(login.tokens.refreshToken), 401, 'session_over')
    refused(await api.call('GET', '/v1/passkeys', { token: login.tokens.accessToken }), 401, 'session_over')
  })

  test('may sign in again at once', async () => {
    api.pass(1_800)
    await end()
    api.pass(-hour)
    const login = await api.signedIn()
    expect(login.tokens).toBeDefined()
    expect((await login.refresh(login.tokens.refreshToken)).status).toBe(200)
  })

  test('a login that had given its password by then leaves nothing', async () => {
    api.pass(1_800)
    const login = await api.loginAt('append')
    const credential = await api.credential(login)
    api.pass(-hour)
    await end()
    expect((await login.step('append', { credential })).body.code).toBe('session_ended')
    expect((await eventsOf(api.log, `account-${api.world.account}`)).some(({ type }) => type === 'PasskeyLinked')).toBe(false)
  })

  test('and so is who came from the settings', async () => {
    api.pass(1_800)
    const { tokens } = await api.signedIn()
    const flowToken = randomBytes(32).toString('base64url')
    const settings = startBody({ identifier: undefined, entryPoint: 'settings', flowChallenge: challengeOf(flowToken) })
    const started = await api.post('/v1/sessions', { body: settings, token: tokens.accessToken })
    const step: TakeStep = (name, fields) => api.post(`/v1/sessions/${started.body.session.id}/${name}`, { token: flowToken, ...(fields === undefined ? {} : { body: fields }) })
    const credential = await api.credential({ step })
    api.pass(-hour)
    await end()
    expect((await step('append', { credential })).body.code).toBe('session_ended')
  })

  test('and a password that was set by a machine whose clock lags ends what others began', async () => {
    api.pass(1_800)
    const login = await api.signedIn()
    api.pass(-hour)
    expect((await api.call('POST', '/v1/account/password', { key: newKey(), token: login.tokens.accessToken, body: { password: 'a brand new password' } })).status).toBe(200)
    refused(await login.refresh(login.tokens.refreshToken), 401, 'session_over')
  })

  const end = () => api.post(`/v1/accounts/${api.world.account}/sessions/end`, { token: backendKey, body: {}, key: newKey() })
})

test('A passkey signs in though the clock stepped back since it was asked for', async () => {
  await open({ policy: justOffer })
  const { device } = await api.withPasskey()
  const login = await api.start()
  api.pass(-hour)
  const { status, body } = await login.step('passkey', { credential: await device.get(login.started.body.requestOptions, ceremonyHere) })
  expect([status, body.session?.status]).toEqual([200, 'completed'])
  expect(await isMonotone()).toBe(true)
})
