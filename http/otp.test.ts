import { decodeJwt } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import type { Policy } from '../domain/policy.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { ceremonyHere, done, off, openApi, password, refused, type Api, type ApiOptions } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (options: ApiOptions = {}, account: Parameters<Api['register']>[0] = {}) => {
  api = await openApi(options)
  return api.register(account)
}
const everywhere = (branch: Policy['withPasskey'], policy: Partial<Policy> = {}): ApiOptions => ({ policy: { withPasskey: branch, withoutPasskey: branch, ...policy } })

describe('The code', () => {
  test('goes to the contact, once, and coming back it lets the login go on', async () => {
    await open({}, { identifiers: ['ada@example.com', '+43 660 1234567'], locale: 'de' })
    const login = await api.loginAt('otp')
    const reply = await login.step('otp/send', { channel: 'sms' })
    done(reply, ['OtpIssued', 'OtpSent'], 'otp')
    const times = { expiresAt: '2026-03-02T08:05:00.000Z', resendAt: '2026-03-02T08:00:30.000Z' }
    expect(reply.body.otp).toMatchObject({ channels: ['email', 'sms'], channel: 'sms', delivery: 'sent', ...times, sendsLeft: 4 })
    expect(api.world.messages).toEqual([
      {
        id: expect.any(String), channel: 'sms', to: '+436601234567', template: 'otp', locale: 'de', platform: 'ios',
        app: { name: 'Northwind Shop', domain: 'shop.example' }, code: expect.stringMatching(/^\d{6}$/), validMinutes: 5,
      },
    ])
    expect(JSON.stringify(reply.body)).not.toContain('1234567')
    done(await login.step('otp', { code: ` ${api.code().slice(0, 3)} ${api.code().slice(3)} ` }), ['OtpVerified'], 'pin')
  })

  test('that is wrong five times is dead, and a new one is not', async () => {
    await open()
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    const right = api.code()
    const wrong = right === '000000' ? '000001' : '000000'
    for (let left = 4; left >= 0; left -= 1) {
      const reply = await login.step('otp', { code: wrong })
      refused(reply, 403, 'otp_rejected', ['OtpRejected'])
      expect([reply.body.reason, reply.body.otp.attemptsLeft]).toEqual([left > 0 ? 'wrong_code' : 'too_many_attempts', left])
    }
    refused(await login.step('otp', { code: right }), 409, 'step_not_legal')
    api.pass(30)
    await login.step('otp/send', { channel: 'email' })
    expect(api.code()).not.toBe(right)
    refused(await login.step('otp', { code: right }), 403, 'otp_rejected', ['OtpRejected'])
    api.pass(4)
    done(await login.step('otp', { code: api.code() }), ['OtpVerified'], 'pin')
  })

  test('is good for five minutes, and that it came late is no guess', async () => {
    await open()
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    api.pass(300)
    const reply = await login.step('otp', { code: api.code() })
    refused(reply, 403, 'otp_rejected', ['OtpRejected'])
    expect(reply.body).toMatchObject({ reason: 'expired', otp: { attemptsLeft: 5 } })
  })

  test('is good once', async () => {
    await open()
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    const code = api.code()
    done(await login.step('otp', { code }), ['OtpVerified'], 'pin')
    refused(await login.step('otp', { code }), 409, 'step_not_legal')
  })

  test('of another login is none', async () => {
    await open()
    const [one, other] = [await api.loginAt('otp'), await api.loginAt('otp')]
    await one.step('otp/send', { channel: 'email' })
    const code = api.code()
    await other.step('otp/send', { channel: 'email' })
    refused(await other.step('otp', { code }), 403, 'otp_rejected', ['OtpRejected'])
  })

  test('goes only where there is a carrier', async () => {
    await open({ reachable: ['email'] }, { identifiers: ['ada@example.com', '+43 660 1234567'] })
    const login = await api.loginAt('otp')
    expect(login.last.body.otp.channels).toEqual(['email'])
    refused(await login.step('otp/send', { channel: 'sms' }), 422, 'otp_channel_unavailable')
    expect(api.world.messages).toEqual([])
  })

  test('may be passed over where it is optional', async () => {
    await open(everywhere({ ...off, otp: 'optional', pin: 'optional' }))
    done(await (await api.loginAt('otp')).step('otp/skip'), ['OtpSkipped'], 'pin')
  })

  test('is passed over by itself where it is optional and there is no contact', async () => {
    await open(everywhere({ ...off, otp: 'optional', pin: 'optional' }), { identifiers: ['ada_lovelace'] })
    const login = await api.loginAt('append', { identifier: 'ada_lovelace' })
    done(await login.step('append/skip', { reason: 'declined' }), ['AppendSkipped', 'OtpSkipped'], 'pin')
  })
})

describe('Where the policy sends codes by SMS alone, and requires them', () => {
  const strict = everywhere({ ...off, otp: 'required' }, { codesBy: ['sms'] })
  const amrOf = ({ body }: { body: { tokens: { accessToken: string } } }) => decodeJwt(body.tokens.accessToken)['amr']

  test('every login is two factors: the password with a code, or the passkey', async () => {
    await open(strict, { identifiers: ['ada@example.com', '+436601234567'] })
    const login = await api.loginAt('append')
    const device = createAuthenticator()
    await login.step('append', { credential: await api.credential(login, device) })
    expect((await login.read()).body.otp.channels).toEqual(['sms'])
    refused(await login.step('otp/send', { channel: 'email' }), 422, 'otp_channel_unavailable')
    await login.step('otp/send', { channel: 'sms' })
    expect(api.world.messages.map(({ to }) => to)).toEqual(['+436601234567'])
    expect(amrOf(await login.step('otp', { code: api.code() }))).toEqual(['pwd', 'sms', 'mfa'])

    const next = await api.start()
    const byPasskey = await next.step('passkey', { credential: await device.get(next.started.body.requestOptions, ceremonyHere) })
    expect(amrOf(byPasskey)).toEqual(['swk', 'user', 'mfa'])
  })

  test('whoever has an e-mail address alone does not get in with the password', async () => {
    await open(strict)
    const login = await api.start()
    refused(login.started, 403, 'no_contact', ['IdentifierEntered', 'SessionEnded'])
    refused(await login.step('password', { password }), 410, 'session_ended')
  })

  test('nor does an account that demands a code where the policy does not', async () => {
    await open(everywhere(off, { codesBy: ['sms'] }), { mfa: true })
    const login = await api.start()
    refused(login.started, 403, 'no_contact', ['IdentifierEntered', 'SessionEnded'])
    refused(await login.step('password', { password }), 410, 'session_ended')
  })
})
