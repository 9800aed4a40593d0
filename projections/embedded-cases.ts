import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { dataDir } from '@electric-sql/pglite-prepopulatedfs'
import postgres, { type Sql } from 'postgres'
import { compareWithLog } from './compare.ts'
import { connectEmbedded, openDatabase } from './database.ts'
import { serveBackend } from './embedded-server.ts'
import { socketPath } from './embedded.ts'
import { rebuild } from './rebuild.ts'
import { createRunner } from './run.ts'
import { caughtUp, expectedRows, openTestLog, places, storedRows, until, walks } from './testing.ts'

const now = () => new Date('2026-01-01T00:01:00.000Z')

const inFolder = async (work: (folder: string) => Promise<void>, inside = ''): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), 'embedded-'))
  try {
    await work(join(root, inside))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** The embedded database, for Node and for Deno. */
export const embeddedCases: [sentence: string, run: () => Promise<void>][] = [
  ['the embedded database takes rows and gives them, to its owner alone, also to another process beside the engine; nobody can open it twice', () =>
    inFolder(async (folder) => {
      const engine = openDatabase({ folder })
      await assert.rejects(async () => engine.sql`select 1`, 'not before it is ready')
      await engine.ready
      assert.equal(statSync(socketPath(folder)).mode & 0o777, 0o600)
      await engine.sql`create table kept (tags text, at timestamptz, big bigint)`
      const beside = connectEmbedded({ folder })
      await beside.ready
      await beside.sql`insert into kept select tag, ${'2026-01-01T00:00:00.001Z'}, ${2 ** 40} from unnest(${['a"\\', 'b,{}']}::text[]) tag`
      await beside.close()
      const again = openDatabase({ folder, onReset: assert.fail })
      await assert.rejects(again.ready, /in use by another process/)
      await again.close()
      const row = { at: '2026-01-01T00:00:00.001Z', big: 2 ** 40 }
      assert.deepEqual([...(await engine.sql`select * from kept`)], [{ tags: 'a"\\', ...row }, { tags: 'b,{}', ...row }])
      await engine.close()
    }, 'a folder whose name is too long for the path of a socket/'.padEnd(120, 'x'))],

  ['many connections at once get their own answers, and one that dies in a transaction holds up nobody', () =>
    inFolder(async (folder) => {
      const { sql, ready, close } = openDatabase({ folder })
      await ready
      await sql`create table counted (n integer primary key)`
      const connection = () => postgres({ path: socketPath(folder), user: 'postgres', database: 'postgres', max: 1, onnotice: () => {} })
      await Promise.all(Array.from({ length: 8 }, async (_, writer) => {
        const own = connection()
        for (let n = 0; n < 30; n++) {
          const wanted = writer * 1000 + n
          if (n % 3 > 0) {
            const rows = await sql`select ${wanted}::integer as wanted, step from generate_series(1, ${n}::integer) step`
            assert.deepEqual(Array.from(rows, (row) => row['wanted']), Array(n).fill(wanted))
          } else {
            const inserting = own.begin(async (sql) => {
              await sql`insert into counted values (${wanted})`
              await sql`select 1`
              if (n % 2) throw new Error('roll back')
            })
            await inserting.catch((error: Error) => assert.equal(error.message, 'roll back'))
          }
        }
        await own.end()
      }))
      assert.deepEqual([...(await sql`select count(*)::integer as count from counted`)], [{ count: 40 }])

      const dying = connection()
      const lost = dying.begin(async (sql) => {
        await sql`insert into counted values (-1)`
        await dying.end({ timeout: 0 })
      })
      await assert.rejects(lost)
      // One that goes away in the midst of a message.
      const torn = connect(socketPath(folder), () => torn.end(Buffer.from([0, 0, 0])))
      assert.deepEqual([...(await sql`select count(*)::integer as count from counted where n < 0`)], [{ count: 0 }])
      await close()
    })],

  ['a query that fails, at whatever moment, leaves those that come behind it their own answers, and so does one that cannot be sent', () =>
    inFolder(async (folder) => {
      const { sql, ready, close } = openDatabase({ folder })
      await ready
      await sql`create table kept (n integer unique deferrable initially deferred)`
      const one = postgres({ path: socketPath(folder), user: 'postgres', database: 'postgres', max: 1, ...{ max_pipeline: 3 }, onnotice: () => {} })
      const failing: [code: string, query: () => Promise<unknown>][] = [
        ['42P01', () => one`select n from missing where n = ${1}`],
        ['22012', () => one`select 1 / ${0}::integer`],
        ['22P02', () => one`select ${'x'}::text::integer`],
        ['23505', () => one`insert into kept select ${1}::integer from generate_series(1, 2)`],
        ['42P01', () => one.unsafe('select 1; select n from missing')],
      ]
      for (const [code, query] of failing)
        // The first time it is parsed on its own, the second time it goes out with others.
        for (let time = 0; time < 2; time++) {
          const all = [one`select ${1}::integer as n`, query(), query(), ...[2, 3, 4].map((n) => one`select ${n}::integer as n`), one`select 5 as n`]
          const said = await Promise.all(all.map((answer) => answer.then((rows) => [...(rows as { n: number }[])], (error) => error.code)))
          assert.deepEqual(said, [[{ n: 1 }], code, code, ...[2, 3, 4, 5].map((n) => [{ n }])])
        }
      await one.end()

      const ask = (n: unknown) => sql`select ${n as number}::integer as n`.then(([row]) => row?.['n'], (error) => error.code)
      for (const asked of [4, 20]) {
        const all = Array.from({ length: asked }, (_, n) => (n % 6 === 5 ? undefined : n))
        assert.deepEqual(await Promise.all(all.map(ask)), all.map((n) => n ?? 'UNDEFINED_VALUE'))
      }
      await close()
    })],

  ['a connection that falls silent in a transaction is cut off', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'socket')
      const db = await PGlite.create({ loadDataDir: await dataDir() })
      const server = await serveBackend(db, path, 50)
      const connection = () => postgres({ path, user: 'postgres', database: 'postgres', max: 1, onnotice: () => {} })
      const [silent, other] = [connection(), connection()]
      const holding = silent.begin(async (sql) => {
        await sql`create table never (n integer)`
        await new Promise(() => {})
      })
      const lost = assert.rejects(holding, /CONNECTION_CLOSED/)
      await until(() => db.isInTransaction())
      assert.deepEqual([...(await other`select to_regclass('never') as never`)], [{ never: null }])
      await lost
      await other.end()
      await server.close()
      await db.close()
    })],

  ['a broken one, and one that was open when the machine went down, is made anew and filled from the log', () =>
    inFolder(async (folder) => {
      const { log, walk, remove } = openTestLog()
      for (let n = 0; n < 50; n++) await walk(`walk-${n % 7}`, { length: n, place: `p${n % 3}` })
      const reasons: string[] = []
      const fill = async (also = async (_: Sql): Promise<void> => {}) => {
        const { sql, ready, close } = openDatabase({ folder, onReset: (reason) => reasons.push(reason) })
        const runner = createRunner({ log, sql, projections: [walks, places], id: 'one', now })
        runner.start()
        await ready
        await caughtUp(runner)
        for (const projection of [walks, places]) assert.deepEqual(await storedRows(sql, projection), await expectedRows(log, projection))
        await also(sql)
        await runner.stop()
        await close()
      }
      await fill(async (sql) => {
        for (const { changed, removed } of await rebuild({ log, sql, projections: [walks, places], batch: 20, cached: 2 })) assert.deepEqual({ changed, removed }, { changed: 0, removed: 0 })
        assert.equal((await compareWithLog({ log, sql, projection: walks, cached: 2 })).rows, 0)
        await sql`delete from walks_v1`
        const [filled] = await rebuild({ log, sql, projections: [walks] })
        assert.deepEqual([filled?.rows, filled?.changed, filled?.removed], [7, 7, 0])
        assert.deepEqual(await storedRows(sql, walks), await expectedRows(log, walks))
      })
      truncateSync(join(folder, 'postgres', 'global', 'pg_control'), 100)
      await fill()
      assert.equal(reasons.length, 1)
      writeFileSync(join(folder, 'postgres.open'), 'another run of the machine')
      await fill()
      assert.match(reasons[1]!, /went down/)
      await remove()
    })],

  ['a process that is killed loses nothing, and one that closes ends', () =>
    inFolder(async (folder) => {
      const script = `
        const { openDatabase } = await import(${JSON.stringify(new URL('./database.ts', import.meta.url).href)})
        const { sql, ready, close } = openDatabase({ folder: ${JSON.stringify(folder)}, onReset: (reason) => console.log(reason) })
        await ready
        await sql\`create table if not exists kept (n integer)\`
        await sql\`insert into kept values (1)\`
        console.log((await sql\`select n from kept\`).length)
        if (process.argv.at(-1) === 'close') await close()`
      writeFileSync(join(folder, 'process.mjs'), script)
      const config = fileURLToPath(new URL('../deno.json', import.meta.url))
      const runtime = 'Deno' in globalThis ? ['run', '--allow-all', '--no-check', '--config', config] : []
      const start = (end: string) => {
        const child = spawn(process.execPath, [...runtime, join(folder, 'process.mjs'), end], { stdio: ['ignore', 'pipe', 'inherit'] })
        let said = ''
        child.stdout.on('data', (data) => (said += data))
        const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ said: said.trim(), ended: signal ?? code })))
        return { child, ended, saidSomething: () => said !== '' }
      }
      const { child, ended, saidSomething } = start('stay')
      await Promise.race([until(saidSomething), ended])
      child.kill('SIGKILL')
      assert.deepEqual(await ended, { said: '1', ended: 'SIGKILL' })
      assert.deepEqual(await start('close').ended, { said: '2', ended: 0 })
    })],
]
