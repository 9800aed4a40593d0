import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createGuessesHere } from '../engine/guesses-here.ts'
import type { GuessCounter } from '../engine/guess-counter.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { eventsOf } from '../eventlog/testing.ts'
import { createHashGate } from '../factors/hash-gate.ts'
import { formatOf, parseHash } from '../factors/password-hash.ts'
import { createPasswords, type Passwords } from '../factors/password.ts'
import { createAuthenticator, type Authenticator } from '../stories/authenticator.ts'
import { actionsOf, backendKey, ceremonyHere, done, newKey, openApi, password, refused, startBody, type Api, type Login, type Reply } from './testing.ts'

const real = createPasswords({ gate: createHashGate({ atOnce: 4, queue: 256 }), argon2: { memoryCost: 1024, timeCost: 1, parallelism: 1 } })

let api: Api
/** The formats of the hashes that were verified since it was emptied. */
let verified: string[]
/** So many wrong ones in a row there have been at least. */
let floor: number
/** With a passkey on `phone`: Ada; on `other`: Eve, who is curious. */
let [phone, other]: Authenticator[] = []
beforeEach(async () => {
  verified = []
  const passwords: Passwords = {
    ...real,
    async verify(stored, typed) {
      const parsed = parseHash(stored)
      verified.push('unusable' in parsed ? 'unusable' : formatOf(parsed))
      return real.verify(stored, typed)
    },
  }
  floor = 0
  const here = createGuessesHere(1_000)
  const guessCounter: GuessCounter = { ...here, count: (one) => here.count({ ...one, floor: Math.max(one.floor, floor) }) }
  api = await openApi({ policy: { accountExistence: 'hidden' }, passwords, guessCounter })
  ;[phone, other] = [createAuthenticator(), createAuthenticator()]
  await api.register({ identifiers: ['eve@example.com'] })
  await api.withPasskey(other, { identifier: 'eve@example.com' })
  await api.register()
  await api.withPasskey(phone)
})
afterEach(() => api.close())

/** Somebody, or nobody, for each of whom an answer might be another one. */
const people: [who: string, identifier: string, prepare: () => Promise<unknown>][] = [
  ['nobody', 'nobody@example.com', async () => {}],
  ['somebody without a passkey', 'bob@example.com', () => api.register({ identifiers: ['bob@example.com'] })],
  ['somebody with a passkey', 'ada@example.com', async () => {}],
  ['somebody whose passkey was removed', 'carol@example.com', async () => {
    await api.register({ identifiers: ['carol@example.com'] })
    const { passkey } = await api.withPasskey(createAuthenticator(), { identifier: 'carol@example.com' })
    await api.inAccount({ type: 'PasskeyRevoked', data: { passkey, reason: 'removed' } })
  }],
  ['somebody who demands a code', 'dave@example.com', () => api.register({ identifiers: ['dave@example.com'], mfa: true, locale: 'de' })],
  ['somebody who cannot get one', 'frank@example.com', async () => {
    await api.register({ identifiers: ['frank@example.com'] })
    for await (const { data } of api.log.read(`account-${api.world.account}`)) {
      if (typeof data['contact'] === 'string') await api.inAccount({ type: 'ContactRemoved', data: { contact: data['contact'] } })
    }
  }],
  ['somebody who has no password', 'grace@example.com', async () => {
    const registered = await api.engine.accounts.register({ source: 'added', identifiers: ['grace@example.com'] }, 'cli:test')
    expect(registered.outcome).toBe('registered')
  }],
  ['an account that is disabled', 'heidi@example.com', async () => {
    await api.register({ identifiers: ['heidi@example.com'] })
    await api.inAccount({ type: 'AccountDisabled', data: {} })
  }],
]

type Told = { status: number; headers: Record<string, string>; body: unknown; reads: number; hashes: string[]; events: number }

/** What is every login's own is taken out: its id, its challenge. */
function plain(text: string, { id }: Login): unknown {
  const body = JSON.parse(text.replaceAll(id, 'the session'))
  if (body.requestOptions) {
    expect(body.requestOptions.challenge).toMatch(/^[\w-]{43}$/)
    body.requestOptions.challenge = 'the challenge'
  }
  return body
}

/** All that a stranger may ask, on an engine that was just started, and everything that can be told from the answers or their cost. */
async function askEverything(identifier: string): Promise<Record<string, Told>> {
  const node = await api.openNode()
  const told: Record<string, Told> = {}
  let reads = 0
  count(node.log)
  function count(log: EventLog): void {
    const { read, last } = log
    log.read = (...all) => ((reads += 1), read(...all))
    log.last = (...all) => ((reads += 1), last(...all))
  }
  async function hear(what: string, login: Login | undefined, request: () => Promise<Reply | Login>): Promise<Login> {
    ;[reads, verified] = [0, []]
    const answer = await request()
    const [reply, current] = 'started' in answer ? [answer.started, answer] : [answer, login as Login]
    const headers = Object.fromEntries([...reply.headers].filter(([name]) => name !== 'date').map(([name, value]) => [name, value.replace(current.id, 'the session')]))
    told[what] = { status: reply.status, headers, body: plain(JSON.stringify(reply.body), current), reads, hashes: [...verified], events: reply.events.length }
    return current
  }
  const start = (what: string) => hear(what, undefined, () => api.start({ identifier }, { app: node.app }))
  /** Eve's own passkey, for the request of this login. */
  const assertion = async (login: Login) => other!.get((await login.step('passkey/options')).body.requestOptions, ceremonyHere)

  for (const nth of ['first', 'second', 'third']) await start(`the ${nth} start`)
  const login = await start('a start')
  const say = (what: string, name: string, fields?: unknown) => hear(what, login, () => login.step(name, fields))
  await say('fresh options', 'passkey/options')
  await say('a report', 'passkey/report', { platform: 'ios', code: '1001' })
  await say('options after the report', 'passkey/options')
  await say('another report', 'passkey/report', { platform: 'ios', code: '1001' })
  await say('a passkey when none is asked for', 'passkey', { credential: {} })
  await say('a wrong password', 'password', { password: 'wrong' })
  await say('another wrong password', 'password', { password: 'wrong', insteadOf: 'failed' })
  await hear('the state', login, () => login.read())

  const second = await start('a start for the passkey')
  const credential = await assertion(second)
  await hear('the passkey of somebody else', second, () => second.step('passkey', { credential }))
  const named = await assertion(second)
  const { userHandle: _, ...response } = named.response
  const nameless = { ...named, response }
  await hear('a passkey that does not say whose it is', second, () => second.step('passkey', { credential: nameless }))
  await hear('a wrong password after it', second, () => second.step('password', { password: 'wrong' }))

  const third = await start('a start without an answer')
  await hear('nonsense for a passkey', third, () => third.step('passkey', { credential: {} }))
  api.pass(400)
  const late = await assertion(third)
  api.pass(400)
  await hear('a passkey that comes late', third, () => third.step('passkey', { credential: late }))
  api.pass(-800)
  // The fifth is the last before the delays.
  for (let n = 0; n < 2; n += 1) await (await api.start({ identifier }, { app: node.app })).step('password', { password: 'wrong' })
  const delayed = await start('a start while guesses are delayed')
  await hear('a password while guesses are delayed', delayed, () => delayed.step('password', { password }))
  return told
}

describe('Where it is hidden who has an account', () => {
  test('every question is answered the same, and costs the same, whoever is named', async () => {
    const answers: [string, Record<string, Told>][] = []
    for (const [who, identifier, prepare] of people) {
      await prepare()
      // Each at the same moment, with nothing remembered of those before.
      answers.push([who, await askEverything(identifier)])
    }
    const [[, nobody]] = answers as [[string, Record<string, Told>]]
    for (const [who, told] of answers) for (const [what, one] of Object.entries(told)) expect([who, what, one]).toEqual([who, what, nobody[what]])

    expect(nobody['the first start']).toMatchObject({ status: 201, body: { requestOptions: { allowCredentials: [] }, session: { step: 'passkey' } } })
    expect(nobody['the third start']).toEqual(nobody['the second start'])
    expect(nobody['a wrong password']?.hashes).toHaveLength(1)
    expect(nobody['a password while guesses are delayed']).toMatchObject({ status: 429, hashes: [] })
    expect(nobody['the passkey of somebody else']?.body).toMatchObject({ code: 'passkey_rejected', reason: 'refused' })
  })

  test('the log tells the truth all the same', async () => {
    const login = await api.start({ identifier: 'nobody@example.com' })
    await login.step('passkey', { credential: await other!.get(login.started.body.requestOptions, ceremonyHere) })
    const [entered, , rejected] = await eventsOf(api.log, `session-${login.id}`)
    expect(entered?.data).toMatchObject({ account: null, passkeys: 0, accountExistence: 'hidden' })
    expect(rejected?.data).toMatchObject({ reason: 'wrong_account' })
    const known = await api.start()
    expect((await eventsOf(api.log, `session-${known.id}`))[0]?.data).toMatchObject({ account: api.world.account, passkeys: 1 })
  })

  test('whoever has a passkey signs in with it, and the password stands beside it', async () => {
    const login = await api.start()
    expect(actionsOf(login.started)).toEqual(['passkey', 'passkey_options', 'passkey_report', 'password'])
    done(await login.step('passkey', { credential: await phone!.get(login.started.body.requestOptions, ceremonyHere) }), ['PasskeyVerified', 'AppendWithheld'], 'pin')
    done(await (await api.start()).step('password', { password }), ['PasswordChosen', 'PasswordVerified', 'AppendWithheld'], 'otp')
  })

  test('whoever has none is led on by the device’s report, and offered one', async () => {
    await api.register({ identifiers: ['bob@example.com'] })
    const login = await api.start({ identifier: 'bob@example.com' })
    await login.step('passkey/report', { platform: 'android', code: 'NoCredentialException' })
    const reply = await login.step('password', { password })
    done(reply, ['PasswordChosen', 'PasswordVerified', 'AppendOffered'], 'append')
  })

  test('a passkey signs in nobody but whom the identifier names', async () => {
    await api.register({ identifiers: ['bob@example.com'] })
    for (const identifier of ['bob@example.com', 'ada@example.com', 'nobody@example.com']) {
      const login = await api.start({ identifier })
      const reply = await login.step('passkey', { credential: await other!.get(login.started.body.requestOptions, ceremonyHere) })
      refused(reply, 403, 'passkey_rejected', ['PasskeyRejected'])
      expect(JSON.stringify(reply.body)).not.toContain('wrong_account')
    }
  })

  test('a passkey that does not say whose it is signs in nobody: no passkey was named (WebAuthn Level 3, 7.2, step 6)', async () => {
    const login = await api.start()
    const credential = await phone!.get(login.started.body.requestOptions, ceremonyHere)
    const { userHandle: _, ...response } = credential.response
    refused(await login.step('passkey', { credential: { ...credential, response } }), 403, 'passkey_rejected', ['PasskeyRejected'])
    expect((await eventsOf(api.log, `session-${login.id}`)).at(-1)?.data['reason']).toBe('user_handle_missing')
  })

  test('that a password was guessed too often is told under the name by which it was, and under no other', async () => {
    await api.register({ identifiers: ['dave@example.com', 'dave'] })
    const give = async (identifier: string) => (await api.start({ identifier })).step('password', { password })
    floor = 99
    refused(await (await api.start({ identifier: 'dave@example.com' })).step('password', { password: 'wrong' }), 403, 'password_rejected', ['PasswordChosen', 'PasswordRejected', 'FactorDisabled'])
    floor = 0
    expect((await give('dave@example.com')).body).toMatchObject({ code: 'factor_disabled', reason: 'password' })
    // The other one answers as nobody's does, to the right password too, and costs as much.
    for (const identifier of ['dave', 'nobody']) {
      verified = []
      refused(await give(identifier), 403, 'password_rejected', ['PasswordChosen', 'PasswordRejected'])
      expect(verified).toHaveLength(1)
    }
    await api.post(`/v1/accounts/${api.world.account}/enable`, { token: backendKey })
    for (const identifier of ['dave@example.com', 'dave']) expect((await give(identifier)).status).toBe(200)
  })

  test('that an account is disabled, or has no contact, is told to whoever gave its password', async () => {
    for (const [, identifier, prepare] of people.filter(([who]) => /disabled|cannot get one/.test(who))) {
      await prepare()
      const login = await api.start({ identifier })
      expect(login.started.status).toBe(201)
      expect(['account_disabled', 'no_contact']).toContain((await login.step('password', { password })).body.code)
    }
  })

  test('a login keeps what it began with when the policy changes, and is repeated as it was', async () => {
    const [key, body] = [newKey(), startBody({ identifier: 'nobody@example.com' })]
    const first = await api.post('/v1/sessions', { key, body })
    const login = await api.start({ identifier: 'nobody@example.com' })
    api.world.policy = { ...api.world.policy, accountExistence: 'shown' }
    expect((await api.post('/v1/sessions', { key, body })).body).toEqual(first.body)
    expect(actionsOf(await login.read())).toEqual(['passkey', 'passkey_options', 'passkey_report', 'password'])
    expect(actionsOf((await api.start({ identifier: 'nobody@example.com' })).started)).toEqual(['password'])
  })

  test('an app that cannot use passkeys is asked for the password, whoever it is', async () => {
    for (const identifier of ['ada@example.com', 'nobody@example.com']) {
      const { started } = await api.start({ identifier, supports: ['password', 'otp_send', 'otp', 'pin', 'biometrics'] })
      expect([started.status, actionsOf(started)]).toEqual([201, ['password']])
    }
  })
})
