import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EventLog } from '../eventlog/event-log.ts'
import { openDatabase } from './database.ts'
import type { Projection } from './projection.ts'
import { rebuild } from './rebuild.ts'
import { startPostgres } from './testing-postgres.ts'
import { useStage } from './testing-stage.ts'
import { caughtUp, expectedRows, places, storedRows, until, walks, type Walk } from './testing.ts'

const stage = useStage()

describe('the rows', () => {
  it('are those of a rebuild, whatever the interleaving, the batches and the restarts', async () => {
    const stream = fc.constantFrom('walk-a', 'walk-b', 'ride-a', 'other-a')
    const walked = fc.record({ stream, length: fc.nat(9), place: fc.constantFrom('x', 'y', null) })
    const life = fc.record({ events: fc.array(walked, { maxLength: 12 }), batch: fc.integer({ min: 1, max: 7 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
        for (const { events, batch } of lives) {
          const runner = stage.run({ batch })
          for (const { stream, ...data } of events) await stage.walk(stream, data)
          // Some lives end in the middle of the work.
          if (events.length % 3 > 0) await caughtUp(runner)
          await runner.stop()
        }
        await caughtUp(stage.run())
        await stage.expectRows(walks, places)
        expect(await rebuild({ log: stage.log, sql: stage.sql, projections: [walks, places], batch: 5 })).toMatchObject([{ changed: 0, removed: 0 }, { changed: 0, removed: 0 }])
        await stage.expectRows(walks, places)
      }),
      { seed: 6, numRuns: 8 },
    )
  })

  it('fill again from the start when somebody drops their table, or its checkpoint', async () => {
    await stage.walkAbout(10)
    const runner = stage.run()
    await caughtUp(runner)
    await stage.sql`drop table walks_v1`
    await stage.sql`delete from projection_checkpoints where projection = 'places_v1'`
    await stage.walk('walk-1', { length: 1, place: 'p1' })
    await stage.handled(walks, places)
    await stage.expectRows(walks, places)
  })

  it('of a new version fill beside the old ones', async () => {
    await stage.walkAbout(10)
    await caughtUp(stage.run())
    const next: Projection<Walk> = { ...walks, version: 2, evolve: (row, event) => ({ ...walks.evolve(row, event), note: 'second' }) }
    await caughtUp(stage.run({ projections: [next], id: 'two' }))
    await stage.walk('walk-1', { length: 4 })
    await stage.handled(walks, next)
    await stage.expectRows(walks, next)
  })
})

describe('two runners', () => {
  it('write every event once, and the second takes over when the first is gone', async () => {
    const one = stage.run()
    const two = stage.run({ id: 'two', batch: 3 })
    await stage.walkAbout(60)
    await until(() => [one, two].every((runner) => runner.status().every(({ lag }) => lag === 0)))
    await stage.expectRows(walks, places)
    await Promise.race([one, two].map((runner) => until(() => runner.status()[0]!.state === 'standby')))
    const atWork = one.status()[0]!.state === 'following' ? one : two
    const standby = atWork === one ? two : one
    expect(await standby.waitFor('walks', '1', 0, 10_000)).toBe(false)
    await atWork.stop()
    await stage.walkAbout(60).catch(() => undefined)
    await stage.walk('walk-late', { length: 1 })
    await until(() => standby.status().every(({ lag, state }) => lag === 0 && state === 'following'))
    await stage.expectRows(walks, places)
  })

  it('do no harm when one was held up for long and then goes on with what it had read', async () => {
    const gate = Promise.withResolvers<void>()
    const held: EventLog = {
      ...stage.log,
      subscribe: async function* (options) {
        for await (const item of stage.log.subscribe(options)) {
          await gate.promise
          yield item
        }
      },
    }
    const slow = stage.run({ log: held, id: 'slow' })
    await until(async () => (await stage.status(walks, places)).every(({ updatedAt }) => updatedAt))
    const errors: unknown[] = []
    const quick = stage.run({ id: 'quick', onError: (error) => errors.push(error) })
    await stage.walkAbout(40)
    await caughtUp(quick)
    gate.resolve()
    await until(() => slow.status().every(({ state, lag }) => state === 'standby' && lag === 0))
    await stage.expectRows(walks, places)
    expect(errors).toEqual([])
  })
})

describe('what goes away comes back', () => {
  it('Postgres: nothing is lost and nothing is done twice, and the lag shows it', async () => {
    const own = await startPostgres()
    const away = openDatabase({ url: await own.createDatabase() })
    await own.stop()
    const errors: unknown[] = []
    const runner = stage.run({ sql: away.sql, onError: (error) => errors.push(error) })
    try {
      await stage.walkAbout(10)
      await until(() => runner.status().every(({ state }) => state === 'failing'))
      expect(runner.status()).toMatchObject([{ lag: undefined }, { lag: undefined }])
      await own.start()
      await caughtUp(runner)
      await own.stop()
      await stage.walk('walk-5', { length: 1, place: 'p1' }, '2026-01-01T00:00:58.000Z')
      await until(() => runner.status().every(({ state }) => state === 'failing'))
      expect(runner.status()).toMatchObject([{ lag: 2_000 }, { lag: 2_000 }])
      expect(await runner.waitFor('walks', '5', 0, 10_000)).toBe(false)
      await own.start()
      await caughtUp(runner)
      for (const projection of [walks, places]) expect(await storedRows(away.sql, projection)).toEqual(await expectedRows(stage.log, projection))
      expect(errors).not.toEqual([])
    } finally {
      await runner.stop()
      await away.close()
      await own.remove()
    }
  })

  it('a broken connection in the midst of the work', async () => {
    const runner = stage.run({ batch: 2 })
    for (let n = 0; n < 4; n++) {
      await stage.walk(`walk-${n % 2}`, { length: n, place: 'p' })
      const broken = stage.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
      await broken.catch(() => {})
    }
    await caughtUp(runner)
    await stage.expectRows(walks, places)
  })

  it('the log', async () => {
    let failures = 0
    const flaky: EventLog = {
      ...stage.log,
      subscribe: async function* (options) {
        let given = 0
        for await (const item of stage.log.subscribe(options)) {
          if (given++ === 3 && failures++ < 4) throw new Error('the log is away')
          yield item
        }
      },
    }
    await stage.walkAbout(30)
    await caughtUp(stage.run({ log: flaky, batch: 2 }))
    expect(failures).toBeGreaterThan(3)
    await stage.expectRows(walks, places)
  })
})

describe('how far a projection is', () => {
  it('is the age of the oldest event that is in no row, for this process and for any other', async () => {
    const runner = stage.run({ projections: [walks] })
    await caughtUp(runner)
    expect(await stage.status(walks)).toMatchObject([{ table: 'walks_v1', lag: 0, parked: 0 }])
    await stage.walk('walk-1', { length: 1 })
    expect(await runner.waitFor('walks', '1', 0, 30_000)).toBe(true)
    const [here] = runner.status()
    expect(await stage.status(walks)).toMatchObject([{ lag: 0, position: here!.position, holder: 'one' }])
    await runner.stop()
    await stage.walk('walk-1', { length: 1 }, '2026-01-01T00:00:50.000Z')
    await stage.walk('walk-1', { length: 1 }, '2026-01-01T00:00:55.000Z')
    expect(await stage.status(walks)).toMatchObject([{ lag: 10_000 }])
    expect(runner.status()).toMatchObject([{ state: 'stopped', lag: undefined }])
  })

  it('moves past the events of others', async () => {
    for (let n = 0; n < 30; n++) await stage.walk('other-1', {})
    const told: EventLog = {
      ...stage.log,
      subscribe: async function* (options) {
        yield { checkpoint: '30' }
        yield* stage.log.subscribe({ ...options, after: '30' })
      },
    }
    const runner = stage.run({ log: told })
    await caughtUp(runner)
    expect(runner.status()).toMatchObject([{ position: '30' }, { position: '30' }])
    expect(await stage.status(walks)).toMatchObject([{ position: '30', lag: 0 }])
  })
})

describe('a reader who waits for a row', () => {
  it('is woken when the revision is there, and not before', async () => {
    const runner = stage.run()
    await caughtUp(runner)
    const second = runner.waitFor('walks', '1', 1, 30_000)
    const first = runner.waitFor('walks', '1', 0, 30_000)
    await stage.walk('walk-1', { length: 1 })
    expect(await Promise.race([first.then(() => 'first'), second.then(() => 'second')])).toBe('first')
    await stage.walk('walk-1', { length: 2 })
    expect(await second).toBe(true)
    expect((await storedRows(stage.sql, walks))['1']).toMatchObject({ revision: 1 })
    expect(await runner.waitFor('walks', '1', 1, 30_000)).toBe(true)
  })

  it('is sent away after its time, at a stop, and where the row is parked', async () => {
    const runner = stage.run({ projections: [{ ...walks, evolve: () => { throw new Error('no') } }] })
    await caughtUp(runner)
    expect(await runner.waitFor('walks', '1', 0, 1)).toBe(false)
    const parked = runner.waitFor('walks', '2', 0, 60_000)
    await stage.walk('walk-2', { length: 1 })
    expect(await parked).toBe(false)
    const waiting = runner.waitFor('walks', '3', 0, 60_000)
    await runner.stop()
    expect(await waiting).toBe(false)
  })
})
