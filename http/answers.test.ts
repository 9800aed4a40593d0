import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { Channel } from '../domain/session/vocabulary.ts'
import { SessionAnswer } from '../mobile-contracts/answers.ts'
import { sessions, type SessionRow } from '../projections/sessions.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { sessionAnswer } from './answers.ts'
import { newKey, openApi, password, serverPin, type Api, type Login, type Reply } from './testing.ts'

let api: Api
afterEach(() => api.close())

/** The row as the projection keeps it: folded event by event, and through the database's JSON each time. */
async function rowOf(session: string): Promise<SessionRow & { view: NonNullable<SessionRow['view']> }> {
  let row = sessions.initial(session)
  for await (const event of api.log.read(`session-${session}`)) row = JSON.parse(JSON.stringify(sessions.evolve(row, event)))
  return { ...row, view: row.view! }
}

type Move = (login: Login, last: Reply) => Promise<Reply>
const step = (name: string, fields?: unknown): Move => (login) => login.step(name, fields)
const createPasskey: Move = async (login) => {
  const { body } = await login.step('append/options')
  if (!body.creationOptions) return login.read()
  return login.step('append', { credential: await createAuthenticator().create(body.creationOptions, { origin: 'https://shop.example' }) })
}
const phone = createAuthenticator()
const usePasskey: Move = async (login, last) => {
  if (!last.body.requestOptions) return login.read()
  return login.step('passkey', { credential: await phone.get(last.body.requestOptions, { origin: 'https://shop.example' }) })
}
/** Right and wrong ones for each action, so that a walk gets somewhere and nowhere. */
const moves: Record<string, Move[]> = {
  passkey: [usePasskey, usePasskey, step('passkey', { credential: {} })],
  passkey_options: [step('passkey/options')],
  passkey_report: ['NotAllowedError', 'SecurityError'].map((code) => step('passkey/report', { platform: 'web', code })),
  password: [step('password', { password }), step('password', { password: 'wrong' })],
  append_options: [createPasskey, createPasskey, step('append/options')],
  append: [createPasskey, step('append', { credential: {} })],
  append_skip: [step('append/skip', { reason: 'declined' }), step('append/skip', { reason: 'never' })],
  append_report: ['1001', '1003', '1004', '1006'].map((code) => step('append/report', { platform: 'ios', code })),
  otp_send: (['email', 'sms'] satisfies Channel[]).map((channel) => step('otp/send', { channel })),
  otp: [(login) => login.step('otp', { code: api.code() }), step('otp', { code: 'wrong' })],
  otp_skip: [step('otp/skip')],
  pin: [step('pin', { pin: serverPin }), step('pin', {})],
  pin_skip: [step('pin/skip')],
  biometrics: [step('biometrics', { enabled: true }), step('biometrics', { enabled: false })],
  biometrics_skip: [step('biometrics/skip')],
}

test('Whatever happens in a login, the row shows what the decision showed, and both are what apps are promised', async () => {
  const optional = { otp: 'optional', pin: 'optional', biometrics: 'optional' } as const
  api = await openApi({ policy: { withPasskey: { ...optional, otp: 'required' }, withoutPasskey: optional, pinKeptOn: 'server' } })
  await api.register({ identifiers: ['ada@example.com', '+43 660 1234567'] })
  await api.register({ identifiers: ['grace@example.com'] })
  await api.withPasskey(phone, { identifier: 'grace@example.com' })
  const who = fc.constantFrom('ada@example.com', 'ada@example.com', 'grace@example.com', undefined)
  const choice = fc.record({ legal: fc.integer({ min: 0, max: 9 }), action: fc.nat(99), variant: fc.nat(9), seconds: fc.constantFrom(0, 1, 31, 301) })
  const reached = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(choice, { minLength: 6, maxLength: 14 }), fc.uuid(), who, async (choices, installation, identifier) => {
      const login = await api.start({ installation, identifier })
      let last = login.started
      for (const { legal, action, variant, seconds } of choices) {
        api.pass(seconds)
        const next = last.body.next.map((one: { action: string }) => one.action).filter((one: string) => one in moves)
        // Mostly what is legal.
        const names: string[] = legal > 1 && next.length > 0 ? next : Object.keys(moves)
        const possible = moves[names[action % names.length]!]!
        const reply = await possible[variant % possible.length]!(login, last)
        // After completion the flow token is dead.
        if (reply.body.session === undefined) continue
        last = reply
        const { creationOptions, requestOptions, signals, tokens, ...told } = reply.body
        const { type, title, status, code, reason, retryable, retryAfterSeconds, unknownCredentialId, ...shown } = told
        reached.add(`${shown.session.status} ${shown.session.step}`)
        const row = await rowOf(login.id)
        const now = api.now().toISOString()
        expect(sessionAnswer({ session: login.id, ...row }, now)).toEqual(shown)
        expect((await login.read()).body).toEqual(shown)
        expect(SessionAnswer.strict().parse(shown)).toEqual(shown)
      }
    }),
    { seed: 20260302, numRuns: 40 },
  )
  // The walks were not all cut short.
  const running = ['password', 'append', 'otp', 'pin', 'biometrics'].map((step) => `running ${step}`)
  for (const state of [...running, 'completed null', 'expired null']) expect(reached).toContain(state)
})

test('What is nobody’s business is in no answer and in no row', async () => {
  api = await openApi()
  await api.register()
  const login = await api.loginAt('append')
  const options = await login.step('append/options')
  await login.step('append/skip', { reason: 'declined' })
  await login.step('otp/send', { channel: 'email' }, { key: newKey() })
  const seen = JSON.stringify([await rowOf(login.id), (await login.read()).body])
  for (const secret of [options.body.creationOptions.challenge, login.flowToken, api.code(), 'ada@example.com', 'p1.', 'a1.', '192.0.2.1']) expect(seen).not.toContain(secret)
})
