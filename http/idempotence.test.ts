import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { losingAnswers } from '../eventlog/testing.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { ceremonyHere, challengeOf, newKey, openApi, password, serverPin, startBody, type Api, type Reply } from './testing.ts'

let api: Api
const open = async (options?: Parameters<typeof openApi>[0]) => {
  api = await openApi(options)
  await api.register()
}
afterEach(() => api.close())

/** A JWT may be signed anew. */
const withoutJwt = ({ body }: Reply) => ({ ...body, ...(body.tokens ? { tokens: { ...body.tokens, accessToken: 'a JWT' } } : {}) })
/** The next appends to streams of this kind are not made, so often: the process dies before. */
const dying = (prefix: string, times = 1) => {
  api.log.broken.append = async (next, stream) => {
    if (stream.startsWith(prefix) && times-- > 0) throw new Error('the process died')
    return next()
  }
}

describe('A request that is sent again with its key', () => {
  beforeEach(() => open())

  test('is answered in the same words at every step, and writes nothing', async () => {
    const login = await api.start()
    const again: (() => Promise<void>)[] = []
    const twice = async (name: string, fields?: unknown): Promise<Reply> => {
      const key = newKey()
      const repeat = async () => {
        const second = await login.step(name, fields, { key })
        expect([name, second.status, withoutJwt(second), second.events]).toEqual([name, first.status, withoutJwt(first), []])
      }
      const first = await login.step(name, fields, { key })
      expect(first.events).not.toEqual([])
      await repeat()
      again.push(repeat)
      return first
    }
    await twice('password', { password: 'wrong' })
    await twice('password', { password })
    const { body } = await twice('append/options')
    await twice('append/report', { platform: 'ios', code: '1001' })
    const retried = await login.step('append/options')
    expect(retried.body.creationOptions.challenge).not.toBe(body.creationOptions.challenge)
    await twice('append', { credential: await createAuthenticator().create(retried.body.creationOptions, ceremonyHere) })
    await twice('otp/send', { channel: 'email' })
    await twice('otp', { code: 'wrong' })
    await twice('otp', { code: api.code() })
    await twice('pin', {})
    await twice('biometrics', { enabled: true })
    // And in the same words when all the others have come since.
    for (const repeat of again) await repeat()
    expect(api.world.messages).toHaveLength(1)
  })

  test('and is refused for now is decided anew', async () => {
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    const key = newKey()
    expect((await login.step('otp/send', { channel: 'email' }, { key })).status).toBe(429)
    api.pass(30)
    expect((await login.step('otp/send', { channel: 'email' }, { key })).status).toBe(200)
  })

  test('and with another body, at another step, or for another login is not taken for it', async () => {
    const [login, other, key] = [await api.start(), await api.start(), newKey()]
    await login.step('password', { password: 'one' }, { key })
    for (const reply of [await login.step('password', { password: 'two' }, { key }), await login.step('otp', { code: 'one' }, { key })]) {
      expect([reply.status, reply.body.code, reply.events]).toEqual([422, 'key_reused', []])
    }
    expect((await other.step('password', { password: 'one' }, { key })).events).toEqual(['PasswordRejected'])
  })

  test('a hundred times at once, each with another body, is decided once', async () => {
    const [login, key] = [await api.start(), newKey()]
    const replies = await Promise.all(Array.from({ length: 100 }, (_, n) => login.step('password', { password: `guess ${n}` }, { key })))
    expect(replies.map(({ status }) => status).sort()).toEqual([403, ...Array<number>(99).fill(422)])
    expect((await login.read()).body.session.attemptsLeft).toBe(29)
  })

  test('fifty times at once, each the same, is decided once and answered fifty times', async () => {
    const [login, key] = [await api.start(), newKey()]
    const replies = await Promise.all(Array.from({ length: 50 }, () => login.step('password', { password: 'guess' }, { key })))
    expect(new Set(replies.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1)
    expect((await login.read()).body.session.attemptsLeft).toBe(29)
  })

  test('finds what was written when nobody could tell whether it was', async () => {
    const [login, key] = [await api.start(), newKey()]
    api.log.broken.append = losingAnswers(2)
    expect((await login.step('password', { password: 'wrong' }, { key })).body.code).toBe('log_outcome_unknown')
    const repeat = await login.step('password', { password: 'wrong' }, { key })
    expect([repeat.status, repeat.body.session.attemptsLeft, repeat.events]).toEqual([403, 29, []])
  })
})

describe('Guesses with keys of their own', () => {
  test('are counted each, however many come at once, and the right one among them is not looked at', async () => {
    await open()
    const login = await api.start()
    const guesses = [...Array.from({ length: 40 }, (_, n) => `guess ${n}`), password]
    const replies = await Promise.all(guesses.map((guess) => login.step('password', { password: guess })))
    expect(replies.filter(({ body }) => body.code === 'password_rejected')).toHaveLength(5)
    expect(replies.at(-1)?.body.code).toBe('guessing_delayed')
    expect((await login.read()).body.session.attemptsLeft).toBe(25)
  })
})

describe('A start that is sent again', () => {
  beforeEach(() => open())
  const again = (flowToken: string, key: string, body: Record<string, unknown> = {}) =>
    api.post('/v1/sessions', { key, body: startBody({ flowChallenge: challengeOf(flowToken), ...body }) })

  test('is answered as it was first, though the login went on: whoever sends it has no token', async () => {
    const key = newKey()
    const login = await api.start({}, { key })
    await login.step('password', { password: 'wrong' })
    await login.step('password', { password })
    await login.step('append/skip', { reason: 'declined' })
    const repeat = await again(login.flowToken, key)
    expect([repeat.status, repeat.body, repeat.headers.get('location'), repeat.events]).toEqual([201, login.started.body, login.path, []])
  })

  test('with another body is refused, and with another challenge is another login', async () => {
    const key = newKey()
    const login = await api.start({}, { key })
    const other = await again(login.flowToken, key, { identifier: 'eve@example.com' })
    expect([other.status, other.body.code, other.events]).toEqual([422, 'key_reused', []])
    const third = await again('another flow token', key)
    expect([third.status, third.events, third.body.session.id === login.id]).toEqual([201, ['IdentifierEntered'], false])
  })

  test('many times at once begins one login', async () => {
    const key = newKey()
    const replies = await Promise.all(Array.from({ length: 20 }, () => again('a flow token', key)))
    expect(new Set(replies.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1)
  })
})

describe('A crash', () => {
  test('between the passkey’s link and the login’s word of it is healed by the repeat', async () => {
    await open()
    const login = await api.loginAt('append')
    const credential = await api.credential(login)
    const key = newKey()
    dying('session-')
    const died = await login.step('append', { credential }, { key })
    expect([died.status, died.events]).toEqual([500, ['PasskeyLinked']])
    const { app } = await api.openNode()
    const healed = await login.step('append', { credential }, { key }, app)
    expect([healed.status, healed.events, healed.body.passkey.id]).toEqual([200, ['PasskeyAppended'], credential.id])
    expect(await login.step('append', { credential }, { key })).toMatchObject({ body: healed.body, events: [] })
  })

  test('there, and a new key with the same passkey: it is linked once', async () => {
    await open()
    const login = await api.loginAt('append')
    const credential = await api.credential(login)
    dying('session-')
    await login.step('append', { credential })
    expect((await login.step('append', { credential })).events).toEqual(['PasskeyAppended'])
  })

  test('between the account’s PIN and the login’s word of it does not let another PIN pass for it', async () => {
    await open({ policy: { pinKeptOn: 'server' } })
    const login = await api.loginAt('pin')
    const key = newKey()
    dying('session-')
    expect((await login.step('pin', { pin: serverPin }, { key })).events).toEqual(['InstallationPinSet'])
    const other = await login.step('pin', { pin: '314159' }, { key })
    expect([other.status, other.body.code, other.events]).toEqual([422, 'key_reused', []])
    expect((await login.step('pin', { pin: serverPin }, { key })).events).toEqual(['PinSet'])
  })

  test('between the activation and the verified code is healed by the repeat', async () => {
    await open()
    const login = await api.loginAt('append')
    await login.step('append', { credential: await api.credential(login) })
    await login.step('otp/send', { channel: 'email' })
    const key = newKey()
    dying('session-')
    expect((await login.step('otp', { code: api.code() }, { key })).events).toEqual(['PasskeyActivated'])
    const healed = await login.step('otp', { code: api.code() }, { key })
    expect([healed.events, healed.body.passkey.status]).toEqual([['OtpVerified'], 'active'])
  })

  test('between completion and the tokens is healed by the repeat', async () => {
    await open()
    const login = await api.loginAt('biometrics')
    const key = newKey()
    dying('tokens-')
    const died = await login.step('biometrics', { enabled: true }, { key })
    expect([died.status, died.events]).toEqual([500, ['InstallationBiometricToggled', 'BiometricToggled', 'SessionCompleted']])
    const healed = await login.step('biometrics', { enabled: true }, { key })
    expect([healed.status, healed.events, healed.body.tokens.tokenType]).toEqual([200, ['TokensIssued'], 'Bearer'])
  })
})
