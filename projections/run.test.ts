import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest'
import type { EventLog } from '../eventlog/event-log.ts'
import { openDatabase, type Database } from './database.ts'
import { listParked, retryParked } from './parked.ts'
import type { Projection } from './projection.ts'
import { rebuild } from './rebuild.ts'
import { createRunner } from './run.ts'
import { readStatus } from './status.ts'
import { startPostgres, type TestPostgres } from './testing-postgres.ts'
import { caughtUp, expectedRows, openTestLog, places, storedRows, until, walks, type Walk } from './testing.ts'

let postgres: TestPostgres
let database: Database
let test: ReturnType<typeof openTestLog>
const started: { stop(): Promise<void> }[] = []
const now = () => new Date('2026-01-01T00:01:00.000Z')

beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres.remove())
beforeEach(async () => {
  database = openDatabase({ url: await postgres.createDatabase() })
  test = openTestLog()
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((runner) => runner.stop()))
  await database.close()
  await test.remove()
})

const run = (options: Partial<Parameters<typeof createRunner>[0]> = {}) => {
  const runner = createRunner({ log: test.log, sql: database.sql, projections: [walks, places], id: 'one', now, patience: 20, ...options })
  runner.start()
  started.push(runner)
  return runner
}
const expectRows = async (...projections: Projection[]) => {
  for (const projection of projections) expect(await storedRows(database.sql, projection)).toEqual(await expectedRows(test.log, projection))
}
/** Some events in five streams and three places. */
const walkAbout = async (events: number) => {
  for (let n = 0; n < events; n++) await test.walk(`walk-${n % 5}`, { length: n, ...(n % 2 && { place: `p${n % 3}` }) })
}

describe('the rows', () => {
  it('are those of a rebuild, whatever the interleaving, the batches and the restarts', async () => {
    const walked = fc.record({ stream: fc.constantFrom('walk-a', 'walk-b', 'ride-a', 'other-a'), length: fc.nat(9), place: fc.option(fc.constantFrom('x', 'y'), { nil: null }) })
    const life = fc.array(fc.record({ events: fc.array(walked, { maxLength: 12 }), batch: fc.integer({ min: 1, max: 7 }) }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(life, async (starts) => {
        for (const { events, batch } of starts) {
          const runner = run({ batch })
          for (const { stream, ...data } of events) await test.walk(stream, data)
          // Some lives end in the middle of the work.
          if (events.length % 3 > 0) await caughtUp(runner)
          await runner.stop()
        }
        await caughtUp(run())
        await expectRows(walks, places)
        for (const projection of [walks, places])
          expect(await rebuild({ log: test.log, sql: database.sql, projection, now, batch: 5 })).toMatchObject({ changed: 0, removed: 0 })
        await expectRows(walks, places)
      }),
      { seed: 6, numRuns: 8 },
    )
  })

  it('fill again from the start when somebody drops their table, or its checkpoint', async () => {
    await walkAbout(10)
    const runner = run()
    await caughtUp(runner)
    await database.sql`drop table walks_v1`
    await database.sql`delete from projection_checkpoints where projection = 'places_v1'`
    await test.walk('walk-1', { length: 1, place: 'p1' })
    const status = () => readStatus({ log: test.log, sql: database.sql, projections: [walks, places], now })
    await until(async () => (await status()).every(({ lag }) => lag === 0))
    await expectRows(walks, places)
  })

  it('of a new version fill beside the old ones', async () => {
    await walkAbout(10)
    await caughtUp(run())
    const next: Projection<Walk> = { ...walks, version: 2, evolve: (row, event) => ({ ...walks.evolve(row, event), note: 'second' }) }
    await caughtUp(run({ projections: [next], id: 'two' }))
    await test.walk('walk-1', { length: 4 })
    await until(async () => (await readStatus({ log: test.log, sql: database.sql, projections: [walks, next], now })).every(({ lag }) => lag === 0))
    await expectRows(walks, next)
  })
})

describe('two runners', () => {
  it('write every event once, and the second takes over when the first is gone', async () => {
    const one = run()
    const two = run({ id: 'two', batch: 3 })
    await walkAbout(60)
    await until(() => [one, two].every((runner) => runner.status().every(({ lag }) => lag === 0)))
    await expectRows(walks, places)
    await Promise.race([one, two].map((runner) => until(() => runner.status()[0]!.state === 'standby')))
    const atWork = one.status()[0]!.state === 'following' ? one : two
    const standby = atWork === one ? two : one
    expect(await standby.waitFor('walks', '1', 0, 10_000)).toBe(false)
    await atWork.stop()
    await walkAbout(60).catch(() => undefined)
    await test.walk('walk-late', { length: 1 })
    await until(() => standby.status().every(({ lag, state }) => lag === 0 && state === 'following'))
    await expectRows(walks, places)
  })

  it('do no harm when one was held up for long and then goes on with what it had read', async () => {
    const gate = Promise.withResolvers<void>()
    const held: EventLog = {
      ...test.log,
      subscribe: async function* (options) {
        for await (const item of test.log.subscribe(options)) {
          await gate.promise
          yield item
        }
      },
    }
    const slow = run({ log: held, id: 'slow' })
    await until(async () => (await readStatus({ log: test.log, sql: database.sql, projections: [walks, places], now })).every(({ updatedAt }) => updatedAt))
    const errors: unknown[] = []
    const quick = run({ id: 'quick', onError: (error) => errors.push(error) })
    await walkAbout(40)
    await caughtUp(quick)
    gate.resolve()
    await until(() => slow.status().every(({ state, lag }) => state === 'standby' && lag === 0))
    await expectRows(walks, places)
    expect(errors).toEqual([])
  })
})

describe('an event that cannot be digested', () => {
  const choosy: Projection<Walk> = {
    ...walks,
    evolve: (row, event) => {
      if (event.data['length'] === 13) throw new Error('thirteen!')
      return walks.evolve(row, event)
    },
  }

  it('parks its row alone, and the row is healed by the start of a repaired engine', async () => {
    const parked: string[] = []
    await walkAbout(30)
    const runner = run({ projections: [choosy], onParked: ({ slot, error }) => parked.push(`${slot}: ${error}`) })
    await caughtUp(runner)
    await test.walk('walk-3', { length: 100 })
    await test.walk('walk-4', { length: 101 })
    await until(async () => (await listParked(database.sql))[0]?.count === 5)
    expect(parked).toEqual(['3: thirteen!'])
    expect(runner.status()).toMatchObject([{ parked: 1 }])
    expect(await listParked(database.sql)).toMatchObject([{ projection: 'walks_v1', slot: '3', stream: 'walk-3', revision: 2, type: 'Walked', error: 'thirteen!' }])
    const { 3: healthy, ...others } = await expectedRows(test.log, walks)
    await until(async () => (await storedRows(database.sql, walks))['4']!['revision' as never] === others['4']!.revision)
    const { 3: stale, ...rows } = await storedRows(database.sql, walks)
    expect(rows).toEqual(others)
    expect(stale).toMatchObject({ steps: 2 })
    expect(healthy).toMatchObject({ steps: 7 })
    await runner.stop()

    const unhealed = run({ projections: [choosy] })
    await caughtUp(unhealed)
    expect(unhealed.status()).toMatchObject([{ parked: 1 }])
    await unhealed.stop()

    const repaired = run({ projections: [walks] })
    await caughtUp(repaired)
    expect(repaired.status()).toMatchObject([{ parked: 0 }])
    expect(await listParked(database.sql)).toEqual([])
    await test.walk('walk-3', { length: 102 })
    expect(await repaired.waitFor('walks', '3', 7, 5_000)).toBe(true)
    await expectRows(walks)
  })

  it('is healed from beside, and the engine that parked it goes on with its row', async () => {
    const healings = [
      () => retryParked({ log: test.log, sql: database.sql, projection: walks }),
      () => rebuild({ log: test.log, sql: database.sql, projection: walks, now }),
    ]
    const runner = run({ projections: [choosy] })
    for (const heal of healings) {
      await walkAbout(5)
      await test.walk('walk-3', { length: 13 })
      await test.walk('walk-3', { length: 14 })
      await until(async () => (await listParked(database.sql))[0]?.count === 2)
      await heal()
      expect(await listParked(database.sql)).toEqual([])
      const revision = await test.walk('walk-3', { length: 15 })
      await until(() => runner.waitFor('walks', '3', revision, 100))
      await expectRows(walks)
    }
  })

  it('parks its stream when not even its row can be found', async () => {
    const lost: Projection<Walk> = {
      ...walks,
      key: (event) => {
        if (event.data['length'] === 13) throw new Error('where?')
        return walks.key(event)
      },
    }
    await walkAbout(30)
    const runner = run({ projections: [lost], batch: 4 })
    await caughtUp(runner)
    expect(await listParked(database.sql)).toMatchObject([{ slot: 'stream:walk-3', error: 'where?', count: 4 }])
    await runner.stop()
    await caughtUp(run({ projections: [walks] }))
    await expectRows(walks)
  })

  it('is found among many when it is the database that refuses it', async () => {
    await walkAbout(30)
    await test.walk('walk-2', { length: 1, note: 'no text holds \0' })
    await test.walk('walk-2', { length: 2 })
    await test.walk('walk-1', { length: 2 })
    const runner = run({ projections: [walks] })
    await caughtUp(runner)
    expect(await listParked(database.sql)).toMatchObject([{ slot: '2', revision: 6, count: 2 }])
    const { 2: _, ...others } = await expectedRows(test.log, walks)
    expect(await storedRows(database.sql, walks)).toEqual({ ...others, 2: expect.objectContaining({ steps: 6 }) })
    await runner.stop()
    const again = run({ projections: [walks] })
    await caughtUp(again)
    expect(again.status()).toMatchObject([{ parked: 1 }])
  })
})

describe('what goes away comes back', () => {
  it('Postgres: nothing is lost and nothing is done twice, and the lag shows it', async () => {
    const own = await startPostgres()
    const away = openDatabase({ url: await own.createDatabase() })
    await own.stop()
    const errors: unknown[] = []
    const runner = run({ sql: away.sql, onError: (error) => errors.push(error) })
    try {
      await walkAbout(10)
      await until(() => runner.status().every(({ state }) => state === 'failing'))
      expect(runner.status()).toMatchObject([{ lag: undefined }, { lag: undefined }])
      await own.start()
      await caughtUp(runner)
      await own.stop()
      await test.walk('walk-5', { length: 1, place: 'p1' }, '2026-01-01T00:00:58.000Z')
      await until(() => runner.status().every(({ state }) => state === 'failing'))
      expect(runner.status()).toMatchObject([{ lag: 2_000 }, { lag: 2_000 }])
      expect(await runner.waitFor('walks', '5', 0, 10_000)).toBe(false)
      await own.start()
      await caughtUp(runner)
      for (const projection of [walks, places]) expect(await storedRows(away.sql, projection)).toEqual(await expectedRows(test.log, projection))
      expect(errors).not.toEqual([])
    } finally {
      await runner.stop()
      await away.close()
      await own.remove()
    }
  })

  it('a broken connection in the midst of the work', async () => {
    const runner = run({ batch: 2 })
    for (let n = 0; n < 4; n++) {
      await test.walk(`walk-${n % 2}`, { length: n, place: 'p' })
      await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.catch(() => {})
    }
    await caughtUp(runner)
    await expectRows(walks, places)
  })

  it('the log', async () => {
    let failures = 0
    const flaky: EventLog = {
      ...test.log,
      subscribe: async function* (options) {
        let given = 0
        for await (const item of test.log.subscribe(options)) {
          if (given++ === 3 && failures++ < 4) throw new Error('the log is away')
          yield item
        }
      },
    }
    await walkAbout(30)
    await caughtUp(run({ log: flaky, batch: 2 }))
    expect(failures).toBeGreaterThan(3)
    await expectRows(walks, places)
  })
})

describe('a rebuild', () => {
  it('makes the rows right while the engine serves and people go on walking', async () => {
    const runner = run()
    await walkAbout(50)
    await caughtUp(runner)
    await database.sql`create view far_walks as select key from walks_v1 where steps > 3`
    await database.sql`update walks_v1 set hash = 0 where key in ('1', '2')`
    await database.sql`delete from walks_v1 where key = '4'`
    await database.sql`insert into walks_v1 (key, steps) values ('nobody', 9)`
    let walking = true
    const walked = (async () => {
      for (let n = 0; walking; n++) await test.walk(`walk-${n % 7}`, { length: n, place: 'p' })
    })()
    const progress: number[] = []
    const rebuilt = await rebuild({ log: test.log, sql: database.sql, projection: walks, now, batch: 10, onProgress: ({ events }) => progress.push(events) })
    walking = false
    await walked
    expect(rebuilt).toMatchObject({ removed: 1, parked: 0 })
    expect(rebuilt.changed).toBeGreaterThanOrEqual(3)
    expect(progress.length).toBeGreaterThan(5)
    await caughtUp(runner)
    await until(async () => (await readStatus({ log: test.log, sql: database.sql, projections: [walks, places], now })).every(({ lag }) => lag === 0))
    await expectRows(walks, places)
    expect(await database.sql`select * from far_walks`).toHaveLength(7)
    expect(await database.sql`select to_regclass('walks_v1_rebuild') as scratch`).toEqual([{ scratch: null }])
  })

  it('gives way to a later one of the same table, up to its last moment', async () => {
    await walkAbout(50)
    const begin = (gateAt: number) => {
      const gate = Promise.withResolvers<void>()
      const waiting = Promise.withResolvers<void>()
      const gated: EventLog = {
        ...test.log,
        readAll: async function* (options) {
          for await (const event of test.log.readAll(options)) {
            if (Number(event.position) > gateAt) await gate.promise
            yield event
          }
          await gate.promise
        },
      }
      const onProgress = ({ events }: { events: number }) => events === gateAt && waiting.resolve()
      const done = rebuild({ log: gated, sql: database.sql, projection: walks, now, batch: 5, onProgress })
      done.catch(() => {})
      return { done, waiting: waiting.promise, go: gate.resolve }
    }
    const first = begin(50)
    await first.waiting
    const second = begin(20)
    await second.waiting
    first.go()
    await expect(first.done).rejects.toThrow('written by another')
    second.go()
    expect(await second.done).toMatchObject({ rows: 5 })
    await expectRows(walks)
  })
})

describe('how far a projection is', () => {
  it('is the age of the oldest event that is in no row, for this process and for any other', async () => {
    const status = () => readStatus({ log: test.log, sql: database.sql, projections: [walks], now })
    const runner = run({ projections: [walks] })
    await caughtUp(runner)
    expect(await status()).toMatchObject([{ table: 'walks_v1', lag: 0, parked: 0 }])
    await test.walk('walk-1', { length: 1 })
    expect(await runner.waitFor('walks', '1', 0, 5_000)).toBe(true)
    const [here] = runner.status()
    expect(await status()).toMatchObject([{ lag: 0, position: here!.position, holder: 'one' }])
    await runner.stop()
    await test.walk('walk-1', { length: 1 }, '2026-01-01T00:00:50.000Z')
    await test.walk('walk-1', { length: 1 }, '2026-01-01T00:00:55.000Z')
    expect(await status()).toMatchObject([{ lag: 10_000 }])
    expect(runner.status()).toMatchObject([{ state: 'stopped', lag: undefined }])
  })

  it('moves past the events of others', async () => {
    for (let n = 0; n < 30; n++) await test.walk('other-1', {})
    const told: EventLog = {
      ...test.log,
      subscribe: async function* (options) {
        yield { checkpoint: '30' }
        yield* test.log.subscribe({ ...options, after: '30' })
      },
    }
    const runner = run({ log: told })
    await caughtUp(runner)
    expect(runner.status()).toMatchObject([{ position: '30' }, { position: '30' }])
    expect(await readStatus({ log: test.log, sql: database.sql, projections: [walks], now })).toMatchObject([{ position: '30', lag: 0 }])
  })
})

describe('a reader who waits for a row', () => {
  it('is woken when the revision is there, and not before', async () => {
    const runner = run()
    await caughtUp(runner)
    const second = runner.waitFor('walks', '1', 1, 5_000)
    const early = await Promise.race([second, test.walk('walk-1', { length: 1 }).then(() => runner.waitFor('walks', '1', 0, 5_000)).then(() => 'first')])
    expect(early).toBe('first')
    await test.walk('walk-1', { length: 2 })
    expect(await second).toBe(true)
    expect((await storedRows(database.sql, walks))['1']).toMatchObject({ revision: 1 })
    expect(await runner.waitFor('walks', '1', 1, 5_000)).toBe(true)
  })

  it('is sent away after its time, at a stop, and where the row is parked', async () => {
    const runner = run({ projections: [{ ...walks, evolve: () => { throw new Error('no') } }] })
    await caughtUp(runner)
    expect(await runner.waitFor('walks', '1', 0, 1)).toBe(false)
    const parked = runner.waitFor('walks', '2', 0, 60_000)
    await test.walk('walk-2', { length: 1 })
    expect(await parked).toBe(false)
    const waiting = runner.waitFor('walks', '3', 0, 60_000)
    await runner.stop()
    expect(await waiting).toBe(false)
  })
})
