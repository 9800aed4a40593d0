import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventsOf } from '../eventlog/testing.ts'
import { Unavailable } from '../eventlog/event-log.ts'
import { backendKey, newKey, openApi, type Api, type Login } from '../http/testing.ts'
import { until } from '../projections/testing.ts'
import { createSweeper, type Due, type Sweeper } from './sweeper.ts'

let api: Api
let account: string
let errors: unknown[]
/** What a projection says that may be due: late, it names what was done already; the log decides. */
let named: { sessions: string[]; passkeys: { account: string; session: string }[] }
const sweepers: Sweeper[] = []
beforeEach(async () => {
  api = await openApi()
  account = await api.register()
  errors = []
  named = { sessions: [], passkeys: [] }
})
afterEach(async () => {
  await Promise.all(sweepers.splice(0).map((sweeper) => sweeper.stop()))
  await api.close()
})

const due: Due = { overdueSessions: async () => named.sessions, pendingPasskeys: async () => named.passkeys }
const sweeper = (engine = api.engine, from: Due = due): Sweeper => {
  const made = createSweeper({ streams: engine.streams, due: from, now: api.now, everyMs: 1, onError: (error) => errors.push(error) })
  sweepers.push(made)
  return made
}
const login = async (): Promise<Login> => {
  const begun = await api.loginAt('append')
  named.sessions.push(begun.id)
  return begun
}
/** A login with a passkey that waits for its code. */
const pending = async () => {
  const begun = await login()
  await begun.step('append', { credential: await api.credential(begun) })
  named.passkeys.push({ account, session: begun.id })
  return begun
}
const types = async (stream: string) => (await eventsOf(api.log, stream)).map(({ type }) => type)
const revoked = async () => (await types(`account-${account}`)).filter((type) => type === 'PasskeyRevoked').length
const expired = async ({ id }: Login) => (await types(`session-${id}`)).filter((type) => type === 'SessionExpired').length

describe('A login that was not finished in time', () => {
  test('is said to be expired, once, and nothing is said before', async () => {
    const begun = await login()
    const { sweep } = sweeper()
    api.pass(899)
    expect(await sweep()).toEqual({ expired: 0, revoked: 0 })
    api.pass(1)
    expect(await sweep()).toEqual({ expired: 1, revoked: 0 })
    expect(await sweep()).toEqual({ expired: 0, revoked: 0 })
    const last = (await eventsOf(api.log, `session-${begun.id}`)).at(-1)
    expect(last).toMatchObject({ type: 'SessionExpired', metadata: { at: api.now().toISOString(), actor: 'engine', $correlationId: begun.id } })
  })

  test('is said to be so once by two engines at once', async () => {
    const logins = [await login(), await login(), await login()]
    const other = await api.openNode()
    api.pass(900)
    const rounds = await Promise.all([sweeper().sweep(), sweeper(other.engine).sweep()])
    expect(rounds.reduce((sum, round) => sum + round.expired, 0)).toBe(3)
    for (const begun of logins) expect(await expired(begun)).toBe(1)
  })

  test('is not said to be so when it was finished, or ended, before the projection knew', async () => {
    const [done, left] = [await api.loginAt('completed'), await login()]
    named.sessions.push(done.id)
    await api.call('DELETE', left.path, { token: left.flowToken })
    api.pass(900)
    expect(await sweeper().sweep()).toEqual({ expired: 0, revoked: 0 })
  })

  test('that the log has never heard of is nothing', async () => {
    named.sessions.push('8d0e1c6e-9c3e-5c5b-8f3a-0a6f1d2b3c4d')
    expect(await sweeper().sweep()).toEqual({ expired: 0, revoked: 0 })
    expect(await types('session-8d0e1c6e-9c3e-5c5b-8f3a-0a6f1d2b3c4d')).toEqual([])
  })
})

describe('A passkey that waits for its code', () => {
  test('stays while the login runs', async () => {
    await pending()
    expect(await sweeper().sweep()).toEqual({ expired: 0, revoked: 0 })
  })

  test.each([
    ['expired', async () => api.pass(900)],
    ['left', async (begun: Login) => api.call('DELETE', begun.path, { token: begun.flowToken })],
    ['ended by wrong codes', async (begun: Login) => {
      for (let n = 0; n < 5; n += 1) {
        await begun.step('otp/send', { channel: 'email' })
        for (let guess = 0; guess < 5; guess += 1) await begun.step('otp', { code: `wrong ${guess}` })
        // Somebody helps: the delays would outlast the login.
        await api.post(`/v1/accounts/${api.world.account}/enable`, { token: backendKey })
        api.pass(30)
      }
    }],
  ])('is revoked when the login was %s, once, and can be made anew', async (_, happen) => {
    const begun = await pending()
    await happen(begun)
    const { sweep } = sweeper()
    expect((await sweep()).revoked).toBe(1)
    expect((await sweep()).revoked).toBe(0)
    expect(await revoked()).toBe(1)
    const { body } = await (await api.loginAt('append')).step('append/options')
    expect(body.creationOptions.excludeCredentials).toEqual([])
  })

  test('is revoked once by two engines at once', async () => {
    const begun = await pending()
    await api.call('DELETE', begun.path, { token: begun.flowToken })
    const other = await api.openNode()
    await Promise.all([sweeper().sweep(), sweeper(other.engine).sweep()])
    expect(await revoked()).toBe(1)
  })

  test('stays when it was activated before the projection knew', async () => {
    const begun = await pending()
    await begun.step('otp/send', { channel: 'email' })
    await begun.step('otp', { code: api.code() })
    await begun.step('pin', {})
    await begun.step('biometrics', { enabled: true })
    expect(await sweeper().sweep()).toEqual({ expired: 0, revoked: 0 })
    expect(await revoked()).toBe(0)
  })
})

describe('A round', () => {
  test('goes on after a login that this release cannot read', async () => {
    const [strange, usual] = [await login(), await login()]
    const metadata = { at: api.now().toISOString(), actor: 'engine', $correlationId: 'x', $causationId: newKey() }
    await api.log.append(`session-${strange.id}`, [{ id: randomUUID(), type: 'PasswordVerified.v9', data: {}, metadata }], 2)
    api.pass(900)
    const other = await api.openNode()
    expect(await sweeper(other.engine).sweep()).toEqual({ expired: 1, revoked: 0 })
    expect([await expired(strange), await expired(usual), errors.length]).toEqual([0, 1, 1])
  })

  test('ends when the log is away, and the next one does the work', async () => {
    const begun = await login()
    await login()
    api.pass(900)
    const { sweep } = sweeper()
    api.log.broken.away = true
    await expect(sweep()).rejects.toThrow(Unavailable)
    api.log.broken.away = false
    expect((await sweep()).expired).toBe(2)
    expect(await expired(begun)).toBe(1)
  })

  test('that finds the database away is told of, and the next ones come all the same', async () => {
    const begun = await login()
    api.pass(900)
    let away = true
    const running = sweeper(api.engine, { ...due, overdueSessions: async () => (away ? Promise.reject(new Error('no connection')) : named.sessions) })
    running.start()
    await until(() => errors.length > 1)
    expect(errors[0]).toEqual(new Error('no connection'))
    away = false
    await until(async () => (await expired(begun)) === 1)
  })

  test('that is at work is finished before the sweeper has stopped, and no other begins', async () => {
    let rounds = 0
    const working = Promise.withResolvers<string[]>()
    const running = sweeper(api.engine, { ...due, overdueSessions: () => ((rounds += 1), working.promise) })
    running.start()
    await until(() => rounds === 1)
    let stopped = false
    const stopping = running.stop().then(() => (stopped = true))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(stopped).toBe(false)
    working.resolve([])
    await stopping
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(rounds).toBe(1)
  })
})
