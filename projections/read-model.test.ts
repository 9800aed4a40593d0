import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AccountEvent } from '../domain/account/events.ts'
import type { Sealed } from '../domain/event.ts'
import type { SessionEvent } from '../domain/session/events.ts'
import { offersLookedAt } from '../domain/policy/append.ts'
import { noOffers, type OfferHistory } from '../domain/policy/history.ts'
import { facts } from '../domain/session/given.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { appendHistory } from './append-history.ts'
import { openDatabase, type Database } from './database.ts'
import type { Projection } from './projection.ts'
import { openReadModel, projections, type ReadModel } from './read-model.ts'
import { readServed } from './serving.ts'
import { readStatus } from './status.ts'
import { startPostgres, type TestPostgres } from './testing-postgres.ts'
import { until } from './testing.ts'

let server: TestPostgres
let url: string
let database: Database
let file: ReturnType<typeof openTestFile>
let log: BreakableLog
let model: ReadModel
let time: number
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.remove())
beforeEach(async () => {
  url = await server.createDatabase()
  database = openDatabase({ url })
  file = openTestFile()
  log = file.open()
  time = Date.parse('2026-03-02T08:00:00.000Z')
  model = openReadModel({ log, database, now, newId: randomUUID, onError: () => {} })
})
afterEach(async () => {
  await model.stop()
  await database.close()
  await file.remove()
})

const ada = '5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42'
const bob = '9c1f0a8e-7b2d-4e6f-8a51-3d2c4b5e6f70'
const metadata = { actor: 'engine', $correlationId: 'x', $causationId: 'x' }
const write = (stream: string, events: readonly (SessionEvent | AccountEvent)[], expected: number | 'none' = 'none') =>
  log.append(stream, events.map(({ type, data }) => ({ id: randomUUID(), type, data: data as never, metadata: { ...metadata, at: new Date(time).toISOString() } })), expected)
const now = () => new Date(time)
/** Every event that is in the log is in the rows. */
const caughtUp = async () => {
  // The tables are there by then.
  await until(() => model.status().every(({ lag }) => lag !== undefined))
  await until(async () => (await readStatus({ log, sql: database.sql, projections, now })).every(({ next }) => next === undefined))
}

/** A login of this account, begun so many seconds after eight. */
const login = async (account: string, ...events: SessionEvent[]): Promise<string> => {
  const id = randomUUID()
  const entered = facts.entered()
  await write(`session-${id}`, [{ ...entered, data: { ...entered.data, account, expiresAt: new Date(time + 900_000).toISOString() } } as SessionEvent, ...events])
  return id
}
const offered = [facts.verified(), facts.offered()]

describe('The history of offers', () => {
  test('counts those of an account over all its logins, and not those that were withheld or ask nobody', async () => {
    model.start()
    const retried = [...offered, facts.started(), facts.cancelled(), facts.started(2)]
    for (const events of [offered, [...offered, facts.skipped()], retried, [facts.verified(), facts.withheld()], [facts.verified(), facts.offered(4, 'post_login', 'conditional')], []]) await login(ada, ...events)
    await login(bob, ...offered)
    await caughtUp()
    expect([await model.history(ada), await model.history(bob), await model.history(randomUUID())]).toMatchObject([{ offers: 3 }, { offers: 1 }, { offers: 0, recent: [] }])
  })

  test('tells of the newest of them what became of each, the conditional ones too', async () => {
    model.start()
    const endings = [[], [facts.started()], [facts.skipped()], [facts.cancelled()], [facts.notShown()], [facts.failedThere()], [facts.started(), facts.appended()]]
    const began = new Date(time).toISOString()
    await login(ada, facts.verified(), facts.offered(1, 'settings', 'conditional'), facts.failedHere())
    for (const ending of endings) {
      time += 60_000
      await login(ada, ...offered, ...ending)
    }
    await caughtUp()
    const { offers, recent } = (await model.history(ada)) as OfferHistory
    expect(offers).toBe(7)
    expect(recent.map(({ outcome, mode }) => `${mode} ${outcome}`)).toEqual([
      'manual created', 'manual failed', 'manual notShown', 'manual cancelled', 'manual declined', 'manual unanswered', 'manual unanswered', 'conditional failed',
    ])
    expect(recent[0]).toEqual({ at: now().toISOString(), mode: 'manual', entryPoint: 'post_login', outcome: 'created', settledAt: now().toISOString() })
    expect(recent[6]).toMatchObject({ settledAt: null })
    expect(recent.at(-1)).toMatchObject({ at: began, entryPoint: 'settings' })
  })

  test('counts more offers than it tells of', async () => {
    model.start()
    for (let made = 0; made < offersLookedAt + 2; made += 1) await login(ada, ...offered)
    await caughtUp()
    const { offers, recent } = (await model.history(ada)) as OfferHistory
    expect([offers, recent.length]).toEqual([offersLookedAt + 2, offersLookedAt])
  })

  test('is not known before the projection has caught up, nor while the database is away', async () => {
    expect(await model.history(ada)).toBe('unavailable')
    model.start()
    await caughtUp()
    expect(await model.history(ada)).toEqual(noOffers)
    await server.stop()
    expect(await model.history(ada)).toBe('unavailable')
    await server.start()
    await until(async () => (await model.history(ada)) !== 'unavailable')
  })

  test('is not decided on when it is more than thirty seconds behind', async () => {
    model.start()
    await login(ada, ...offered)
    await caughtUp()
    const other = postgres(url, { max: 1, onnotice: () => {} })
    await other.begin(async (sql) => {
      // Nothing is written as long as this is held.
      await sql`select from projection_checkpoints for update`
      await login(ada, ...offered)
      time += 1_000
      await until(() => model.status().some(({ projection, lag }) => projection === 'append_history' && lag === 1_000))
      time += 29_000
      expect(await model.history(ada)).toMatchObject({ offers: 1 })
      time += 1
      expect(await model.history(ada)).toBe('unavailable')
    })
    await other.end()
    await caughtUp()
    expect(await model.history(ada)).toMatchObject({ offers: 2 })
  })
})

describe('While a new version of the history fills', () => {
  /** As a later release keeps it: no offer counts any more, and what is known of a login has another version too. */
  const next = projections.map((projection): Projection => {
    const newer = { ...projection, version: projection.version + 1, alsoReads: [projection.version] }
    if (projection.name === 'sessions') return newer
    return projection.name === 'append_history' ? { ...newer, evolve: (row, event) => ({ ...projection.evolve(row, event), offer: null }) } : projection
  })
  /** The next release, whose new table fills only once `fill` was called. */
  const openNext = (kept = next) => {
    const gate = Promise.withResolvers<void>()
    const subscribe: EventLog['subscribe'] = async function* (options) {
      if (options.after === undefined) await gate.promise
      yield* log.subscribe(options)
    }
    const told: string[] = []
    const onServed = (table: (projection: Projection) => string) => Promise.resolve(void told.push(table(appendHistory)))
    return { fill: gate.resolve, told, model: openReadModel({ log: { ...log, subscribe }, database, now, newId: randomUUID, onError: () => {}, onServed, kept }) }
  }
  const served = async () => (await readServed(database.sql)).find(({ projection }) => projection === 'append_history')?.version

  test('the old one serves, as long as an engine of the old release keeps it, and then all engines switch', async () => {
    await model.start()
    await login(ada, ...offered)
    await caughtUp()
    expect(await served()).toBe(appendHistory.version)
    const [one, two] = [openNext(), openNext()]
    const started = [one, two].map((engine) => engine.model.start())
    await until(async () => (await one.model.history(ada)) !== 'unavailable')
    expect(await one.model.history(ada)).toMatchObject({ offers: 1 })
    const id = await login(ada, ...offered)
    await caughtUp()
    expect(await one.model.history(ada)).toMatchObject({ offers: 2 })
    expect([await one.model.session(id, 2), await one.model.session(id, 3)]).toMatchObject([{ revision: 2 }, undefined])
    // Nobody has looked since whether the old table is still kept.
    time += 30_001
    expect(await one.model.history(ada)).toBe('unavailable')
    expect(await served()).toBe(appendHistory.version)
    for (const { fill } of [one, two]) fill()
    await Promise.all(started)
    for (const engine of [one, two]) await until(async () => JSON.stringify(await engine.model.history(ada)).includes('"offers":0'))
    expect(await served()).toBe(appendHistory.version + 1)
    for (const { told } of [one, two]) await until(() => told.at(-1) === `append_history_v${appendHistory.version + 1}`)
    // The way back: the old release reads what it keeps.
    expect(await model.history(ada)).toMatchObject({ offers: 2 })
    for (const engine of [one, two]) await engine.model.stop()
  })

  test('nothing is read of an old one that has not what the new release reads', async () => {
    await model.start()
    await login(ada, ...offered)
    await caughtUp()
    const { fill, model: other } = openNext(next.map((projection) => ({ ...projection, alsoReads: [] })))
    const started = other.start()
    await until(() => other.status().some(({ projection, lag }) => projection === 'passkey_uses' && lag === 0))
    expect(await other.history(ada)).toBe('unavailable')
    fill()
    await started
    expect(await other.history(ada)).toMatchObject({ offers: 0 })
    await other.stop()
  })
})

describe('What the sweeper asks for', () => {
  test('are the logins whose time is over, the oldest first, and not those that are said to be', async () => {
    model.start()
    const first = await login(ada)
    time += 1_000
    const second = await login(ada, ...offered)
    await login(ada, facts.verified(), facts.completed())
    await login(ada, facts.ended('signed_out'))
    await login(ada, facts.expired())
    time += 1_000
    await login(ada)
    await caughtUp()
    const at = (seconds: number) => new Date(Date.parse('2026-03-02T08:15:00.000Z') + seconds * 1000)
    expect(await model.overdueSessions(at(-0.001), 10)).toEqual([])
    expect(await model.overdueSessions(at(0), 10)).toEqual([first])
    expect(await model.overdueSessions(at(1), 10)).toEqual([first, second])
    expect(await model.overdueSessions(at(3_600), 2)).toEqual([first, second])
    await write(`session-${first}`, [facts.expired()], 0)
    await caughtUp()
    expect(await model.overdueSessions(at(1), 10)).toEqual([second])
  })

  test('are the passkeys that are still pending, with the login that made them', async () => {
    model.start()
    const [one, other] = [randomUUID(), randomUUID()]
    const linked = (passkey: string, session: string): AccountEvent => ({
      type: 'PasskeyLinked',
      data: {
        passkey, publicKey: 'a2V5', algorithm: -7, aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', counter: 0, transports: [],
        backupEligible: true, backedUp: true, uvInitialized: true,
        challenge: 'Y2hhbGxlbmdl', session, installation: randomUUID(), app: 'shop',
      },
    })
    const registered: AccountEvent = { type: 'AccountRegistered', data: { source: 'added', identifiers: [], mfa: false } }
    await write(`account-${ada}`, [registered, linked('aaaa', one), linked('bbbb', other), { type: 'PasskeyActivated', data: { passkey: 'aaaa' } }])
    await write(`account-${bob}`, [registered, linked('cccc', one), { type: 'PasskeyRevoked', data: { passkey: 'cccc', reason: 'login_unfinished' } }])
    await write(`account-${randomUUID()}`, [registered])
    await caughtUp()
    expect(await model.pendingPasskeys(10)).toEqual([{ account: ada, session: other }])
    expect(await model.pendingPasskeys(0)).toEqual([])
  })
})

describe('What the notices ask for', () => {
  test('are the accounts with some that are due, page by page', async () => {
    model.start()
    const [registered, contact]: [AccountEvent, AccountEvent] = [
      { type: 'AccountRegistered', data: { source: 'added', identifiers: [], mfa: false } },
      { type: 'ContactAdded', data: { contact: 'home', channel: 'email', address: 'sealed' as Sealed } },
    ]
    const ids = Array.from({ length: 5 }, () => randomUUID()).sort()
    for (const id of ids) await write(`account-${id}`, [registered, contact, { type: 'PasskeyActivated', data: { passkey: 'aaaa' } }])
    await write(`account-${ada}`, [registered, contact])
    await caughtUp()
    expect(await model.noticesDue('', 3)).toEqual(ids.slice(0, 3))
    expect(await model.noticesDue(ids[2] as string, 3)).toEqual(ids.slice(3))
    await write(`account-${ids[0]}`, [{ type: 'NoticeSent', data: { notice: 'passkey_activated', passkey: 'aaaa', contact: 'home' } }], 2)
    await caughtUp()
    expect(await model.noticesDue('', 10)).toEqual(ids.slice(1))
  })
})

describe('The last use of a passkey', () => {
  test('is known of each passkey of the account, and of none while the database is away', async () => {
    model.start()
    const [mine, other] = [facts.passkeyVerified({ account: ada }), facts.passkeyVerified({ account: ada, passkey: 'passkey-02' })]
    await login(ada, mine)
    await login(bob, facts.passkeyVerified({ account: bob }))
    time += 1_000
    await login(ada, mine)
    time += 1_000
    await login(ada, other)
    await caughtUp()
    const uses = new Map([['passkey-00', '2026-03-02T08:00:01.000Z'], ['passkey-02', '2026-03-02T08:00:02.000Z']])
    expect(await model.lastUses(ada)).toEqual(uses)
    expect(await model.lastUses(randomUUID())).toEqual(new Map())
    await server.stop()
    expect(await model.lastUses(ada)).toEqual(new Map())
    await server.start()
    await until(async () => (await model.lastUses(ada)).size === 2)
  })
})

describe('The row of a login', () => {
  test('is given as soon as it has the revision that the reader has seen', async () => {
    model.start()
    const id = await login(ada)
    await caughtUp()
    expect(await model.session(id, 0)).toMatchObject({ revision: 0, view: { proof: null } })
    const reading = model.session(id, 1)
    await write(`session-${id}`, [facts.verified()], 0)
    expect(await reading).toMatchObject({ revision: 1, view: { proof: 'password' } })
  })

  test('is not given while it is late, unknown, or the database away', async () => {
    model.start()
    const id = await login(ada)
    await caughtUp()
    expect([await model.session(id, 7), await model.session(randomUUID(), 0)]).toEqual([undefined, undefined])
    await server.stop()
    expect(await model.session(id, 0)).toBeUndefined()
    await server.start()
    await until(async () => (await model.session(id, 0)) !== undefined)
  })
})
