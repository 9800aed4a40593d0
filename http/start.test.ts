import { afterEach, describe, expect, test } from 'vitest'
import { parseFact } from '../domain/event.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { evolve, type SessionState } from '../domain/session/state.ts'
import { openApi, off, password, refused, shop, startBody, type Api, type ApiOptions } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (options: ApiOptions = {}, account: Parameters<Api['register']>[0] = {}) => {
  api = await openApi(options)
  return api.register(account)
}

describe('A start', () => {
  test('answers where the login is and what is legal', async () => {
    await open()
    const { started, id } = await api.start()
    expect([started.status, started.events, started.headers.get('location')]).toEqual([201, ['IdentifierEntered'], `/v1/sessions/${id}`])
    expect(started.body).toEqual({
      session: { id, purpose: 'login', status: 'running', endReason: null, step: 'password', revision: 0, expiresAt: '2026-03-02T08:15:00.000Z', secondsLeft: 900, attemptsLeft: 30 },
      next: [{ action: 'password', method: 'POST', href: `/v1/sessions/${id}/password`, needs: ['password'] }],
      assertion: null, offer: null, passkey: null, otp: null, pin: null, biometrics: null,
    })
  })

  test.each([['that nobody owns', {}], ['of an account that demands a code', { mfa: true }]])(
    'and a wrong password say the same for an identifier %s as for any other',
    async (_, account) => {
      await open()
      await api.register({ identifiers: ['bob@example.com'], ...account })
      const answers: unknown[] = []
      for (const identifier of ['ada@example.com', 'mfa' in account ? 'bob@example.com' : 'nobody@example.com']) {
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

describe('A login of somebody, or with an app, that is marked as a test', () => {
  const marked = async (id: string): Promise<unknown[]> => {
    const found: unknown[] = []
    for await (const { type, data } of api.log.read(`session-${id}`)) found.push(...('test' in data ? [[type, data['test']]] : []))
    return found
  }
  const allOff: ApiOptions = { policy: { withPasskey: off, withoutPasskey: off } }

  test('says so in its first event', async () => {
    await open(allOff, { test: true })
    const { id, tokens } = await api.signedIn()
    expect(await marked(id)).toEqual([['IdentifierEntered', true]])
    const settings = await api.post('/v1/sessions', { body: startBody({ identifier: undefined, entryPoint: 'settings' }), token: tokens.accessToken })
    expect(await marked(settings.body.session.id)).toEqual([['SettingsEntered', true]])
  })

  test('says so of an account that only the passkey named, once it did', async () => {
    await open(allOff, { test: true })
    const { device } = await api.withPasskey()
    expect(await marked((await api.signInWith(device, { identifier: undefined })).id)).toEqual([['PasskeyVerified', true]])
  })

  test('says so whoever it is, where it is the app', async () => {
    await open({ ...allOff, apps: [{ ...shop, test: true }] })
    expect(await marked((await api.start({ identifier: 'nobody@example.com' })).id)).toEqual([['IdentifierEntered', true]])
    expect(await marked((await api.start({ identifier: undefined })).id)).toEqual([['UsernamelessLoginStarted', true]])
    const { device } = await api.withPasskey()
    expect(await marked((await api.signInWith(device)).id)).toEqual([['IdentifierEntered', true]])
  })

  test('is the only one that does', async () => {
    await open(allOff)
    const { device } = await api.withPasskey()
    expect(await marked((await api.signInWith(device)).id)).toEqual([])
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
