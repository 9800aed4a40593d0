import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseFact } from '../domain/event.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { legalActions } from '../domain/session/flow.ts'
import { evolve, type SessionState } from '../domain/session/state.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { eventsOf } from '../eventlog/testing.ts'
import { createLines } from '../feeds/lines.ts'
import type { OcsfEvent } from '../feeds/ocsf.ts'
import { faultsOf } from '../feeds/testing-ocsf.ts'
import { openApi, password, type Api } from '../http/testing.ts'
import { searchSessionsOf } from './account-replay.ts'
import { BadAsOf, readAsOf } from './as-of.ts'
import { createReplays, type Replays } from './replays.ts'

let api: Api
let replays: Replays
let login: Awaited<ReturnType<typeof wholeLogin>>
/** As the log has it when that login is done. */
const stored: Recorded[] = []
beforeAll(async () => {
  api = await openApi({ policy: { withPasskey: { otp: 'required', pin: 'optional', biometrics: 'optional' } } })
  await api.register()
  const { log } = api
  replays = createReplays({ log, now: api.now, coverageOf: async () => undefined, sessionsOf: (account) => searchSessionsOf(log, account), findLogins: async () => 'unavailable' })
  login = await wholeLogin()
  for await (const recorded of log.readAll({ prefixes: ['session-', 'tokens-', 'account-'] })) stored.push(recorded)
})
afterAll(() => api.close())

/** A login with a wrong password and a new passkey, to its end; a second goes by before each step. */
async function wholeLogin() {
  const login = await api.start()
  const step = async (...args: Parameters<typeof login.step>) => {
    api.pass(1)
    return login.step(...args)
  }
  await step('password', { password: 'wrong' })
  await step('password', { password })
  const credential = await api.credential({ step })
  await step('append', { credential })
  await step('otp/send', { channel: 'email' })
  await step('otp', { code: api.code() })
  await step('pin', {})
  const { body } = await step('biometrics', { enabled: true })
  return { ...login, passkey: credential.id as string, tokens: body.tokens as { accessToken: string; refreshToken: string } }
}

describe('A login', () => {
  test('is replayed step by step: when, who, what was proved and how, what was decided and why', async () => {
    const { id, passkey, tokens, path } = login
    api.pass(60)
    await api.post(`${path}/refresh`, { body: { refreshToken: tokens.refreshToken } })
    const replay = (await replays.session(id))!
    const told = replay.steps.map(({ event: { type }, proved, decided }) => [type, proved && `${proved.what} ${proved.holds ? 'holds' : 'does not hold'}`, decided?.why ?? null])
    expect(told).toEqual([
      ['IdentifierEntered', null, 'the policy'],
      ['PasswordRejected', 'password does not hold', null],
      ['PasswordVerified', 'password holds', 'the account demands no second factor'],
      ['AppendOffered', null, 'nothing stood against it'],
      ['AppendStarted', null, null],
      ['PasskeyLinked', null, null],
      ['PasskeyAppended', null, null],
      ['OtpIssued', null, null],
      ['OtpSent', null, null],
      ['PasskeyActivated', null, 'every code that the login demanded was given'],
      ['OtpVerified', 'code holds', null],
      ['InstallationPinSet', null, null],
      ['PinSet', null, null],
      ['InstallationBiometricToggled', null, null],
      ['BiometricToggled', null, null],
      ['SessionCompleted', null, 'every step of the plan was taken or passed over; one factor was given'],
      ['TokensIssued', null, null],
      ['TokensRefreshed', 'refresh token holds', null],
    ])
    expect(replay).toMatchObject({ session: id, account: api.world.account, app: 'shop', platform: 'ios', status: 'completed', startedAt: '2026-03-02T08:00:00.000Z', next: ['refresh', 'switch_biometrics', 'sign_out'] })
    expect(replay.steps.map(({ at }) => at)).toEqual(replay.steps.map(({ at }) => at).toSorted())
    expect(replay.steps[1]).toMatchObject({ actor: 'app:shop', at: '2026-03-02T08:00:01.000Z', sentence: 'A password was refused: wrong password; 29 attempts left', meaning: sessionEvents.PasswordRejected.description })
    expect(replay.steps.find(({ event }) => event.type === 'PasskeyAppended')!.changed).toContainEqual({ field: 'view.passkey', from: null, to: passkey })
  })

  test('has the state before and after each step as the rules fold it, with what was legal next, and the event to the letter', async () => {
    const { id } = login
    const { steps } = (await replays.session(id))!
    const own = steps.filter(({ event }) => event.stream === `session-${id}`)
    const stored = await eventsOf(api.log, `session-${id}`)
    expect(own.map(({ event }) => event)).toEqual(stored.map(({ position: _, ...event }) => event))
    let state: SessionState | undefined
    own.forEach(({ before, after, next }, n) => {
      expect(before).toEqual(n === 0 ? null : own[n - 1]!.after)
      state = evolve(state, parseFact(sessionEvents, stored[n]!))
      expect(after['view']).toEqual(state.view)
      if (state.view.status === 'running') expect(next).toEqual(legalActions(state.view, stored[n]!.metadata.at))
    })
  })

  test('shows that a value is sealed, by what, and never the value', async () => {
    const { id } = login
    const replay = (await replays.session(id))!
    const sealed = replay.steps.flatMap(({ event, sealed }) => sealed.map(({ field, under, opens }) => `${event.type} ${field} ${under} ${opens}`))
    expect(sealed).toEqual(['IdentifierEntered address period true', 'IdentifierEntered identifier period true', 'OtpIssued destination account true'])
    expect([replay.state['identifier'], replay.state['destination']]).toEqual(['sealed', 'sealed'])
    expect(JSON.stringify(replay)).not.toContain('ada@example.com')
  })

  test('is looked back at from a revision, and from a time', async () => {
    const { id } = login
    const early = (await replays.session(id, readAsOf('2')))!
    expect(early.steps.map(({ event }) => event.type)).toEqual(['IdentifierEntered', 'PasswordRejected', 'PasswordVerified'])
    expect([early.revision, early.status, early.tokens, early.step]).toEqual([2, 'running', null, 'append'])
    const then = (await replays.session(id, readAsOf('2026-03-02T08:00:05Z')))!
    expect(then.steps.at(-1)!.event.type).toBe('OtpSent')
    expect(then.steps.some(({ event }) => event.type === 'PasskeyLinked')).toBe(true)
    const later = (await replays.session(id, readAsOf('2026-03-02')))!
    expect(later.steps).toEqual((await replays.session(id))!.steps)
    expect(await replays.session(id, readAsOf('2026-03-01T00:00:00Z'))).toBeUndefined()
    await expect(replays.session(id, readAsOf('99'))).rejects.toThrow(BadAsOf)
    expect(() => readAsOf('yesterday')).toThrow(BadAsOf)
  })

  test('that ran out of time, and was not yet said to have, is expired as of a moment later', async () => {
    const { id } = await api.start()
    const asOf = async (seconds: number) => {
      const { status, next, step } = (await replays.session(id, { time: new Date(api.world.time + seconds * 1000).toISOString() }))!
      return [status, next, step]
    }
    expect(await asOf(899)).toEqual(['running', ['passkey', 'passkey_options', 'passkey_report', 'password'], 'passkey'])
    expect(await asOf(900)).toEqual(['expired', [], null])
  })

  test('is none that the log does not have', async () => {
    expect(await replays.session('a8d1c5de-32a6-5a0c-8a8e-0b6c1b4e7f10')).toBeUndefined()
  })
})

describe('An account', () => {
  test('is told with its passkeys, its logins, their offers, and every change', async () => {
    const { id, passkey } = login
    api.pass(3_600)
    const other = await api.start()
    await other.step('passkey/report', { platform: 'ios', code: '1001', message: '' })
    await other.step('password', { password })
    const replay = (await replays.account(api.world.account))!
    expect(replay).toMatchObject({ status: 'active', registeredAt: '2026-03-02T08:00:00.000Z', passkeys: [{ passkey, status: 'active', session: id }], olderSessions: 0 })
    expect(replay.sessions!.filter(({ session }) => [id, other.id].includes(session))).toMatchObject([
      { session: other.id, outcome: 'running', signedInBy: 'password', offer: { outcome: 'withheld', reason: 'has_passkey_here' }, passkey: null },
      { session: id, outcome: 'completed', signedInBy: 'password', offer: { outcome: 'created', number: 1, mode: 'manual' }, passkey },
    ])
    expect(replay.steps.slice(0, 3).map(({ event, sentence }) => [event.type, sentence])).toEqual([
      ['AccountRegistered', 'The account was added with 1 identifier'],
      ['PasswordSet', 'A password was set'],
      ['ContactAdded', expect.stringContaining('for email')],
    ])
    const hash = replay.steps.find(({ event }) => event.type === 'PasswordSet')!
    expect([hash.sealed, hash.after['password']]).toEqual([[{ field: 'hash', under: 'account', opens: false }], 'sealed'])
  })

  test('is looked back at from a revision and a time, with the logins that there were by then', async () => {
    const { id } = login
    const early = (await replays.account(api.world.account, readAsOf('0')))!
    expect([early.revision, early.passkeys, early.state['password']]).toEqual([0, [], null])
    const then = (await replays.account(api.world.account, readAsOf('2026-03-02T08:00:02Z')))!
    expect([then.passkeys, then.sessions!.map(({ session, outcome }) => [session, outcome])]).toEqual([[], [[id, 'running']]])
    await expect(replays.account(api.world.account, readAsOf('99'))).rejects.toThrow(BadAsOf)
    expect(await replays.account('5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42')).toBeUndefined()
  })
})

describe('The same login, for a SIEM', () => {
  const feed = async (some: readonly Recorded[]): Promise<OcsfEvent[]> => {
    const lineOf = createLines(api.log)
    const events: OcsfEvent[] = []
    for (const recorded of some) {
      const line = await lineOf(recorded)
      if (line !== undefined) events.push(JSON.parse(line) as OcsfEvent)
    }
    return events
  }

  test('is its proofs, its end and what it changed, in their order, and nobody’s name', async () => {
    const events = await feed(stored)
    expect(events.map(({ type_name, status, status_detail = null, is_mfa = null }) => [type_name, status, status_detail, is_mfa])).toEqual([
      ['Account Change: Create', 'Success', 'added', null],
      ['Account Change: Password Change', 'Success', null, null],
      ['Account Change: Contact Added', 'Success', null, null],
      ['Authentication: Logon', 'Failure', 'wrong_password', null],
      ['Authentication: Preauth', 'Success', null, null],
      ['Account Change: Passkey Linked', 'Success', null, null],
      ['Account Change: MFA Factor Enable', 'Success', null, null],
      ['Authentication: Preauth', 'Success', null, null],
      ['Authentication: Logon', 'Success', null, false],
      ['Authentication: Authentication Ticket', 'Success', null, null],
    ])
    expect(events.flatMap(faultsOf)).toEqual([])
    for (const { user } of events) expect(user).toEqual({ uid: api.world.account, type: 'User', type_id: 1 })
    expect(events[3]).toMatchObject({
      service: { name: 'shop' }, session: { uid: login.id }, actor: { app_name: 'app', app_uid: 'shop' }, src_endpoint: { type: 'Mobile', os: { name: 'iOS' } }, auth_factors: [{ factor_type: 'Password' }],
    })
    expect(JSON.stringify(events)).not.toMatch(/ada@|192\.0\.2\.1|a1\.|p1\./)
  })

  test('is told the same from any event on, as after a restart', async () => {
    const [all, half] = [await feed(stored), stored.length >> 1]
    expect([...(await feed(stored.slice(0, half))), ...(await feed(stored.slice(half)))]).toEqual(all)
  })
})
