import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { openDatabase, type Database } from './database.ts'
import type { Projection } from './projection.ts'
import { createRunner, type Runner } from './run.ts'
import { readStatus } from './status.ts'
import { startPostgres, type TestPostgres } from './testing-postgres.ts'
import { expectedRows, openTestLog, places, storedRows, until, walks } from './testing.ts'

/** A minute after the events that `walk` writes. */
export const now = () => new Date('2026-01-01T00:01:00.000Z')

/** For each test an empty log and an empty database on a real PostgreSQL, which all tests of a file share. */
export const useStage = () => {
  let postgres: TestPostgres
  let database: Database
  let test: ReturnType<typeof openTestLog>
  let runners: Runner[] = []

  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.remove())
  beforeEach(async () => {
    database = openDatabase({ url: await postgres.createDatabase() })
    test = openTestLog()
  })
  afterEach(async () => {
    await Promise.all(runners.map((runner) => runner.stop()))
    runners = []
    await database.close()
    await test.remove()
  })

  return {
    get log() {
      return test.log
    },
    get sql() {
      return database.sql
    },
    walk: (...event: Parameters<typeof test.walk>) => test.walk(...event),
    /** Some events in five streams, `walk-0` to `walk-4`, and three places. */
    walkAbout: async (events: number) => {
      for (let n = 0; n < events; n++) await test.walk(`walk-${n % 5}`, { length: n, ...(n % 2 && { place: `p${n % 3}` }) })
    },
    /** A runner that is stopped with the test. */
    run: (options: Partial<Parameters<typeof createRunner>[0]> = {}) => {
      const runner = createRunner({ log: test.log, sql: database.sql, projections: [walks, places], id: 'one', now, patience: 20, ...options })
      runner.start()
      runners.push(runner)
      return runner
    },
    expectRows: async (...projections: Projection[]) => {
      for (const projection of projections) expect(await storedRows(database.sql, projection)).toEqual(await expectedRows(test.log, projection))
    },
    status: (...projections: Projection[]) => readStatus({ log: test.log, sql: database.sql, projections, now }),
    /** Waits until whoever follows these has handled every event. */
    handled: (...projections: Projection[]) =>
      until(async () => (await readStatus({ log: test.log, sql: database.sql, projections, now })).every(({ lag }) => lag === 0)),
  }
}
