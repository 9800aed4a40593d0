import { afterEach, describe, expect, test } from 'vitest'
import { guessing } from '../domain/guesses.ts'
import { createGuessesHere } from '../engine/guesses-here.ts'
import type { GuessCounter } from '../engine/guess-counter.ts'
import { Unavailable } from '../eventlog/event-log.ts'
import { createHashGate, HashQueueFull } from '../factors/hash-gate.ts'
import { createPasswords, type Passwords } from '../factors/password.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { backendKey, ceremonyHere, done, newKey, off, openApi, password, refused, type Api, type ApiOptions, type Reply, type TakeStep } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (options: ApiOptions = {}, account: Parameters<Api['register']>[0] = {}) => {
  api = await openApi(options)
  return api.register(account)
}
const real = createPasswords({ gate: createHashGate({ atOnce: 4, queue: 256 }), argon2: { memoryCost: 1024, timeCost: 1, parallelism: 1 } })
const noCode = { policy: { withPasskey: off, withoutPasskey: off } }
const ask = (path: string, body: unknown = {}) => api.post(`/v1/accounts/${api.world.account}/${path}`, { token: backendKey, body })

/** A guess in a login of its own. */
const guess = async (typed: string, identifier = 'ada@example.com'): Promise<Reply> => (await api.start({ identifier })).step('password', { password: typed })
const delayed = (reply: Reply, seconds: number): void => {
  refused(reply, 429, 'guessing_delayed')
  expect([reply.headers.get('retry-after'), reply.body.retryAfterSeconds]).toEqual([String(seconds), seconds])
}
/** Whoever guesses has been at it: the first one counted of anybody's is the 95th in a row. */
const nearly = (): GuessCounter => {
  const here = createGuessesHere(1_000)
  const begun = new Set<string>()
  return {
    ...here,
    count(one) {
      const floor = begun.has(one.key) ? one.floor : 94
      begun.add(one.key)
      return here.count({ ...one, floor })
    },
  }
}
/** Each waits out its delay. */
async function guessOften(times: number, identifier?: string): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    refused(await guess(`guess ${n}`, identifier), 403, 'password_rejected', ['PasswordRejected'])
    api.pass(900)
  }
}
/** One wrong code after the other, in logins of their own. */
async function guessCodes(times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    refused(await login.step('otp', { code: 'wrong' }), 403, 'otp_rejected', ['OtpRejected'])
    if (n >= guessing.undelayed - 1) api.pass(900)
  }
}
/** After it the next one is the last. */
const upToTheLast = () => guessOften(5)

describe('After five wrong passwords in a row', () => {
  test('the next one is not looked at for two seconds, then for four, and then on: neither event nor hash nor attempt comes of it', async () => {
    let hashes = 0
    await open({ passwords: { ...real, verify: (...all) => ((hashes += 1), real.verify(...all)) } })
    for (let n = 0; n < 5; n += 1) await guess('wrong')
    const login = await api.start()
    for (const seconds of [2, 4, 8]) {
      hashes = 0
      const reply = await login.step('password', { password })
      delayed(reply, seconds)
      expect([hashes, reply.body.session.attemptsLeft]).toEqual([0, login.started.body.session.attemptsLeft - (seconds === 2 ? 0 : seconds === 4 ? 1 : 2)])
      expect(reply.body.next.map(({ action }: { action: string }) => action)).toEqual(['password'])
      api.pass(seconds - 1)
      delayed(await login.step('password', { password }), 1)
      api.pass(1)
      refused(await login.step('password', { password: 'wrong' }), 403, 'password_rejected', ['PasswordRejected'])
    }
  })

  test('the request that was delayed is judged when it is sent again, under the same key', async () => {
    await open()
    for (let n = 0; n < 5; n += 1) await guess('wrong')
    const [login, key] = [await api.start(), newKey()]
    delayed(await login.step('password', { password }, { key }), 2)
    api.pass(2)
    done(await login.step('password', { password }, { key }), ['PasswordVerified', 'AppendOffered'], 'append')
  })

  test('what was answered before is answered again, and is no guess', async () => {
    await open()
    const [login, key] = [await api.start(), newKey()]
    const first = await login.step('password', { password: 'wrong' }, { key })
    for (let n = 0; n < 3; n += 1) await guess('wrong')
    for (let n = 0; n < 10; n += 1) expect((await login.step('password', { password: 'wrong' }, { key })).body).toEqual(first.body)
    await guess('wrong')
    delayed(await guess('wrong'), 2)
    expect((await login.step('password', { password: 'wrong' }, { key })).body).toEqual(first.body)
  })

  test('a new login, another installation or another address helps nobody', async () => {
    let address = '192.0.2.1'
    await open({ addressOf: () => address })
    for (let n = 0; n < 5; n += 1) await guess('wrong')
    address = '198.51.100.7'
    const elsewhere = await api.start({ installation: '7d3f1a52-8f0e-4c53-9d54-7a2c5f1b3e60' })
    delayed(await elsewhere.step('password', { password }), 2)
  })

  test('the right one begins the count anew', async () => {
    await open()
    for (let n = 0; n < 5; n += 1) await guess('wrong')
    api.pass(2)
    expect((await guess(password)).status).toBe(200)
    for (let n = 0; n < 5; n += 1) refused(await guess('wrong'), 403, 'password_rejected', ['PasswordRejected'])
    delayed(await guess('wrong'), 2)
  })

  test('so it is for an identifier that nobody has, to the second and in the same words', async () => {
    await open()
    const without = ({ status, body: { session, next, ...rest } }: Reply) => ({ status, ...rest, attemptsLeft: session.attemptsLeft, actions: next.map(({ action }: { action: string }) => action) })
    for (let n = 0; n < 12; n += 1) {
      const [known, nobody] = [await guess('wrong'), await guess('wrong', 'nobody@example.com')]
      expect(without(nobody)).toEqual(without(known))
      expect(nobody.headers.get('retry-after')).toBe(known.headers.get('retry-after'))
      api.pass(n % 3 === 0 ? 1 : 7)
    }
  })

  test('an identifier counts once, however it is written', async () => {
    await open()
    for (const [n, written] of ['ada@example.com', 'ADA@example.com', ' Ada@Example.com', 'ada@EXAMPLE.com', 'aDa@example.com'].entries()) await guess(`wrong ${n}`, written)
    delayed(await guess(password), 2)
  })

  test('whoever has the identifier later is not held up by it', async () => {
    await open()
    for (let n = 0; n < 5; n += 1) await guess('wrong', 'bob@example.com')
    delayed(await guess(password, 'bob@example.com'), 2)
    await api.register({ identifiers: ['bob@example.com'] })
    expect((await guess(password, 'bob@example.com')).status).toBe(200)
  })
})

describe('What could not be judged is no guess', () => {
  test('when too many logins wait for a hash', async () => {
    let full = true
    const passwords: Passwords = { ...real, verify: async (...all) => (full ? Promise.reject(new HashQueueFull()) : real.verify(...all)) }
    await open({ passwords })
    const login = await api.start()
    for (let n = 0; n < 8; n += 1) refused(await login.step('password', { password }), 503, 'busy')
    full = false
    expect((await login.step('password', { password })).status).toBe(200)
  })

  test('when the log is away, before it is judged or after', async () => {
    await open()
    const login = await api.start()
    for (let n = 0; n < 8; n += 1) {
      api.log.broken.append = async () => Promise.reject(new Unavailable('the log is away'))
      refused(await login.step('password', { password: 'wrong' }), 503, 'log_unavailable')
      api.log.broken.append = undefined
    }
    expect((await login.step('password', { password })).status).toBe(200)
  })

  test('while somebody else’s guess at the same moment is one', async () => {
    await open()
    const login = await api.start()
    const key = newKey()
    // The same request at once, and its repeats, are one.
    await Promise.all(Array.from({ length: 20 }, () => login.step('password', { password: 'wrong' }, { key })))
    for (let n = 0; n < 4; n += 1) refused(await guess('wrong'), 403, 'password_rejected', ['PasswordRejected'])
    delayed(await guess('wrong'), 2)
  })
})

describe('After a hundred wrong passwords in a row', () => {
  const hundred = () => ({ ...noCode, guessCounter: nearly() })

  test('the password is disabled: a fact, once; and for an identifier that nobody has it is answered the same', async () => {
    await open(hundred())
    await upToTheLast()
    refused(await guess('the last'), 403, 'password_rejected', ['PasswordRejected', 'FactorDisabled'])
    await guessOften(6, 'nobody@example.com')
    for (const seconds of [0, 900, 86_400]) {
      api.pass(seconds)
      const replies = [await guess(password), await guess(password, 'nobody@example.com')]
      for (const reply of replies) {
        refused(reply, 403, 'factor_disabled')
        expect([reply.body.reason, reply.headers.get('retry-after'), reply.body.session.attemptsLeft]).toEqual(['password', null, 30])
      }
    }
    expect((await api.call('GET', `/v1/accounts/${api.world.account}`, { token: backendKey })).body).toMatchObject({ status: 'active', disabledFactors: ['password'] })
  })

  test('a new password is taken, and counted from the beginning', async () => {
    await open(hundred())
    await upToTheLast()
    await guess('the last')
    await ask('password', { password: 'quite another horse' })
    refused(await guess('wrong'), 403, 'password_rejected', ['PasswordRejected'])
    expect((await guess('quite another horse')).status).toBe(200)
  })

  test('the same password is taken again once the account is enabled', async () => {
    await open(hundred())
    await upToTheLast()
    await guess('the last')
    const enabled = await ask('enable')
    expect([enabled.status, enabled.body.disabledFactors, enabled.events]).toEqual([200, [], ['AccountEnabled']])
    expect((await guess(password)).status).toBe(200)
  })

  test('to enable an account ends the delays before it comes so far, too', async () => {
    await open(noCode)
    for (let n = 0; n < 5; n += 1) await guess('wrong')
    delayed(await guess(password), 2)
    expect((await ask('enable')).events).toEqual([])
    expect((await guess(password)).status).toBe(200)
  })

  test('a guess that a crash kept from being the last one is followed by the last one', async () => {
    await open(hundred())
    await upToTheLast()
    api.log.broken.append = (next, stream) => (stream.startsWith('account-') ? Promise.reject(new Unavailable('the log is away')) : next())
    const [login, key] = [await api.start(), newKey()]
    refused(await login.step('password', { password: 'wrong' }, { key }), 503, 'log_unavailable', ['PasswordRejected'])
    api.log.broken.append = undefined
    refused(await login.step('password', { password: 'wrong' }, { key }), 403, 'password_rejected')
    api.pass(900)
    refused(await guess('wrong'), 403, 'password_rejected', ['PasswordRejected', 'FactorDisabled'])
    refused(await guess(password), 403, 'factor_disabled')
  })
})

describe('Wrong codes', () => {
  test('are counted for the account, over its logins and however often a code is sent anew', async () => {
    await open()
    await guessCodes(5)
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    await guessAgain(login.step, 403)
    delayed(await login.step('otp', { code: api.code() }), 4)
    api.pass(30)
    await login.step('otp/send', { channel: 'email' })
    done(await login.step('otp', { code: api.code() }), ['OtpVerified'], 'pin')
  })

  test('do not stand in the way of the password, nor wrong passwords in that of a code', async () => {
    await open()
    await guessCodes(5)
    const login = await api.loginAt('otp')
    for (let n = 0; n < 5; n += 1) await guess('wrong')
    await login.step('otp/send', { channel: 'email' })
    done(await login.step('otp', { code: api.code() }), ['OtpVerified'], 'pin')
  })

  test('that came too late are none', async () => {
    await open()
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    api.pass(300)
    for (let n = 0; n < 8; n += 1) refused(await login.step('otp', { code: api.code() }), 403, 'otp_rejected', ['OtpRejected'])
    await login.step('otp/send', { channel: 'email' })
    done(await login.step('otp', { code: api.code() }), ['OtpVerified'], 'pin')
  })

  test('a hundred in a row disable codes: none is sent and none taken, until the account is enabled', async () => {
    await open({ guessCounter: nearly() })
    await guessCodes(1)
    for (let n = 0; n < 4; n += 1) {
      api.pass(900)
      await guessCodes(1)
    }
    api.pass(900)
    const login = await api.loginAt('otp')
    await login.step('otp/send', { channel: 'email' })
    refused(await login.step('otp', { code: 'wrong' }), 403, 'otp_rejected', ['OtpRejected', 'FactorDisabled'])
    const right = api.code()
    api.pass(300)
    for (const step of [() => login.step('otp', { code: right }), () => login.step('otp/send', { channel: 'email' })]) {
      const reply = await step()
      refused(reply, 403, 'factor_disabled')
      expect(reply.body.reason).toBe('otp')
    }
    const sent = api.world.messages.length
    const another = await api.start()
    done(await another.step('password', { password }), ['PasswordVerified', 'AppendOffered'], 'append')
    await another.step('append/skip', { reason: 'declined' })
    refused(await another.step('otp/send', { channel: 'email' }), 403, 'factor_disabled')
    expect(api.world.messages).toHaveLength(sent)
    await ask('password', { password: 'quite another horse' })
    expect((await api.call('GET', `/v1/accounts/${api.world.account}`, { token: backendKey })).body.disabledFactors).toEqual(['otp'])
    await ask('enable')
    api.pass(1)
    const free = await api.start()
    await free.step('password', { password: 'quite another horse' })
    await free.step('append/skip', { reason: 'declined' })
    await free.step('otp/send', { channel: 'email' })
    done(await free.step('otp', { code: api.code() }), ['OtpVerified'], 'pin')
  })

  const guessAgain = async (step: TakeStep, status: number) => expect((await step('otp', { code: 'wrong' })).status).toBe(status)
})

describe('A login with a passkey', () => {
  test('goes through whatever was guessed: delayed, disabled, or too often from its address', async () => {
    const [here, asked] = [createGuessesHere(1_000), [] as string[]]
    const shared: GuessCounter = { ...here, count: (one) => (asked.push(one.key), here.count(one)) }
    /** As many wrong ones as are taken come from where the app is. */
    const addressIsFull = async (): Promise<Reply> => {
      shared.countAddress = async (...all) => {
        for (let n = 0; n < guessing.fromAddress; n += 1) await here.countAddress(...all)
      }
      await guess('wrong', 'carol@example.com')
      return guess(password, 'dave@example.com')
    }
    await open({ ...noCode, guessCounter: shared })
    const { device } = await api.withPasskey(createAuthenticator())
    for (let n = 0; n < 5; n += 1) await guess('wrong')
    delayed(await guess(password), 2)
    asked.length = 0
    expect((await api.signInWith(device)).signedIn.status).toBe(200)

    await api.inAccount({ type: 'FactorDisabled', data: { factor: 'password' } }, { type: 'FactorDisabled', data: { factor: 'otp' } })
    expect((await api.signInWith(device)).signedIn.status).toBe(200)
    expect((await api.signInWith(device, { identifier: undefined })).signedIn.status).toBe(200)
    expect(asked).toEqual([])
    delayed(await addressIsFull(), 3600)
    asked.length = 0
    expect((await api.signInWith(device)).signedIn.status).toBe(200)

    // A bad one is no guess either.
    const login = await api.start()
    asked.length = 0
    const credential = await device.get(login.started.body.requestOptions, { ...ceremonyHere, clientData: { type: 'webauthn.create' } })
    refused(await login.step('passkey', { credential }), 403, 'passkey_rejected', ['PasskeyRejected'])
    expect(asked).toEqual([])
  })
})

test('From one address a thousand wrong ones an hour are taken, and the next hour it begins anew', async () => {
  const here = createGuessesHere(1_000)
  // Each stands for two hundred and fifty.
  const shared: GuessCounter = {
    ...here,
    async countAddress(...all) {
      for (let n = 0; n < 250; n += 1) await here.countAddress(...all)
    },
  }
  let address = '192.0.2.1'
  await open({ guessCounter: shared, addressOf: () => address })
  for (let n = 0; n < 4; n += 1) refused(await guess('wrong', `nobody${n}@example.com`), 403, 'password_rejected', ['PasswordRejected'])
  delayed(await guess(password), 3600)
  delayed(await guess(password, 'nobody@example.com'), 3600)
  // A proxy's: it would be everybody's.
  address = '10.0.0.1'
  for (let n = 0; n < 6; n += 1) refused(await guess('wrong', `somebody${n}@example.com`), 403, 'password_rejected', ['PasswordRejected'])
  expect((await guess(password)).status).toBe(200)
  address = '192.0.2.1'
  api.pass(3600)
  expect((await guess(password)).status).toBe(200)
})
