import { hash as argon2id } from '@node-rs/argon2'
import { afterEach, describe, expect, test } from 'vitest'
import type { Policy } from '../domain/policy.ts'
import { parseFact } from '../domain/event.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { evolve, type SessionState } from '../domain/session/state.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { newKey, off, openApi, password, serverPin, type Api, type ApiOptions, type Reply } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (options: ApiOptions = {}, account: Parameters<Api['register']>[0] = {}) => {
  api = await openApi(options)
  return api.register(account)
}
const everywhere = (branch: Policy['withPasskey'], policy: Partial<Policy> = {}): ApiOptions => ({ policy: { withPasskey: branch, withoutPasskey: branch, ...policy } })
const actionsOf = ({ body }: Reply): string[] => body.next.map(({ action }: { action: string }) => action)
const refused = (reply: Reply, status: number, code: string, events: string[] = []) => expect([reply.status, reply.body.code, reply.events]).toEqual([status, code, events])
const done = (reply: Reply, events: string[], step: string | null) => expect([reply.status, reply.events, reply.body.session.step]).toEqual([200, events, step])

describe('A start', () => {
  test('answers where the login is and what is legal', async () => {
    await open()
    const { started, id } = await api.start()
    expect([started.status, started.events, started.headers.get('location')]).toEqual([201, ['IdentifierEntered'], `/v1/sessions/${id}`])
    expect(started.body).toEqual({
      session: { id, status: 'running', endReason: null, step: 'password', revision: 0, expiresAt: '2026-03-02T08:15:00.000Z', secondsLeft: 900, attemptsLeft: 30 },
      next: [{ action: 'password', method: 'POST', href: `/v1/sessions/${id}/password`, needs: ['password'] }],
      offer: null, passkey: null, otp: null, pin: null, biometrics: null,
    })
  })

  test.each([['that nobody owns', {}], ['of an account that demands a code', { mfa: true }], ['of an account without a contact', { contacts: [] }]])(
    'and a wrong password say the same for an identifier %s as for any other',
    async (_, account) => {
      await open()
      await api.register({ identifiers: ['bob@example.com'], ...account })
      const answers: unknown[] = []
      for (const identifier of ['ada@example.com', 'mfa' in account || 'contacts' in account ? 'bob@example.com' : 'nobody@example.com']) {
        const login = await api.start({ identifier })
        const wrong = await login.step('password', { password: 'wrong' })
        refused(wrong, 403, 'password_rejected', ['PasswordRejected'])
        answers.push(JSON.parse(JSON.stringify([login.started.body, wrong.body, (await login.read()).body]).replaceAll(login.id, 'id')))
      }
      expect(answers[1]).toEqual(answers[0])
    },
  )

  test('keeps the identifier, the address and the device where only the vault can read them', async () => {
    const account = await open()
    const login = await api.start({ device: { platform: 'android', model: 'Northwind Phone 12' } })
    for await (const { data } of api.log.read(`session-${login.id}`)) {
      expect(data).toMatchObject({ account, platform: 'android', locale: 'en' })
      const opened = await Promise.all(['identifier', 'address', 'deviceModel'].map((field) => api.engine.vault.open(data[field] as never)))
      expect(opened).toEqual(['ada@example.com', '192.0.2.1', 'Northwind Phone 12'])
      expect(JSON.stringify(data)).not.toMatch(/ada@|192\.0|Northwind/)
    }
  })
})

describe('The password', () => {
  test('that is right brings the offer', async () => {
    await open()
    const login = await api.start()
    const reply = await login.step('password', { password })
    done(reply, ['PasswordVerified', 'AppendOffered'], 'append')
    expect(reply.body.offer).toEqual({ outcome: 'offered', reason: null, number: 1, mode: 'manual', entryPoint: 'post_login', variant: null })
    expect(actionsOf(reply)).toEqual(['append_options', 'append_skip', 'append_report'])
    expect(reply.body.otp).toMatchObject({ outcome: 'due', channels: ['email'], sendsLeft: 5, attemptsLeft: 5 })
  })

  test('that is wrong thirty times ends the login, and the right one comes too late', async () => {
    await open()
    const login = await api.start()
    for (let left = 29; left > 0; left -= 1) expect((await login.step('password', { password: `wrong ${left}` })).body.session.attemptsLeft).toBe(left)
    const last = await login.step('password', { password: 'wrong' })
    refused(last, 403, 'password_rejected', ['PasswordRejected', 'SessionEnded'])
    expect([last.body.session.status, last.body.session.endReason, last.body.next]).toEqual(['ended', 'too_many_refusals', []])
    refused(await login.step('password', { password }), 410, 'session_ended')
  })

  test('is asked for again before anything else', async () => {
    await open()
    const login = await api.start()
    for (const [name, fields] of [['append/options'], ['append/skip', { reason: 'never' }], ['otp/send', { channel: 'email' }], ['otp', { code: '123456' }], ['otp/skip'], ['pin', {}], ['pin/skip'], ['biometrics', { enabled: true }], ['biometrics/skip']] as const) {
      const reply = await login.step(name, fields)
      refused(reply, 409, 'step_not_legal')
      expect(actionsOf(reply)).toEqual(['password'])
    }
    expect(api.world.messages).toEqual([])
  })

  test('asks no database unless an offer hangs on it', async () => {
    await open()
    const login = await api.start()
    await login.step('password', { password: 'wrong' })
    expect(api.world.historyAsked).toBe(0)
    await login.step('password', { password })
    expect(api.world.historyAsked).toBe(1)
    for (const [name, fields] of [['append/options', undefined], ['append/skip', { reason: 'declined' }], ['otp/send', { channel: 'email' }]] as const) await login.step(name, fields)
    expect(api.world.historyAsked).toBe(1)
  })

  test('brings no offer while its history cannot be had, and the login goes on', async () => {
    await open()
    api.world.offers = 'unavailable'
    const reply = await (await api.start()).step('password', { password })
    done(reply, ['PasswordVerified', 'AppendWithheld'], 'otp')
    expect(reply.body.offer).toBeNull()
  })

  test('counts the offer as the next one', async () => {
    await open()
    api.world.offers = { offers: 6 }
    expect((await (await api.start()).step('password', { password })).body.offer.number).toBe(7)
  })

  test('imported under weaker parameters is hashed anew, once the answer is given', async () => {
    const weak = await argon2id(password, { memoryCost: 512, timeCost: 1, parallelism: 1 })
    await open({}, { source: 'import', password: { hash: weak } })
    expect((await (await api.start()).step('password', { password })).events).toEqual(['PasswordVerified', 'AppendOffered', 'PasswordSet'])
    expect((await (await api.start()).step('password', { password })).events).toEqual(['PasswordVerified', 'AppendOffered'])
  })
})

describe('The passkey', () => {
  const atOffer = async (options: ApiOptions = {}, account = {}) => {
    const id = await open(options, account)
    return { account: id, login: await api.loginAt('append') }
  }

  test('is created with the options that are asked for, and linked before the login says so', async () => {
    const { account, login } = await atOffer()
    const options = await login.step('append/options')
    done(options, ['AppendStarted'], 'append')
    const { creationOptions } = options.body
    expect(creationOptions).toMatchObject({
      rp: { id: 'shop.example', name: 'Northwind Shop' },
      user: { id: Buffer.from(account.replaceAll('-', ''), 'hex').toString('base64url'), name: 'ada@example.com' },
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
    })
    expect(Buffer.from(creationOptions.challenge, 'base64url')).toHaveLength(32)
    const credential = await createAuthenticator().create(creationOptions, { origin: 'https://shop.example' })
    const reply = await login.step('append', { credential })
    done(reply, ['PasskeyLinked', 'PasskeyAppended'], 'otp')
    expect(reply.body.passkey).toEqual({ id: credential.id, status: 'pending' })
  })

  test('becomes active with the code', async () => {
    const { login } = await atOffer()
    const credential = await api.credential(login)
    await login.step('append', { credential })
    await login.step('otp/send', { channel: 'email' })
    const reply = await login.step('otp', { code: api.code() })
    done(reply, ['PasskeyActivated', 'OtpVerified'], 'pin')
    expect(reply.body.passkey).toEqual({ id: credential.id, status: 'active' })
  })

  test('is active at once where no code is demanded', async () => {
    const { login } = await atOffer(everywhere({ ...off, pin: 'optional' }))
    done(await login.step('append', { credential: await api.credential(login) }), ['PasskeyLinked', 'PasskeyActivated', 'PasskeyAppended'], 'pin')
  })

  test('is not made again on a device that has one, and such a person is not asked again', async () => {
    const { login } = await atOffer(everywhere(off))
    const credential = await api.credential(login)
    await login.step('append', { credential })
    const again = await api.start()
    done(await again.step('password', { password }), ['PasswordVerified', 'AppendWithheld', 'SessionCompleted', 'TokensIssued'], null)
    const elsewhere = await api.loginAt('append', { installation: '6ad2b0c4-1f3b-4f0e-8a53-2c9d7e5f1b20' })
    const { body } = await elsewhere.step('append/options')
    expect(body.creationOptions.excludeCredentials).toEqual([{ id: credential.id, type: 'public-key', transports: ['internal', 'hybrid'] }])
  })

  test('for another origin is refused; that is a fact, and the login goes on', async () => {
    const { login } = await atOffer()
    const credential = await api.credential(login, createAuthenticator(), { clientData: { origin: 'https://shop.example.evil.example' } })
    const reply = await login.step('append', { credential })
    refused(reply, 422, 'append_rejected', ['AppendFailed'])
    expect(reply.body).toMatchObject({ reason: 'wrong_origin', session: { status: 'running', step: 'otp' }, offer: { outcome: 'failed', reason: 'wrong_origin' } })
  })

  test.each([{}, { id: 'x' }, { type: 'public-key', id: 'AA', rawId: 'AA', response: { clientDataJSON: 'AA', attestationObject: 'AA' } }, JSON.parse('{"__proto__":{"id":"AA"}}')])(
    'that is none (%j) is refused, and may be tried again',
    async (credential) => {
      const { login } = await atOffer()
      await login.step('append/options')
      const reply = await login.step('append', { credential })
      refused(reply, 422, 'append_rejected', ['AppendFailed'])
      expect(reply.body).toMatchObject({ reason: 'malformed' })
    },
  )

  test('for options that a newer request has replaced is refused', async () => {
    const { login } = await atOffer()
    const old = await api.credential(login)
    await login.step('append/options')
    refused(await login.step('append', { credential: old }), 422, 'append_rejected', ['AppendFailed'])
  })

  test('for options that are older than five minutes is refused', async () => {
    const { login } = await atOffer()
    const credential = await api.credential(login)
    api.pass(300)
    const reply = await login.step('append', { credential })
    refused(reply, 422, 'append_rejected', ['AppendFailed'])
    expect(reply.body).toMatchObject({ reason: 'challenge_expired', retryable: true })
  })

  test('made for somebody else’s login is refused', async () => {
    const { login } = await atOffer()
    await api.register({ identifiers: ['eve@example.com'] })
    const eves = await api.credential(await api.loginAt('append', { identifier: 'eve@example.com' }))
    await login.step('append/options')
    refused(await login.step('append', { credential: eves }), 422, 'append_rejected', ['AppendFailed'])
  })

  test('that was refused where the offer came last completes the login, and the answer has the tokens', async () => {
    const { login } = await atOffer(everywhere(off, { order: ['otp', 'pin', 'biometrics', 'append'] }))
    await login.step('append/options')
    const key = newKey()
    const reply = await login.step('append', { credential: {} }, { key })
    refused(reply, 422, 'append_rejected', ['AppendFailed', 'SessionCompleted', 'TokensIssued'])
    expect(reply.body).toMatchObject({ session: { status: 'completed' }, tokens: { tokenType: 'Bearer' } })
    expect((await login.step('append', { credential: {} }, { key })).body.tokens.refreshToken).toBe(reply.body.tokens.refreshToken)
  })

  test.each([
    ['declined', ['AppendSkipped']],
    ['never', ['AppendPreferenceChanged', 'AppendSkipped']],
  ])('may be %s', async (reason, events) => {
    const { login } = await atOffer()
    done(await login.step('append/skip', { reason }), events, 'otp')
    const next = await (await api.start()).step('password', { password })
    expect(next.events).toEqual(['PasswordVerified', reason === 'never' ? 'AppendWithheld' : 'AppendOffered'])
  })

  test.each([
    ['1001', 'AppendCancelled', { outcome: 'cancelled', reason: 'dismissed_or_timed_out' }],
    ['1003', 'AppendNotShown', { outcome: 'not_shown', reason: 'not_handled' }],
    ['1004', 'AppendFailed', { outcome: 'failed', reason: 'failed' }],
    ['constructor', 'AppendFailed', { outcome: 'failed', reason: 'unknown' }],
  ])('that the device says did not come about (%s) is %s', async (code, event, offer) => {
    const { login } = await atOffer()
    await login.step('append/options')
    const reply = await login.step('append/report', { platform: 'ios', code, message: 'what the system said' })
    done(reply, [event], 'otp')
    expect(reply.body.offer).toMatchObject(offer)
  })

  test('comes after the code for an account that demands one', async () => {
    await open({}, { mfa: true })
    const login = await api.start()
    done(await login.step('password', { password }), ['PasswordVerified'], 'otp')
    refused(await login.step('append/options'), 409, 'step_not_legal')
    await login.step('otp/send', { channel: 'email' })
    done(await login.step('otp', { code: api.code() }), ['OtpVerified', 'AppendOffered'], 'append')
  })
})

describe('The code', () => {
  test('goes to the contact, once, and coming back it lets the login go on', async () => {
    await open({}, { identifiers: ['ada@example.com', '+43 660 1234567'], locale: 'de' })
    const login = await api.loginAt('otp')
    const reply = await login.step('otp/send', { channel: 'sms' })
    done(reply, ['OtpIssued', 'OtpSent'], 'otp')
    expect(reply.body.otp).toMatchObject({ channels: ['email', 'sms'], channel: 'sms', delivery: 'sent', expiresAt: '2026-03-02T08:05:00.000Z', resendAt: '2026-03-02T08:00:30.000Z', sendsLeft: 4 })
    expect(api.world.messages).toEqual([
      expect.objectContaining({ channel: 'sms', to: '+436601234567', template: 'otp', locale: 'de', platform: 'ios', app: { name: 'Northwind Shop', domain: 'shop.example' }, validMinutes: 5, code: expect.stringMatching(/^\d{6}$/) }),
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

describe('The PIN', () => {
  test('is said to be set where the device keeps it, and not asked for there again', async () => {
    await open()
    done(await (await api.loginAt('pin')).step('pin', {}), ['InstallationPinSet', 'PinSet'], 'biometrics')
    expect((await api.loginAt('biometrics')).last.events).toEqual(['OtpVerified'])
    expect((await api.loginAt('pin', { installation: '6ad2b0c4-1f3b-4f0e-8a53-2c9d7e5f1b20' })).last.body.pin).toEqual({ outcome: 'due', keptOn: 'device' })
  })

  test('without a body is said to be set as well', async () => {
    await open()
    done(await (await api.loginAt('pin')).step('pin'), ['InstallationPinSet', 'PinSet'], 'biometrics')
  })

  test('that the server keeps is sealed, and stands nowhere else', async () => {
    const account = await open({ policy: { pinKeptOn: 'server' } })
    const login = await api.loginAt('pin')
    expect(login.last.body.next[0]).toMatchObject({ action: 'pin', needs: ['pin'] })
    done(await login.step('pin', { pin: serverPin }), ['InstallationPinSet', 'PinSet'], 'biometrics')
    const events: unknown[] = []
    for await (const event of api.log.readAll({ prefixes: ['session-', 'account-'] })) events.push(event)
    expect(JSON.stringify(events)).not.toContain(serverPin)
    expect(JSON.stringify(events.at(-2))).toContain(`a1.${account}.`)
  })

  test('may be passed over', async () => {
    await open()
    done(await (await api.loginAt('pin')).step('pin/skip'), ['PinSkipped'], 'biometrics')
  })
})

describe('Biometrics', () => {
  test.each([[true, 'on'], [false, 'off']])('switched (%s) complete the login with tokens', async (enabled, outcome) => {
    await open()
    const reply = await (await api.loginAt('biometrics')).step('biometrics', { enabled })
    done(reply, ['InstallationBiometricToggled', 'BiometricToggled', 'SessionCompleted', 'TokensIssued'], null)
    expect(reply.body).toMatchObject({ session: { status: 'completed', secondsLeft: 0 }, biometrics: { outcome }, tokens: { tokenType: 'Bearer', expiresIn: 600 } })
    expect(actionsOf(reply)).toEqual(['refresh', 'switch_biometrics', 'sign_out'])
  })

  test('may be passed over', async () => {
    await open()
    done(await (await api.loginAt('biometrics')).step('biometrics/skip'), ['BiometricSkipped', 'SessionCompleted', 'TokensIssued'], null)
  })
})

describe('A login whose time is over', () => {
  test('says so at once, whoever has written it down', async () => {
    await open()
    const login = await api.loginAt('otp')
    api.pass(900)
    for (const [name, fields] of [['otp/send', { channel: 'email' }], ['append/options', undefined], ['password', { password }]] as const) {
      const reply = await login.step(name, fields)
      refused(reply, 410, 'session_expired')
      expect(reply.body).toMatchObject({ session: { status: 'expired', step: null, secondsLeft: 0 }, next: [] })
    }
    expect((await login.read()).body.session.status).toBe('expired')
  })

  test('has so many seconds left', async () => {
    await open()
    const login = await api.start()
    api.pass(899.5)
    expect((await login.read()).body.session).toMatchObject({ status: 'running', secondsLeft: 0 })
    expect((await login.step('otp/skip')).body.session.secondsLeft).toBe(0)
    api.pass(-100)
    expect((await login.step('otp/skip')).body.session.secondsLeft).toBe(100)
  })
})

describe('The state', () => {
  test('is the row’s where it is new enough, and is otherwise folded from the log', async () => {
    const asked: number[] = []
    let row: SessionState['view'] | undefined
    await open({ readSession: async (_, revision) => (asked.push(revision), row && { view: row, revision: 0 }) })
    const login = await api.start()
    for await (const event of api.log.read(`session-${login.id}`)) row = evolve(undefined, parseFact(sessionEvents, event)).view
    await login.step('password', { password })
    expect((await login.read(login.flowToken, '?revision=0')).body.session).toMatchObject({ step: 'password', revision: 0 })
    row = undefined
    expect((await login.read(login.flowToken, '?revision=2')).body.session).toMatchObject({ step: 'append', revision: 2 })
    for (const odd of ['?revision=-1', '?revision=abc', '?revision=1e400', '?revision=']) expect((await login.read(login.flowToken, odd)).status).toBe(200)
    expect(asked).toEqual([0, 2, -1, 0, 0, 0])
  })

  test('is read without writing', async () => {
    await open()
    const login = await api.loginAt('otp')
    const { events, body } = await login.read()
    expect([events, body]).toEqual([[], login.last.body])
  })
})
