import { afterEach, describe, expect, test } from 'vitest'
import type { Policy } from '../domain/policy.ts'
import { done, off, openApi, refused, type Api, type ApiOptions } from './testing.ts'

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
