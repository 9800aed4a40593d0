import { hash as argon2id } from '@node-rs/argon2'
import { afterEach, describe, expect, test } from 'vitest'
import { createHashGate } from '../factors/hash-gate.ts'
import { createPasswords, type Passwords } from '../factors/password.ts'
import { actionsOf, done, openApi, password, refused, type Api, type ApiOptions } from './testing.ts'

/** Of `U*U`, with bcrypt. */
const imported = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'

let api: Api
afterEach(() => api.close())
const open = async (options: ApiOptions = {}, account: Parameters<Api['register']>[0] = {}) => {
  api = await openApi(options)
  return api.register(account)
}

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
    await open({ flowSeconds: 86_400 })
    const login = await api.start()
    for (let left = 29; left > 0; left -= 1) {
      expect((await login.step('password', { password: `wrong ${left}` })).body.session.attemptsLeft).toBe(left)
      api.pass(900)
    }
    const last = await login.step('password', { password: 'wrong' })
    refused(last, 403, 'password_rejected', ['PasswordRejected', 'SessionEnded'])
    expect([last.body.session.status, last.body.session.endReason, last.body.next]).toEqual(['ended', 'too_many_refusals', []])
    refused(await login.step('password', { password }), 410, 'session_ended')
  })

  test('is good however old it is, and nobody is told to change it', async () => {
    await open()
    api.pass(10 * 365 * 86_400)
    done(await (await api.start()).step('password', { password }), ['PasswordVerified', 'AppendOffered'], 'append')
  })

  test('that is replaced while it is judged does not sign in any more', async () => {
    const passwords = createPasswords({ gate: createHashGate({ atOnce: 4, queue: 256 }), argon2: { memoryCost: 1024, timeCost: 1, parallelism: 1 } })
    let replace = async (): Promise<void> => {}
    const slow: Passwords = {
      ...passwords,
      async verify(stored, typed) {
        const verdict = await passwords.verify(stored, typed)
        await replace()
        return verdict
      },
    }
    const account = await open({ passwords: slow })
    const login = await api.start()
    replace = async () => {
      replace = async () => {}
      const hash = await api.engine.vault.seal({ account }, await passwords.hash('quite another horse'))
      await api.inAccount({ type: 'PasswordSet', data: { hash, reason: 'set' } }, { type: 'SessionsRevoked', data: {} })
    }
    refused(await login.step('password', { password }), 403, 'password_rejected', ['PasswordSet', 'SessionsRevoked', 'PasswordRejected'])
  })

  test('is asked for again before anything else', async () => {
    await open()
    const login = await api.start()
    const later: [name: string, fields?: object][] = [
      ['append/options'], ['append/skip', { reason: 'never' }], ['otp/send', { channel: 'email' }], ['otp', { code: '123456' }], ['otp/skip'],
      ['pin', {}], ['pin/skip'], ['biometrics', { enabled: true }], ['biometrics/skip'],
    ]
    for (const [name, fields] of later) {
      const reply = await login.step(name, fields)
      refused(reply, 409, 'step_not_legal')
      expect(actionsOf(reply)).toEqual(['password'])
    }
    expect(api.world.messages).toEqual([])
  })

  test('costs as many reads of the log for an identifier that nobody owns', async () => {
    await open()
    const reads: Record<string, number[]> = {}
    for (const identifier of ['ada@example.com', 'nobody@example.com']) {
      // With nothing remembered of anybody.
      const { app, log } = await api.openNode()
      const counts: number[] = (reads[identifier] = [])
      const { read } = log
      let since = 0
      log.read = (stream, from) => ((since += 1), read(stream, from))
      const counted = async <T>(work: () => Promise<T>): Promise<T> => {
        since = 0
        const done = await work()
        counts.push(since)
        return done
      }
      for (const _ of ['first', 'second']) {
        const login = await counted(() => api.start({ identifier }, { app }))
        for (const wrong of ['wrong', 'wrong again']) await counted(() => login.step('password', { password: wrong }))
      }
      // And what was started at one engine goes on at another.
      const [elsewhere, login] = [await api.openNode(), await api.start({ identifier })]
      const before = elsewhere.log.read
      elsewhere.log.read = (stream, from) => ((since += 1), before(stream, from))
      await counted(() => login.step('password', { password: 'wrong' }, {}, elsewhere.app))
    }
    const [known, nobody] = Object.values(reads)
    expect(nobody).toEqual(known)
    // With the session's, and the keys of the period and of the person.
    expect(known?.at(-1)).toBe(5)
    // The log's own look-ups of a start (session, claim, account) and of a password (account, and again).
    expect(known?.slice(3, 6)).toEqual([3, 2, 2])
  })

  test('costs a hash of the formats that occur, for an identifier that nobody owns: the same one each time', async () => {
    const verified: string[] = []
    const real = createPasswords({ gate: createHashGate({ atOnce: 4, queue: 256 }), argon2: { memoryCost: 1024, timeCost: 1, parallelism: 1 } })
    await open({ passwords: { ...real, verify: (stored, typed) => (verified.push(stored), real.verify(stored, typed)) } }, { source: 'import', password: { hash: imported } })
    for (const n of [1, 2, 3]) await api.register({ source: 'import', identifiers: [`person${n}@example.com`], password: { hash: imported } })
    // An engine that was just started knows them too.
    const { app } = await api.openNode()
    for (let n = 0; n < 3; n += 1) await (await api.start({ identifier: 'nobody@example.com' }, { app })).step('password', { password: 'wrong' })
    expect(new Set(verified).size).toBe(1)
    expect(verified[0]?.startsWith('$2b$05$')).toBe(true)
    // One of four gets a hash of ours.
    expect((await (await api.start()).step('password', { password: 'U*U' })).status).toBe(200)
    const decoys = verified.length
    for (let n = 0; n < 24; n += 1) await (await api.start({ identifier: `nobody${n}@example.com` })).step('password', { password: 'wrong' })
    const formats = verified.slice(decoys).map((stored) => stored.slice(0, 3))
    expect(new Set(formats)).toEqual(new Set(['$2b', '$ar']))
    expect(formats.filter((format) => format === '$2b').length).toBeGreaterThan(12)
  })

  test('asks no database unless an offer hangs on it', async () => {
    await open()
    const login = await api.start()
    await login.step('password', { password: 'wrong' })
    expect(api.world.historyAsked).toBe(0)
    await login.step('password', { password })
    expect(api.world.historyAsked).toBe(1)
    await login.step('append/options')
    await login.step('append/skip', { reason: 'declined' })
    await login.step('otp/send', { channel: 'email' })
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
    api.world.offers = { offers: 6, recent: [] }
    expect((await (await api.start()).step('password', { password })).body.offer.number).toBe(7)
  })

  test('imported under weaker parameters is hashed anew, once the answer is given', async () => {
    const weak = await argon2id(password, { memoryCost: 512, timeCost: 1, parallelism: 1 })
    await open({}, { source: 'import', password: { hash: weak } })
    expect((await (await api.start()).step('password', { password })).events).toEqual(['PasswordVerified', 'AppendOffered', 'PasswordSet'])
    expect((await (await api.start()).step('password', { password })).events).toEqual(['PasswordVerified', 'AppendOffered'])
  })
})
