import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDelivery, fault, type Carrier } from '../delivery/delivery.ts'
import type { AccountEvent } from '../domain/account/events.ts'
import { noticeAttempts } from '../domain/account/notices.ts'
import type { Channel } from '../domain/session/vocabulary.ts'
import { Unavailable } from '../eventlog/event-log.ts'
import { eventsOf } from '../eventlog/testing.ts'
import { ceremonyHere, newKey, off, openApi, type Api } from '../http/testing.ts'
import { openDatabase } from '../projections/database.ts'
import { openReadModel, projections } from '../projections/read-model.ts'
import { readStatus } from '../projections/status.ts'
import { startPostgres, type TestPostgres } from '../projections/testing-postgres.ts'
import { until } from '../projections/testing.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { createNotices, type Notices, type NoticesDue } from './notices.ts'

const [mail, number] = ['ada@example.com', '+436601234567']

let api: Api
let account: string
let errors: unknown[]
/** What the projection says that may have notices due: late, it names everybody; the log decides. */
let named: string[]
const started: Notices[] = []
beforeEach(async () => {
  api = await openApi({ policy: { withPasskey: { ...off, otp: 'required' }, withoutPasskey: off } })
  errors = []
  named = []
  account = await register([mail, number])
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()))
  await api.close()
})

async function register(identifiers: string[]): Promise<string> {
  const id = await api.register({ identifiers, locale: 'de' })
  named = [...named, id].sort()
  return id
}
const everybody: NoticesDue = async (after, limit) => named.filter((id) => id > after).slice(0, limit)
const notices = (engine = api.engine, noticesDue = everybody): Notices => {
  const made = createNotices({ tell: engine.tell, noticesDue, everyMs: 1, onError: (error) => errors.push(error) })
  started.push(made)
  return made
}
const round = () => notices().round()

/** A login that creates a passkey and comes to its code. */
async function create(phone = createAuthenticator()) {
  const login = await api.loginAt('append')
  const credential = await api.credential(login, phone)
  await login.step('append', { credential })
  const give = async () => {
    await login.step('otp/send', { channel: 'email' })
    expect((await login.step('otp', { code: api.code() })).body.passkey.status).toBe('active')
    api.world.messages.length = 0
  }
  return { id: credential.id, path: login.path, flowToken: login.flowToken, give }
}
/** The account that was registered last has a passkey that is active. */
async function activated(app = 'shop'): Promise<void> {
  const passkey = newKey()
  const linked: AccountEvent = {
    type: 'PasskeyLinked',
    data: {
      passkey, publicKey: 'a2V5', algorithm: -7, aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', counter: 0, transports: [], backupEligible: true, backedUp: true,
      uvInitialized: true, challenge: newKey(), session: randomUUID(), installation: randomUUID(), app,
    },
  }
  await api.inAccount(linked, { type: 'PasskeyActivated', data: { passkey } })
}
const told = () => api.world.messages.map(({ template, to }) => `${template} ${to}`)
const ids = () => api.world.messages.map(({ id }) => id)
/** What is said of notices in the account's stream. */
const said = async (id = account) => (await eventsOf(api.log, `account-${id}`)).filter(({ type }) => type.startsWith('Notice'))
const saidTypes = async (id = account) => (await said(id)).map(({ type }) => type)
const answering = (receipts: Partial<Record<Channel, Carrier>>): Carrier => async (message, signal) => receipts[message.channel]?.(message, signal) ?? { delivered: true }

describe('Whoever has a new passkey', () => {
  test('is told so at each contact, in their language, once it is active, and once', async () => {
    const { id, give } = await create()
    expect(await round()).toBe(0)
    await give()
    expect(await round()).toBe(2)
    expect(told()).toEqual([`passkey_activated ${mail}`, `passkey_activated ${number}`])
    const [message] = api.world.messages
    expect(message).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/), channel: 'email', to: mail, template: 'passkey_activated', locale: 'de', app: { name: 'Northwind Shop', domain: 'shop.example' },
    })
    expect(await said()).toMatchObject([
      { type: 'NoticeSent', data: { notice: 'passkey_activated', passkey: id, carrierId: 'carrier 1' }, metadata: { actor: 'engine', $causationId: message?.id } },
      { type: 'NoticeSent' },
    ])
    expect(await round()).toBe(0)
    expect(told()).toHaveLength(2)
  })

  test('and gave no code for it is told nothing: it never signed in', async () => {
    const { path, flowToken } = await create()
    await api.call('DELETE', path, { token: flowToken })
    expect(await round()).toBe(0)
  })

  test('is told at a contact that was removed meanwhile, and not at one that was added', async () => {
    const { give } = await create()
    await give()
    const contacts = (await eventsOf(api.log, `account-${account}`)).flatMap(({ type, data }) => (type === 'ContactAdded' ? [data['contact'] as string] : []))
    await api.inAccount(
      ...contacts.map((contact): AccountEvent => ({ type: 'ContactRemoved', data: { contact } })),
      { type: 'ContactAdded', data: { contact: randomUUID(), channel: 'email', address: await api.engine.vault.seal({ account }, 'thief@example.com') } },
    )
    await round()
    expect(told()).toEqual([`passkey_activated ${mail}`, `passkey_activated ${number}`])
  })

  test('is told of its removal too', async () => {
    const phone = createAuthenticator()
    const { id, give } = await create(phone)
    await give()
    await round()
    const login = await api.start()
    const { body } = await login.step('passkey', { credential: await phone.get(login.started.body.requestOptions, ceremonyHere) })
    expect((await api.call('DELETE', `/v1/passkeys/${id}`, { token: body.tokens.accessToken, key: newKey() })).status).toBe(200)
    expect(await round()).toBe(2)
    expect(told().slice(2)).toEqual([`passkey_removed ${mail}`, `passkey_removed ${number}`])
    expect(new Set(ids()).size).toBe(4)
  })

  test('is told nothing once the person is forgotten', async () => {
    await activated()
    await api.inAccount({ type: 'AccountErased', data: {} })
    expect([await round(), told()]).toEqual([0, []])
  })
})

describe('A notice that the carrier does not take', () => {
  test('is tried again later under the same id, and the other contact is told at once', async () => {
    await activated()
    api.world.carrier = answering({ sms: async () => fault('busy') })
    expect(await round()).toBe(1)
    expect(told()).toEqual([`passkey_activated ${mail}`, `passkey_activated ${number}`])
    api.pass(29)
    expect([await round(), told().length]).toEqual([0, 2])
    api.world.carrier = answering({})
    api.pass(1)
    expect([await round(), told()[2]]).toEqual([1, `passkey_activated ${number}`])
    expect(ids()[2]).toBe(ids()[1])
    expect(await saidTypes()).toEqual(['NoticeSent', 'NoticeFailed', 'NoticeSent'])
  })

  test('is given up after some tries', async () => {
    await activated()
    api.world.carrier = async () => fault('timeout')
    for (let days = 0; days < 2 * noticeAttempts; days += 1) {
      await round()
      api.pass(86_400)
    }
    expect(told()).toHaveLength(2 * noticeAttempts)
    expect(new Set(ids()).size).toBe(2)
    expect((await said()).filter(({ data }) => data['final'])).toHaveLength(2)
  })

  test.each<[string, () => Promise<void>, string, number]>([
    ['there is no carrier for the channel', async () => activated().then(() => void (api.world.carrier = createDelivery({ email: async () => ({ delivered: true }) }))), 'no_carrier', 1],
    ['the carrier refuses the address', async () => activated().then(() => void (api.world.carrier = answering({ sms: async () => fault('refused') }))), 'refused', 1],
    ['the app that made the passkey is registered no more', async () => activated('a former app'), 'app_unknown', 0],
  ])('is not tried again where %s', async (_, happen, reason, taken) => {
    await happen()
    expect(await round()).toBe(taken)
    const messages = told().length
    expect((await said()).at(-1)).toMatchObject({ type: 'NoticeFailed', data: { reason, final: true } })
    api.pass(3_600)
    expect([await round(), told().length]).toEqual([0, messages])
  })

  test('because the carrier is out of reach is not tried for everybody else too: the carrier is asked again in the next round', async () => {
    for (let n = 0; n < 19; n += 1) {
      await register([`+43660555${String(n).padStart(4, '0')}`])
      await activated()
    }
    await register(['eve@example.com'])
    await activated()
    named.sort()
    api.world.carrier = answering({ sms: async () => fault('unreachable') })
    expect(await round()).toBe(1)
    const asked = api.world.messages.filter(({ channel }) => channel === 'sms').length
    expect(asked).toBeLessThan(19)
    api.world.carrier = answering({})
    expect(await round()).toBe(19 - asked)
    api.pass(30)
    expect(await round()).toBe(asked)
  })
})

describe('A round', () => {
  const crash = (at: (type: string) => boolean) => {
    api.log.broken.append = async (next, _, events) => {
      if (!events.some(({ type }) => at(type))) return next()
      api.log.broken.append = undefined
      throw new Unavailable('the engine died')
    }
  }

  test('that ends between sending and saying so is made good by the next one, with the same message', async () => {
    await activated()
    crash((type) => type === 'NoticeSent')
    await expect(round()).rejects.toThrow(Unavailable)
    expect([told(), await said()]).toEqual([[`passkey_activated ${mail}`], []])
    expect(await round()).toBe(2)
    expect(told()).toEqual([`passkey_activated ${mail}`, `passkey_activated ${mail}`, `passkey_activated ${number}`])
    expect(ids()[1]).toBe(ids()[0])
    expect(await saidTypes()).toEqual(['NoticeSent', 'NoticeSent'])
  })

  test('of two engines at once says of each notice once that it was sent, and repeats no message under another id', async () => {
    await activated()
    const other = await api.openNode()
    await Promise.all([round(), notices(other.engine).round()])
    expect(await saidTypes()).toEqual(['NoticeSent', 'NoticeSent'])
    expect(new Set(ids()).size).toBe(2)
  })

  test('goes on after an account that this release cannot read', async () => {
    await activated()
    const metadata = { at: api.now().toISOString(), actor: 'engine', $correlationId: 'x', $causationId: newKey() }
    const { revision } = (await eventsOf(api.log, `account-${account}`)).at(-1) as { revision: number }
    await api.log.append(`account-${account}`, [{ id: randomUUID(), type: 'PasskeyLinked.v9', data: {}, metadata }], revision)
    await register(['bob@example.com'])
    await activated()
    const other = await api.openNode()
    expect(await notices(other.engine).round()).toBe(1)
    expect([told(), errors.length]).toEqual([['passkey_activated bob@example.com'], 1])
  })

  test('that finds the database away is told of, and the next ones come all the same', async () => {
    await activated()
    let away = true
    notices(api.engine, (after, limit) => (away ? Promise.reject(new Error('no connection')) : everybody(after, limit))).start()
    await until(() => errors.length > 1)
    expect(errors[0]).toEqual(new Error('no connection'))
    away = false
    await until(async () => (await said()).length === 2)
  })

  test('at shutdown gives up the message on its way, and nothing is held against it', async () => {
    await activated()
    const sending = Promise.withResolvers<void>()
    // As the carriers do: `createDelivery` holds them to it.
    api.world.carrier = createDelivery({
      email: (): Promise<never> => {
        sending.resolve()
        return new Promise(() => {})
      },
    })
    const running = notices()
    running.start()
    await sending.promise
    await running.stop()
    expect([await said(), told()]).toEqual([[], [`passkey_activated ${mail}`]])
    api.world.carrier = answering({})
    expect(await round()).toBe(2)
    expect(ids()[1]).toBe(ids()[0])
  })
})

describe('With the projection', () => {
  let server: TestPostgres
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.remove())

  /** The projections from the beginning of the log, and a round by them. */
  async function roundByProjection(): Promise<{ due: number; taken: number }> {
    const database = openDatabase({ url: await server.createDatabase() })
    const model = openReadModel({ log: api.log, database, now: api.now, newId: randomUUID, onError: (error) => errors.push(error) })
    try {
      await model.start()
      await until(async () => (await readStatus({ log: api.log, sql: database.sql, projections, now: api.now })).every(({ next }) => next === undefined))
      return { due: (await model.noticesDue('', 100)).length, taken: await notices(api.engine, model.noticesDue).round() }
    } finally {
      await model.stop()
      await database.close()
    }
  }

  test('people are told, and a rebuild of it tells nobody again', async () => {
    const { give } = await create()
    await give()
    expect(await roundByProjection()).toEqual({ due: 1, taken: 2 })
    expect(await roundByProjection()).toEqual({ due: 0, taken: 0 })
    expect([told().length, errors]).toEqual([2, []])
  })
})
