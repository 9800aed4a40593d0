import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { signerOf } from '../audit/note.ts'
import { ensureDataFolder, lockDataFolder } from '../data-folder.ts'
import { newEvents } from '../eventlog/contract/fixture.ts'
import type { NewEvent } from '../eventlog/event-log.ts'
import { headOf } from '../eventlog/sqlite/compare.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { openEngine } from '../open-engine.ts'
import { openDatabase } from '../projections/database.ts'
import { createLedgerTable } from '../projections/ledger/table.ts'
import { startPostgres, type TestPostgres } from '../projections/testing-postgres.ts'
import { takeCheckpoint } from './audit.ts'
import { backupLog } from './log-backup.ts'
import { restoreLog } from './log-restore.ts'
import { stepsOf, stepsOfFile, type LogStep } from './log-steps.ts'
import { verifyLog } from './log-verify.ts'
import { verifyEvents } from './log-walk.ts'
import { rebuildProjections } from './projections.ts'
import { storedTypes } from './stored-events.ts'
import { openFolder } from './testing.ts'
import { addPeople, appendLogins, configOf, fileIn, readEvents, sign } from './testing-log.ts'

const prove = process.env['PROVE'] !== undefined
const given = { as: 'jo', why: 'the disk died' }
const folder = mkdtempSync(join(tmpdir(), 'log-verify-'))
const at = (name: string): string => join(folder, name)
const noConfig = (): never => {
  throw new Error('no configuration is needed')
}
/** A log of two people and six logins under two checkpoints; the first of these is kept, and one login is covered by none. */
let [signed, kept] = [at('signed.sqlite'), at('kept.txt')]
let [ada, vkey] = ['', '']
let said: string[]
let changed = 0
const spy = (): void => {
  said = []
  for (const way of ['log', 'error'] as const) vi.spyOn(console, way).mockImplementation((line: string) => void said.push(line))
}
beforeAll(async () => {
  spy()
  const data = at('data')
  ;[ada = ''] = await addPeople(data, 'ada', 'bob')
  await appendLogins(fileIn(data), 3)
  writeFileSync(kept, await sign(data))
  await appendLogins(fileIn(data), 3)
  await sign(data)
  vkey = String((await readEvents(fileIn(data))).find(({ type }) => type === 'LedgerOpened')?.data['vkey'])
  copyFileSync(fileIn(data), at('covered.sqlite'))
  await appendLogins(fileIn(data), 1)
  copyFileSync(fileIn(data), signed)
})
beforeEach(spy)
afterEach(() => void vi.restoreAllMocks())
afterAll(() => rmSync(folder, { recursive: true }))

const verify = (file: string, holding = {}): Promise<number> => verifyLog(noConfig, file, holding)

describe('A log as a file, without the engine', () => {
  test('is right as far as it was signed, and what was not is said', async () => {
    const before = readFileSync(signed)
    expect(await verify(signed, { checkpoint: kept, key: vkey })).toBe(3)
    expect(said[0]).toMatch(/^\d+ events of \d+ streams, \d+\/s; the tree of \d+ has the root /)
    expect(said.at(-1)).toBe('Not yet covered: 5 events since 2026-03-02T08:00:00.000Z.')
    expect(said.join('\n')).toMatch(/Those that the checkpoint you hold covers \(\d+\) are as they were then/)
    expect(readFileSync(signed).equals(before)).toBe(true)
    expect(await verify(at('covered.sqlite'))).toBe(0)
    expect(said.join('\n')).toMatch(/Nothing of it was held against a checkpoint from elsewhere.*\nThe key is the one that the log itself names/)
  })

  const session = "(select min(position) from events e join streams s on s.number = e.stream where s.name like 'session-%')"
  const last = '(select max(position) from events)'
  const ledger = "(select max(position) from events where type = 'CheckpointSigned')"
  test.each([
    ['an event that was signed', `update events set data = json_set(data, '$.mfa', json('true')) where position = ${session}`, /between leaf 0 and leaf \d+: the events are not those that were signed/],
    ['an event that was signed, and is missing', `delete from events where position = ${session}`, /session-\S+, revision 1: the revisions of the stream have a gap here/],
    ['one of another type', `update events set type = 'PasswordForged' where position = ${last}`, /session-\S+, revision 4: its type, PasswordForged, is not known/],
    ['one of another shape', `update events set data = json_remove(data, '$.amr') where position = ${last}`, /session-\S+, revision 4: it is no SessionCompleted: amr/],
    ['time that goes back', `update events set metadata = json_set(metadata, '$.at', '2026-03-01T08:00:00.000Z') where position = ${last}`, /session-\S+, revision 4: it was written at 2026-03-01.*before the event that precedes it/],
    ['no time', `update events set metadata = json_set(metadata, '$.at', 'soon') where position = ${last}`, /session-\S+, revision 4: it does not say when it was written/],
    ['no JSON', `update events set data = '{' where position = ${last}`, /session-\S+, revision 4: the stored event is not JSON/],
    ['a stream of no kind', `update streams set name = 'sessions' where number = (select stream from events where position = ${last})`, /sessions, revision 0: no stream of this name is known/],
    ['a gap that is not covered', `delete from events where position = ${last} - 1`, /session-\S+, revision 4: the revisions of the stream have a gap here/],
    ['a key that is gone', `delete from events where stream = (select number from streams where name = 'key-ADA')`, /account-ADA, revision 0: key-ADA is gone: it is the key of a person who was not forgotten/],
    ['a checkpoint of its own', `update events set data = json_set(data, '$.size', 1) where position = ${ledger}`, /ledger-\S+, revision 2: it is not what its note says/],
    ['a checkpoint of another tree', `update events set data = json_set(data, '$.root', '${Buffer.alloc(32).toString('base64')}') where position = ${ledger}`, /ledger-\S+, revision 2: it is not what its note says/],
    ['the signature of a checkpoint', `update events set data = json_set(data, '$.note', replace(json_extract(data, '$.note'), '— keyledger', '— keyledgerx')) where position = ${ledger}`, /ledger-\S+, revision 2: keyledger\S+ \(\w+\) has not signed this/],
    ['a checkpoint that is missing', `delete from events where type = 'CheckpointSigned' and revision = 1`, /ledger-\S+, revision 2: the revisions of the stream have a gap here/],
  ])('names %s', async (_, sql, place) => {
    const file = at(`${++changed}.sqlite`)
    copyFileSync(signed, file)
    const db = new DatabaseSync(file)
    db.exec(sql.replaceAll('ADA', ada))
    db.close()
    const code = await verify(file)
    expect([code, said.filter((line) => line.startsWith('WRONG')).join('\n')]).toEqual([2, expect.stringMatching(new RegExp(place.source.replaceAll('ADA', ada)))])
  })

  test('that was written anew and signed again is found out by the checkpoint that somebody holds', async () => {
    // The same keys and people, and other logins.
    const data = at('other')
    await addPeople(data)
    copyFileSync(at('data/master.key'), join(data, 'master.key'))
    copyFileSync(signed, fileIn(data))
    const db = new DatabaseSync(fileIn(data))
    db.exec("delete from events where stream in (select number from streams where name like 'session-%' or name like 'ledger-%'); delete from streams where name like 'session-%' or name like 'ledger-%'")
    db.close()
    await appendLogins(fileIn(data), 9)
    await sign(data)
    expect(await verify(fileIn(data))).toBe(0)
    expect(await verify(fileIn(data), { checkpoint: kept, key: vkey })).toBe(2)
    expect(said.at(-1)).toMatch(/^WRONG: the events are not those of the checkpoint that you hold \(\d+ events\), but those of a later one of the log's own: another history was signed$/)
    await expect(verify(fileIn(data), { key: signerOf(vkey.split('+')[0] as string, Buffer.alloc(32, 1)).vkey })).rejects.toThrow('no key names')
    await expect(verify(fileIn(data), { key: vkey.replace(/.$/, 'x') })).rejects.toThrow()
  })

  test('that is none, or is not there, is told', async () => {
    writeFileSync(at('letter'), 'Dear auditor')
    await expect(verify(at('letter'))).rejects.toThrow('cannot be read')
    await expect(verify(at('nowhere'))).rejects.toThrow('there is no')
    expect(said).toEqual([])
  })
})

test('Every event that is stored is known', () => {
  const root = join(import.meta.dirname, '..')
  const goldens = ['domain', 'vault'].flatMap((part) => readdirSync(join(root, part), { recursive: true, encoding: 'utf8' }).filter((path) => /(^|\/)stored\/[^/]+\.json$/.test(path)))
  expect([...new Set(goldens.map((path) => path.replace(/^.*\//, '').replace(/(~\d+)?\.json$/, '')))].toSorted()).toEqual(storedTypes().toSorted())
})

test('The key of a month must be there, or the month have been dropped', async () => {
  const file = at('months.sqlite')
  const append = async (stream: string, golden: string): Promise<void> => {
    const log = openSqliteLog({ file })
    await log.append(stream, [JSON.parse(readFileSync(join(import.meta.dirname, '../domain', golden), 'utf8')) as NewEvent], 'none')
    await log.close()
  }
  await append('session-1', 'session/stored/UsernamelessLoginStarted.json')
  expect(await verify(file)).toBe(2)
  expect(said.at(-1)).toMatch(/^WRONG: session-1, revision 0: key-\S+ is gone: it is the key of 2026-03, and that month was not dropped \(and 1 more\)$/)
  await append('audit-1', 'audit/stored/PeriodDropped.json')
  expect(await verify(file)).toBe(2)
  expect(said.at(-1)).toMatch(/^WRONG: session-1, revision 0: key-6513270e-\S+ is gone: it is the key of a person who was not forgotten$/)
})

test('A person who was forgotten leaves a log that is right', async () => {
  const data = at('forgetting')
  const [id = ''] = await addPeople(data, 'ada')
  const { engine, close } = await openEngine(configOf(data), {}, { history: async () => 'unavailable' })
  expect(await engine.administration.erase({ actor: 'cli:test', secret: 'x', key: 'x' }, id)).toBe('done')
  await close()
  await sign(data)
  expect(await verify(fileIn(data))).toBe(0)
})

describe('With a database', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.remove())

  test('the event that was changed is named, a table that was changed is told from it, and without a database the log is walked all the same', async () => {
    const data = at('beside')
    const config = configOf(data, { DATABASE_URL: await postgres.createDatabase() })
    await addPeople(data, 'ada')
    await appendLogins(fileIn(data), 2)
    vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
    await takeCheckpoint(config, {})
    const log = openSqliteLog({ file: fileIn(data) })
    expect(await verifyLog(() => config, undefined, {})).toBe(0)
    await log.close()
    const { stream } = (await readEvents(fileIn(data))).findLast((event) => event.stream.startsWith('session-'))!
    const change = (sql: string): void => {
      const db = new DatabaseSync(fileIn(data))
      db.exec(sql)
      db.close()
    }
    change(`update events set type = 'OtpSent' where revision = 2 and stream = (select number from streams where name = '${stream}')`)
    expect(await verifyLog(() => config, undefined, {})).toBe(2)
    expect(said).toContain(`WRONG: ${stream}, revision 2: it was changed`)
    change(`update events set type = 'OtpVerified' where revision = 2 and stream = (select number from streams where name = '${stream}')`)
    const { sql, close } = openDatabase({ url: config.databaseUrl as string })
    // Where all is right, 32 bytes for thousands of rows say so, and no row is fetched.
    const beside = openSqliteLog({ file: fileIn(data) })
    expect(await verifyEvents(beside, {}, { table: { ...createLedgerTable(sql), from: () => Promise.reject(new Error('a row was fetched')) } })).toBe('right')
    await beside.close()
    await sql`update ledger_v1 set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) where index = 3`
    expect(await verifyLog(() => config, undefined, {})).toBe(2)
    expect(said.at(-1)).toContain('the table of the ledger has other hashes above leaf 3')
    await sql`update ledger_v1 set hashes = set_byte(hashes, 4, get_byte(hashes, 4) # 1) where index = 4`
    expect(await verifyLog(() => config, undefined, {})).toBe(2)
    expect(said.join('\n')).toMatch(/WRONG: the table of the ledger differs from the log at leaf 4, /)
    await close()
    await rebuildProjections(config, 'ledger')
    expect(await verifyLog(() => config, undefined, {})).toBe(0)
    // What no checkpoint covers, the table still knows.
    await appendLogins(fileIn(data), 1)
    await rebuildProjections(config, 'ledger')
    expect(await verifyLog(() => config, undefined, {})).toBe(3)
    change('delete from events where position = (select max(position) from events)')
    expect(await verifyLog(() => config, undefined, {})).toBe(2)
    expect(said.at(-1)).toMatch(/^WRONG: the table of the ledger differs from the log at leaf \d+, session-\S+, revision 4: the log ends before it/)
  })

  test('a backup that is put back drops the rows that would be ahead of it, and no others', async () => {
    const url = await postgres.createDatabase()
    const data = at('rows')
    await addPeople(data, 'ada')
    await backupLog(configOf(data), at('rows.sqlite'))
    const { sql, close } = openDatabase({ url })
    await sql.unsafe(`create table projection_checkpoints (projection text primary key, position text); insert into projection_checkpoints values ('sessions_v1', '7');
      create table sessions_v1 (key text); create view figures as select * from sessions_v1; create table guesses (key text); create table ledger_witnesses (witness text); create table feeds (feed text)`)
    expect(await restoreLog(configOf(data, { DATABASE_URL: url }), { file: at('rows.sqlite'), yes: false }, given)).toBe(0)
    expect((await sql`select table_name from information_schema.tables where table_schema = 'public'`).map(({ table_name }) => table_name as string)).toEqual(['guesses'])
    await close()
  })
})

async function collect(steps: AsyncIterable<LogStep>, into: LogStep[] = []): Promise<LogStep[]> {
  for await (const { stream, revision, metadata, hash, reason, needs } of steps) into.push({ stream, revision, metadata: { at: metadata.at }, hash: Buffer.from(hash), reason, needs })
  return into
}

test('Several threads read what one reads, in its order, and end where an event cannot be read', async () => {
  const file = at('threads.sqlite')
  const log = openSqliteLog({ file })
  await log.append('key-1', [{ ...newEvents(1)[0]!, type: 'None' }], 'none')
  await appendLogins(file, 9)
  const alone = await collect(stepsOf(log))
  expect(alone).toHaveLength(46)
  expect(alone[0]?.reason).toContain('its type, None, is not known')
  expect(await collect(stepsOfFile(file, headOf(file), 2, 7))).toEqual(alone)
  const db = new DatabaseSync(file)
  db.exec("update events set data = '{' where position = 20")
  db.close()
  await log.close()
  const before: LogStep[] = []
  await expect(collect(stepsOfFile(file, headOf(file), 2, 7), before)).rejects.toThrow(/^session-\S+, revision 2: the stored event is not JSON$|^session-\S+, revision 1: the stored event is not JSON$/)
  expect(before).toEqual(alone.slice(0, 19))
})

describe('A backup', () => {
  let cli: ReturnType<typeof openFolder>
  beforeEach(() => {
    cli = openFolder()
  })
  afterEach(() => {
    cli.remove()
  })

  const beside = (name: string): string => join(cli.folder, name)
  const backup = (file: string): Promise<number> => backupLog(configOf(cli.data), file)
  const restore = (file: string, yes = false): Promise<number> => restoreLog(configOf(cli.data), { file, yes }, given)
  const identities = async (file: string): Promise<string[]> => (await readEvents(file)).map(({ stream, revision, id }) => `${stream} ${revision} ${id}`)
  const logOf = (): string => fileIn(cli.data)
  /** Starts the command, ends it as soon as the file is there, or after so many ms, and gives it again. */
  async function killed(file: string, after: number, ...args: string[]): Promise<void> {
    const { child, ended } = cli.start(args)
    while (!existsSync(file) && child.exitCode === null) await sleep(2)
    await sleep(after)
    child.kill('SIGKILL')
    await ended
  }
  const attempts = prove ? 20 : 1
  const delay = (): number => (prove ? Math.random() * 100 : 0)

  describe('log backup', () => {
    test('is the log as it was when it began, while an engine writes, for its owner alone, and replaces nothing', async () => {
      await addPeople(cli.data, 'ada')
      await appendLogins(logOf(), 80, 5_000)
      await sign(cli.data)
      const before = await identities(logOf())
      const engine = openSqliteLog({ file: logOf() })
      let written = 0
      let running = true
      const writing = (async () => {
        for (; running; written += 1) await engine.append(`session-${crypto.randomUUID()}`, newEvents(1), 'none')
      })()
      expect(await backup(beside('copy.sqlite'))).toBe(0)
      running = false
      await writing
      await engine.close()
      expect(written).toBeGreaterThan(3)
      const copied = await identities(beside('copy.sqlite'))
      expect(copied.slice(0, before.length)).toEqual(before)
      expect((await identities(logOf())).slice(0, copied.length)).toEqual(copied)
      expect(said.join('\n')).toMatch(/The first \d+ events are as they were when they were signed/)
      if (process.platform !== 'win32') expect(statSync(beside('copy.sqlite')).mode & 0o777).toBe(0o600)
      const bytes = readFileSync(beside('copy.sqlite'))
      await expect(backup(beside('copy.sqlite'))).rejects.toThrow('is there already')
      expect(readFileSync(beside('copy.sqlite')).equals(bytes)).toBe(true)
      // One file, which can be read where nothing can be written beside it.
      expect(readdirSync(cli.folder).toSorted()).toEqual(['copy.sqlite', 'data'])
    })

    test('of what is wrong says so; there is none of a log in EventStoreDB', async () => {
      await addPeople(cli.data, 'ada')
      const log = openSqliteLog({ file: logOf() })
      await log.append('letters-1', newEvents(1), 'none')
      await log.close()
      expect(await backup(beside('copy.sqlite'))).toBe(2)
      expect(said.join('\n')).toContain('WRONG: letters-1, revision 0')
      expect(await restore(beside('copy.sqlite'))).toBe(2)
      await expect(backupLog({ ...configOf(cli.data), eventStoreDbUrl: 'esdb://127.0.0.1:1' }, beside('other.sqlite'))).rejects.toThrow('has its own backup')
    })

    test('that was killed is made by the next one', async () => {
      await addPeople(cli.data, 'ada')
      await appendLogins(logOf(), 30, 4_000)
      for (let attempt = 0; attempt < attempts; attempt += 1) await killed(beside('copy.sqlite.keyledger-part'), delay(), 'log', 'backup', beside('copy.sqlite')).then(() => (attempt < attempts - 1 ? rmSync(beside('copy.sqlite'), { force: true }) : undefined))
      if (!existsSync(beside('copy.sqlite'))) expect(await backup(beside('copy.sqlite'))).toBe(0)
      expect(await identities(beside('copy.sqlite'))).toEqual(await identities(logOf()))
      expect(readdirSync(cli.folder).toSorted()).toEqual(['copy.sqlite', 'data'])
    })
  })

  describe('log restore', () => {
    test('puts an older log back only when told so, keeps the one that was there, and says whom to forget again', async () => {
      const [ada = ''] = await addPeople(cli.data, 'ada')
      await sign(cli.data)
      await backup(beside('copy.sqlite'))
      const old = await identities(beside('copy.sqlite'))
      const { engine, close } = await openEngine(configOf(cli.data), {}, { history: async () => 'unavailable' })
      await engine.administration.erase({ actor: 'cli:test', secret: 'x', key: 'x' }, ada)
      await close()
      await appendLogins(logOf(), 2)
      const young = await identities(logOf())
      mkdirSync(join(cli.data, 'postgres'))
      writeFileSync(join(cli.data, 'postgres', 'row'), 'ahead')

      expect(await restore(beside('copy.sqlite'))).toBe(2)
      expect(said.at(-1)).toMatch(/^Not restored: the log has \d+ events more than the backup, which would be lost\. With --yes/)
      expect(await identities(logOf())).toEqual(young)
      const lock = lockDataFolder(ensureDataFolder(cli.data))
      await expect(restore(beside('copy.sqlite'), true)).rejects.toThrow('another engine is running')
      lock.release()
      expect(existsSync(join(cli.data, 'postgres'))).toBe(true)

      expect(await restore(beside('copy.sqlite'), true)).toBe(0)
      const restored = await readEvents(logOf())
      expect(restored.map(({ stream, revision, id }) => `${stream} ${revision} ${id}`).slice(0, -1)).toEqual(old)
      expect(restored.at(-1)).toMatchObject({ type: 'OperatorActed', data: { who: 'jo', why: 'the disk died', what: 'log restore' }, metadata: { actor: 'cli:jo' } })
      expect(said.at(-1)).toBe(`Keys that had been destroyed since the backup are back. Erase these people again, drop these months again: key-${ada}`)
      expect(existsSync(join(cli.data, 'postgres'))).toBe(false)
      if (process.platform !== 'win32') expect(statSync(logOf()).mode & 0o777).toBe(0o600)
      const [kept = ''] = readdirSync(cli.data).filter((name) => name.includes('.replaced-'))
      expect(await identities(join(cli.data, kept))).toEqual(young)
      // Ada is back, and can be found.
      const again = await openEngine(configOf(cli.data), {}, { history: async () => 'unavailable' })
      expect((await again.engine.administration.find('ada@example.com')).identifiers).toHaveLength(1)
      await again.close()
      expect(await restore(beside('copy.sqlite'))).toBe(0)
      expect(said.at(-1)).toBe('This backup was put back already, and nothing was written since.')
    })

    test('takes the place of a log that cannot be read, or of another history, or of none; without --as and --why of nothing', async () => {
      await addPeople(cli.data, 'ada')
      await backup(beside('copy.sqlite'))
      const key = readFileSync(join(cli.data, 'master.key'))
      const unreadable = (): void => ['', '-wal'].forEach((end) => writeFileSync(`${logOf()}${end}`, 'noise'))
      for (const prepare of [unreadable, () => rmSync(logOf())]) {
        prepare()
        expect(await restore(beside('copy.sqlite'))).toBe(0)
        expect((await readEvents(logOf())).length).toBe((await readEvents(beside('copy.sqlite'))).length + 1)
      }
      // What stood beside the old one is kept with it, and is no part of the backup.
      expect(readdirSync(cli.data).filter((name) => name.includes('.replaced-')).map((name) => name.replace(/.*Z/, '')).toSorted()).toEqual(['', '-wal'])
      for (const end of ['', '-wal', '-shm']) rmSync(`${logOf()}${end}`, { force: true })
      writeFileSync(join(cli.data, 'master.key'), key)
      await addPeople(cli.data, 'bob')
      expect(await restore(beside('copy.sqlite'))).toBe(2)
      expect(said.at(-1)).toContain('not of one history')
      await expect(restoreLog(configOf(cli.data), { file: beside('copy.sqlite'), yes: true }, {})).rejects.toThrow('--as NAME is missing')
    })

    test('that was killed is done by the next one', async () => {
      await addPeople(cli.data, 'ada')
      await appendLogins(logOf(), 30, 4_000)
      await backup(beside('copy.sqlite'))
      await appendLogins(logOf(), 1)
      const old = await identities(beside('copy.sqlite'))
      for (let attempt = 0; attempt < attempts; attempt += 1) await killed(`${logOf()}.restoring`, delay(), 'log', 'restore', beside('copy.sqlite'), '--yes', '--as', 'jo', '--why', 'the disk died')
      expect(await restore(beside('copy.sqlite'), true)).toBe(0)
      expect((await identities(logOf())).slice(0, old.length)).toEqual(old)
      expect((await readEvents(logOf())).slice(old.length).map(({ type, data }) => [type, data['what']])).toEqual([['OperatorActed', 'log restore']])
      expect(readdirSync(cli.data).filter((name) => name.includes('restoring'))).toEqual([])
    })
  })
})
