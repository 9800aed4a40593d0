/** A rebuild gives the rows that were made live, and those are the fold of the log: for every projection that the engine keeps, by random logs of real events. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EventLog, JsonObject, NewEvent } from '../eventlog/event-log.ts'
import { listParked } from './parked.ts'
import { tableName, type Projection } from './projection.ts'
import { projections } from './read-model.ts'
import { rebuild } from './rebuild.ts'
import { useStage } from './testing-stage.ts'
import { caughtUp, places, storedRows, until, walks } from './testing.ts'

const stage = useStage()
const prove = process.env['PROVE'] !== undefined

type Stored = { type: string; data: JsonObject }
const stored = (folder: string): Stored[] => {
  const path = join(import.meta.dirname, '..', 'domain', folder, 'stored')
  return readdirSync(path).map((name) => JSON.parse(readFileSync(join(path, name), 'utf8')) as Stored)
}
const [ofSessions, ofAccounts] = [stored('session'), stored('account')]
const starts = ['IdentifierEntered', 'UsernamelessLoginStarted', 'SettingsEntered']

// Few of each, so that they meet: people with several logins, and logins that the facts of an account are about.
const accounts = ['5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42', '9c1f0a8e-7b2d-4e6f-8a51-3d2c4b5e6f70']
const sessions = Array.from({ length: 5 }, (_, n) => `a8d1c5de-32a6-5a0c-8a8e-0b6c1b4e7f1${n}`)
const about = fc.record({ account: fc.constantFrom(...accounts), session: fc.constantFrom(...sessions), passkey: fc.constantFrom('cGFzc2tleS0x', 'cGFzc2tleS0y') })
const ofSession = fc.record({ stream: fc.constantFrom(...sessions).map((id) => `session-${id}`), stored: fc.constantFrom(...ofSessions), about })
const ofAccount = fc.record({ stream: fc.constantFrom(...accounts).map((id) => `account-${id}`), stored: fc.constantFrom(...ofAccounts), about })
/** A type of a later release, which sets a row aside. (For a value that the database refuses it is chance: a later event of the same batch may replace it.) */
const odd = fc.record({ stream: ofSession.map(({ stream }) => stream), stored: fc.constant<Stored>({ type: 'AppendDeferred', data: {} }), about })
const life = fc.record({
  events: fc.array(fc.oneof({ weight: 12, arbitrary: ofSession }, { weight: 8, arbitrary: ofAccount }, { weight: 1, arbitrary: odd }), { maxLength: 25 }),
  batch: fc.integer({ min: 1, max: 12 }),
  finishes: fc.boolean(),
})

const revisions = new Map<string, number>()
let written = 0
const append = async (stream: string, { type, data }: Stored, { account, session, passkey }: { account: string; session: string; passkey: string }) => {
  const start = ofSessions.find((one) => one.type === starts[stream.charCodeAt(stream.length - 1) % starts.length])!
  // A session begins with a start, whatever was drawn: after anything else nothing could be folded.
  const first = stream.startsWith('session-') && !revisions.has(stream)
  const known = Object.fromEntries(Object.entries({ account, session, passkey }).filter(([field]) => data[field] != null))
  const event = (one: Stored): NewEvent => ({
    id: crypto.randomUUID(),
    type: one.type,
    data: one === start ? one.data : { ...one.data, ...known },
    metadata: { at: new Date(Date.UTC(2026, 0, 1) + written++ * 1000).toISOString(), actor: 'engine', $correlationId: session, $causationId: 'x' },
  })
  const fresh = first && !starts.includes(type) ? [event(start), event({ type, data })] : [event({ type, data })]
  const { revision } = await stage.log.append(stream, fresh, revisions.get(stream) ?? 'none')
  revisions.set(stream, revision)
}

const kept = async () => Object.fromEntries(await Promise.all(projections.map(async (projection) => [projection.name, await storedRows(stage.sql, projection)] as const)))
/** The plain fold of the log, without those rows that cannot be made. */
const folded = async (projection: Projection) => {
  const [rows, lost] = [new Map<string, object>(), new Set<string>()]
  for await (const event of stage.log.readAll({ prefixes: projection.prefixes })) {
    const key = projection.key(event)
    if (key === undefined) continue
    try {
      rows.set(key, projection.evolve(rows.get(key) ?? projection.initial(key), event))
    } catch {
      lost.add(key)
    }
  }
  return { rows: Object.fromEntries([...rows].filter(([key]) => !lost.has(key))), lost }
}
const aside = async () => (await listParked(stage.sql)).map(({ projection, slot, stream, revision, count }) => `${projection} ${slot} ${stream}@${revision} ${count}`).toSorted()

describe('a rebuild', () => {
  // Each case stands on all that the ones before have written, so a log of its own for every hundred.
  it.each(prove ? [0, 1, 2] : [0])('gives exactly the rows that were made live, whatever the interleaving, the batches and the restarts', async (n) => {
    revisions.clear()
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 4 }), async (lives, batch, cached) => {
        for (const { events, batch: atOnce, finishes } of lives) {
          const runner = stage.run({ projections, batch: atOnce })
          for (const { stream, stored: one, about: of } of events) await append(stream, one, of)
          // Some lives end in the midst of the work.
          if (finishes) await caughtUp(runner)
          await runner.stop()
        }
        const last = stage.run({ projections })
        await caughtUp(last)
        await last.stop()
        const [rows, parked] = [await kept(), await aside()]
        for (const projection of projections) {
          const { rows: expected, lost } = await folded(projection)
          expect(Object.fromEntries(Object.entries(rows[projection.name]!).filter(([key]) => !lost.has(key)))).toEqual(expected)
        }
        const untouched = projections.map(({ name }) => ({ projection: name, rows: Object.keys(rows[name]!).length, changed: 0, removed: 0 }))
        expect(await rebuild({ log: stage.log, sql: stage.sql, projections, batch, cached })).toMatchObject(untouched)
        for (const projection of projections) await stage.sql`delete from ${stage.sql(tableName(projection))}`
        await rebuild({ log: stage.log, sql: stage.sql, projections, batch, cached })
        expect(await kept()).toEqual(rows)
        expect(await aside()).toEqual(parked)
      }),
      { seed: prove ? Number(process.env['PROVE_SEED'] ?? 0) + n : 6, numRuns: prove ? 100 : 4 },
    )
  })

  it('makes the rows right while the engine serves and people go on walking', async () => {
    const runner = stage.run()
    await stage.walkAbout(50)
    await caughtUp(runner)
    await stage.sql`create view far_walks as select key from walks_v1 where steps > 3`
    await stage.sql`update walks_v1 set hash = 0 where key in ('1', '2')`
    await stage.sql`delete from walks_v1 where key = '4'`
    await stage.sql`insert into walks_v1 (key, steps) values ('nobody', 9)`
    let walking = true
    const walked = (async () => {
      for (let n = 0; walking || n < 50; n++) await stage.walk(`walk-${n % 7}`, { length: n, place: 'p' })
    })()
    const progress: number[] = []
    const onProgress = ({ events }: { events: number }) => progress.push(events)
    const [rebuilt] = await rebuild({ log: stage.log, sql: stage.sql, projections: [walks], batch: 10, onProgress })
    walking = false
    await walked
    expect(rebuilt).toMatchObject({ removed: 1, parked: 0 })
    expect(rebuilt!.changed).toBeGreaterThanOrEqual(3)
    expect(progress.length).toBeGreaterThan(5)
    await caughtUp(runner)
    await stage.handled(walks, places)
    await stage.expectRows(walks, places)
    expect(await stage.sql`select * from far_walks`).toHaveLength(7)
    expect(await stage.sql`select to_regclass('walks_v1_rebuild') as scratch`).toEqual([{ scratch: null }])
  })

  it('fills a table that was lost, which has all its indexes afterwards, those of the operator too', async () => {
    const runner = stage.run({ projections: [walks] })
    await stage.walkAbout(50)
    await caughtUp(runner)
    await runner.stop()
    await stage.sql`create index by_hash on walks_v1 (hash desc) where steps > 3`
    await stage.sql`create view far_walks as select key from walks_v1 where steps > 3`
    const indexes = () => stage.sql`select indexname, indexdef from pg_indexes where tablename = 'walks_v1' order by indexname`
    const before = [...(await indexes())]
    expect(before).toHaveLength(4)
    await stage.sql`delete from walks_v1`
    expect(await rebuild({ log: stage.log, sql: stage.sql, projections: [walks] })).toMatchObject([{ rows: 5, changed: 5, removed: 0 }])
    expect([...(await indexes())]).toEqual(before)
    await stage.expectRows(walks)
    expect(await stage.sql`select * from far_walks`).toHaveLength(5)
    // And is followed from there on.
    stage.run({ projections: [walks] })
    await stage.walk('walk-0', { length: 1 })
    await stage.handled(walks)
    await stage.expectRows(walks)
  })

  it('makes a lost table right also where somebody writes to it at that moment', async () => {
    await stage.walkAbout(50)
    const runner = stage.run({ projections: [walks] })
    await caughtUp(runner)
    await runner.stop()
    await stage.sql`delete from walks_v1`
    const writing = stage.sql.unsafe(`insert into walks_v1 (key, steps) values ('nobody', 9); select pg_sleep(1)`)
    writing.catch(() => {})
    await until(async () => (await stage.sql`select from pg_stat_activity where wait_event = 'PgSleep'`).length === 1)
    expect(await rebuild({ log: stage.log, sql: stage.sql, projections: [walks] })).toMatchObject([{ rows: 5, changed: 5, removed: 1 }])
    await writing
    await stage.expectRows(walks)
  })

  it('changes nothing when the database crashed meanwhile, and lost what is not written ahead', async () => {
    await stage.walkAbout(50)
    await caughtUp(stage.run())
    const gate = Promise.withResolvers<void>()
    const halfway = Promise.withResolvers<void>()
    const gated: EventLog = {
      ...stage.log,
      readAll: async function* (options) {
        for await (const event of stage.log.readAll(options)) {
          if (event.position === '30') await gate.promise
          yield event
        }
      },
    }
    const onProgress = ({ events }: { events: number }) => events === 29 && halfway.resolve()
    const done = rebuild({ log: gated, sql: stage.sql, projections: [walks], batch: 1, cached: 1, onProgress })
    done.catch(() => {})
    await halfway.promise
    // Between two of its queries: one that is cut off says so by itself.
    await until(async () => (await stage.sql`select from pg_stat_activity where state = 'active' and datname = current_database() and pid <> pg_backend_pid()`).length === 0)
    const [backend] = await stage.sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    process.kill(backend!.pid, 'SIGKILL')
    await until(() => stage.sql`select from projection_scratch`.then((marks) => marks.length === 0, () => false))
    gate.resolve()
    await expect(done).rejects.toThrow('the database lost walks_v1_rebuild')
    await stage.expectRows(walks)
    expect(await rebuild({ log: stage.log, sql: stage.sql, projections: [walks] })).toMatchObject([{ changed: 0, removed: 0 }])
  })

  it('gives way to a later one of the same table, up to its last moment', async () => {
    await stage.walkAbout(50)
    const begin = (gateAt: number) => {
      const gate = Promise.withResolvers<void>()
      const waiting = Promise.withResolvers<void>()
      const gated: EventLog = {
        ...stage.log,
        readAll: async function* (options) {
          for await (const event of stage.log.readAll(options)) {
            if (Number(event.position) > gateAt) await gate.promise
            yield event
          }
          await gate.promise
        },
      }
      const onProgress = ({ events }: { events: number }) => events === gateAt && waiting.resolve()
      const done = rebuild({ log: gated, sql: stage.sql, projections: [walks], batch: 5, onProgress })
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
    expect(await second.done).toMatchObject([{ rows: 5 }])
    await stage.expectRows(walks)
  })
})
