import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newKey, openApi, password, refused, type Api, type TakeStep } from './testing.ts'

let api: Api
afterEach(() => api.close())

describe('Two engines on one log', () => {
  let other: Api['app']
  /** Which engine takes the step. */
  const by = (app: Api['app']) => (step: TakeStep, name: string, fields?: unknown, key = newKey()) => step(name, fields, { key }, app)
  beforeEach(async () => {
    api = await openApi()
    await api.register()
    other = (await api.openNode()).app
  })

  test('take turns in one login', async () => {
    const login = await api.start()
    const [one, two] = [by(api.app), by(other)]
    const replies = [
      await two(login.step, 'password', { password: 'wrong' }),
      await one(login.step, 'password', { password }),
      await two(login.step, 'append/skip', { reason: 'declined' }),
      await one(login.step, 'otp/send', { channel: 'email' }),
      await two(login.step, 'otp', { code: api.code() }),
      await one(login.step, 'pin/skip'),
      await two(login.step, 'biometrics/skip'),
    ]
    expect(replies.map(({ status }) => status)).toEqual([403, 200, 200, 200, 200, 200, 200])
    expect(replies.at(-1)?.events).toEqual(['BiometricSkipped', 'SessionCompleted', 'TokensIssued'])
  })

  test('decide a request that both get at once only once', async () => {
    const [login, key] = [await api.start(), newKey()]
    const replies = await Promise.all([api.app, other].map((app) => by(app)(login.step, 'password', { password }, key)))
    expect(replies[0]?.body).toEqual(replies[1]?.body)
    expect((await login.read()).body.session.revision).toBe(2)
  })

  test('count guesses together', async () => {
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    const replies = await Promise.all(Array.from({ length: 12 }, (_, n) => by(n % 2 ? api.app : other)(login.step, 'otp', { code: `wrong ${n}` })))
    // Who lost every race is told to look again: nothing was decided.
    const counted = replies.filter(({ body }) => body.code === 'otp_rejected').length
    expect(replies.every(({ body }) => ['otp_rejected', 'guessing_delayed', 'step_not_legal', 'conflict'].includes(body.code))).toBe(true)
    expect((await login.read()).body.otp.attemptsLeft).toBe(5 - counted)
  })

  test('leave nothing in the account for a login that the other one has ended', async () => {
    const login = await api.loginAt('pin', {}, { app: other })
    await api.call('DELETE', login.path, { token: login.flowToken }, api.app)
    const late = await by(other)(login.step, 'pin', {})
    refused(late, 410, 'session_ended')
  })

  test('activate no passkey with a code that the other one has seen guessed wrong too often', async () => {
    const login = await api.loginAt('append', {}, { app: other })
    await login.step('append', { credential: await api.credential(login) })
    await login.step('otp/send', { channel: 'email' })
    for (let n = 0; n < 5; n += 1) await by(api.app)(login.step, 'otp', { code: `wrong ${n}` })
    const late = await by(other)(login.step, 'otp', { code: api.code() })
    refused(late, 409, 'step_not_legal')
  })
})
