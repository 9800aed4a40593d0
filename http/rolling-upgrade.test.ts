/** Release N and release N+1 on one log: what N does not know stops what it is about, and nothing else. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { EventLog } from '../eventlog/event-log.ts'
import { openDatabase } from '../projections/database.ts'
import { listParked } from '../projections/parked.ts'
import type { Projection } from '../projections/projection.ts'
import { openReadModel } from '../projections/read-model.ts'
import { createRunner } from '../projections/run.ts'
import { sessions, type SessionRow } from '../projections/sessions.ts'
import { startPostgres, type TestPostgres } from '../projections/testing-postgres.ts'
import { storedRows, until } from '../projections/testing.ts'
import { createSweeper } from '../reactions/sweeper.ts'
import type { SessionReader } from './sessions.ts'
import { openApi, password, refused, type Api, type Reply } from './testing.ts'

let api: Api
let reader: SessionReader
beforeEach(async () => {
  reader = async () => undefined
  api = await openApi({ readSession: (...asked) => reader(...asked) })
  await api.register()
})
afterEach(() => api.close())

const newType = { type: 'AppendDeferred', data: { days: 7 } }
/** A type that is known, with a word that is not. */
const newShape = { type: 'AppendSkipped', data: { reason: 'later' } }

/** What an engine of release N+1 writes, at the end of the stream. */
async function writtenByNext(stream: string, event: typeof newType | typeof newShape): Promise<void> {
  const metadata = { at: api.now().toISOString(), actor: 'engine', $correlationId: stream, $causationId: randomUUID() }
  const last = await api.log.last(stream)
  await api.log.append(stream, [{ id: randomUUID(), ...event, metadata }], last?.revision ?? 'none')
}

function stopped(reply: Reply): void {
  refused(reply, 503, 'unknown_event')
  expect(reply.headers.get('retry-after')).toBe('1')
}

describe.each([['event of an unknown type', newType], ['event of an unknown shape', newShape]])('An %s', (_, event) => {
  test('in a login stops that login alone, also in an engine that has it in memory', async () => {
    const [stuck, other] = [await api.loginAt('append'), await api.loginAt('append')]
    await writtenByNext(`session-${stuck.id}`, event)
    stopped(await stuck.step('append/skip', { reason: 'declined' }))
    stopped(await stuck.step('append/options'))
    stopped(await stuck.read())
    stopped(await api.call('DELETE', stuck.path, { token: stuck.flowToken }))
    const fresh = (await api.openNode()).app
    stopped(await stuck.step('append/skip', { reason: 'declined' }, {}, fresh))
    expect((await other.step('append/skip', { reason: 'declined' })).status).toBe(200)
    expect((await api.start()).started.status).toBe(201)
  })

  test('of an account stops the logins of that account alone', async () => {
    const signedIn = await api.loginAt('completed')
    const running = await api.start()
    const account = api.world.account
    await api.register({ identifiers: ['bob@example.com'] })
    await writtenByNext(`account-${account}`, event)
    stopped((await api.start()).started)
    stopped(await running.step('password', { password }))
    stopped(await api.post(`${signedIn.path}/refresh`, { body: { refreshToken: signedIn.tokens.refreshToken } }))
    const bob = await api.start({ identifier: 'bob@example.com' })
    expect((await bob.step('password', { password })).status).toBe(200)
  })
})

test('What runs out of time meanwhile is swept, but for the login that cannot be read', async () => {
  const [stuck, other] = [await api.start(), await api.start()]
  await writtenByNext(`session-${stuck.id}`, newType)
  api.pass(901)
  const errors: unknown[] = []
  const due = { overdueSessions: async () => [stuck.id, other.id], pendingPasskeys: async () => [] }
  const { sweep } = createSweeper({ streams: api.engine.streams, due, now: api.now, everyMs: 1, onError: (error) => errors.push(error) })
  expect(await sweep()).toEqual({ expired: 1, revoked: 0 })
  expect(errors).toMatchObject([{ code: 'unknown_event' }])
})

describe('The projections', () => {
  let server: TestPostgres
  beforeAll(async () => void (server = await startPostgres()))
  afterAll(() => server.remove())

  /** `sessions` as of release N+1: the same rows and columns for what was there, so the same table. */
  const next: Projection<SessionRow> = {
    ...sessions,
    evolve: (row, event) => (event.type === newType.type ? { ...row, revision: event.revision, updated_at: event.metadata.at } : sessions.evolve(row, event)),
  }

  test('set the login aside and go on with the others; the next release makes its row good', async () => {
    const database = openDatabase({ url: await server.createDatabase() })
    const parked: string[] = []
    const model = openReadModel({ log: api.log, database, now: api.now, newId: randomUUID, patience: 30_000, onError: () => {}, onParked: (table, type) => parked.push(`${table} ${type}`) })
    await model.start()
    reader = model.session
    const [stuck, other] = [await api.loginAt('append'), await api.loginAt('append')]
    await writtenByNext(`session-${stuck.id}`, newType)
    await until(() => model.status().some(({ parked: rows }) => rows === 1))
    const { body } = await other.step('append/skip', { reason: 'declined' })
    expect((await model.session(other.id, body.session.revision))?.revision).toBe(body.session.revision)
    await until(() => model.status().every(({ lag, parked: rows, projection }) => lag === 0 && (rows === 1 || !['sessions', 'append_history', 'adoption_logins'].includes(projection))))
    expect(parked.toSorted()).toEqual(['adoption_logins_v1 AppendDeferred', 'append_history_v3 AppendDeferred', 'sessions_v3 AppendDeferred'])
    // The row is as it was, and the reader is not told that it is the present.
    reader = async (session, revision) => (revision <= 2 ? model.session(session, revision) : undefined)
    stopped(await stuck.read(stuck.flowToken, '?revision=3'))
    await model.stop()

    const upgraded = createRunner({ log: api.log, sql: database.sql, projections: [next], id: 'next', now: api.now })
    upgraded.start()
    await until(() => upgraded.status().every(({ lag }) => lag === 0))
    expect((await listParked(database.sql)).map(({ projection }) => projection).toSorted()).toEqual(['adoption_logins_v1', 'append_history_v3'])
    expect((await storedRows(database.sql, sessions))[stuck.id]).toMatchObject({ revision: 3, status: 'running' })
    await upgraded.stop()
    await database.close()
  })

  test('make the row good too where the next release only stood by while the old one was at work', async () => {
    const database = openDatabase({ url: await server.createDatabase() })
    const shared = { sql: database.sql, now: api.now, patience: 20 }
    const old = createRunner({ ...shared, log: api.log, projections: [sessions], id: 'old' })
    // Events come to the next release a little later, so that the old one is always faster.
    const late = Promise.withResolvers<void>()
    const slowly: EventLog['subscribe'] = async function* (options) {
      for await (const item of api.log.subscribe(options)) {
        if (typeof item === 'object' && 'id' in item) await late.promise
        yield item
      }
    }
    const upgraded = createRunner({ ...shared, log: { ...api.log, subscribe: slowly }, projections: [next], id: 'next' })
    old.start()
    await until(() => old.status().every(({ lag }) => lag === 0))
    upgraded.start()
    await until(() => upgraded.status().every(({ lag }) => lag === 0))

    const stuck = await api.start()
    await writtenByNext(`session-${stuck.id}`, newType)
    await until(async () => (await listParked(database.sql)).length === 1)
    late.resolve()
    await until(() => upgraded.status().every(({ state }) => state === 'standby'))
    await old.stop()
    await api.start()
    await until(async () => (await listParked(database.sql)).length === 0)
    expect((await storedRows(database.sql, sessions))[stuck.id]).toMatchObject({ revision: 1, status: 'running' })
    await upgraded.stop()
    await database.close()
  })
})
