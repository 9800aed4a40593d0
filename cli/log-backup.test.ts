import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ensureDataFolder, lockDataFolder } from '../data-folder.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { newEvents } from '../eventlog/contract/fixture.ts'
import { openEngine } from '../main.ts'
import { openDatabase } from '../projections/database.ts'
import { startPostgres } from '../projections/testing-postgres.ts'
import { backupLog } from './log-backup.ts'
import { restoreLog } from './log-restore.ts'
import { openFolder } from './testing.ts'
import { addPeople, appendLogins, configOf, fileIn, readEvents, sign } from './testing-log.ts'

const prove = process.env['PROVE'] !== undefined
const given = { as: 'jo', why: 'the disk died' }

let cli: ReturnType<typeof openFolder>
let said: string[]
beforeEach(() => {
  cli = openFolder()
  said = []
  for (const way of ['log', 'error'] as const) vi.spyOn(console, way).mockImplementation((line: string) => void said.push(line))
})
afterEach(() => {
  vi.restoreAllMocks()
  cli.remove()
})

const at = (name: string): string => join(cli.folder, name)
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
    await appendLogins(logOf(), 200, 2_000)
    await sign(cli.data)
    const before = await identities(logOf())
    const engine = openSqliteLog({ file: logOf() })
    let written = 0
    let running = true
    const writing = (async () => {
      for (; running; written += 1) await engine.append(`session-${crypto.randomUUID()}`, newEvents(1), 'none')
    })()
    expect(await backup(at('copy.sqlite'))).toBe(0)
    running = false
    await writing
    await engine.close()
    expect(written).toBeGreaterThan(3)
    const copied = await identities(at('copy.sqlite'))
    expect(copied.slice(0, before.length)).toEqual(before)
    expect((await identities(logOf())).slice(0, copied.length)).toEqual(copied)
    expect(said.join('\n')).toMatch(/The first \d+ events are as they were when they were signed/)
    if (process.platform !== 'win32') expect(statSync(at('copy.sqlite')).mode & 0o777).toBe(0o600)
    const bytes = readFileSync(at('copy.sqlite'))
    await expect(backup(at('copy.sqlite'))).rejects.toThrow('is there already')
    expect(readFileSync(at('copy.sqlite')).equals(bytes)).toBe(true)
    // One file, which can be read where nothing can be written beside it.
    expect(readdirSync(cli.folder).toSorted()).toEqual(['copy.sqlite', 'data'])
  })

  test('of what is wrong says so; there is none of a log in EventStoreDB', async () => {
    await addPeople(cli.data, 'ada')
    const log = openSqliteLog({ file: logOf() })
    await log.append('letters-1', newEvents(1), 'none')
    await log.close()
    expect(await backup(at('copy.sqlite'))).toBe(2)
    expect(said.join('\n')).toContain('WRONG: letters-1, revision 0')
    expect(await restore(at('copy.sqlite'))).toBe(2)
    await expect(backupLog({ ...configOf(cli.data), eventStoreDbUrl: 'esdb://127.0.0.1:1' }, at('other.sqlite'))).rejects.toThrow('has its own backup')
  })

  test('that was killed is made by the next one', async () => {
    await addPeople(cli.data, 'ada')
    await appendLogins(logOf(), 100, 2_000)
    for (let attempt = 0; attempt < attempts; attempt += 1) await killed(at('copy.sqlite.keyledger-part'), delay(), 'log', 'backup', at(`copy.sqlite`)).then(() => (attempt < attempts - 1 ? rmSync(at('copy.sqlite'), { force: true }) : undefined))
    if (!existsSync(at('copy.sqlite'))) expect(await backup(at('copy.sqlite'))).toBe(3 - 3)
    expect(await identities(at('copy.sqlite'))).toEqual(await identities(logOf()))
    expect(readdirSync(cli.folder).toSorted()).toEqual(['copy.sqlite', 'data'])
  })
})

describe('log restore', () => {
  test('puts an older log back only when told so, keeps the one that was there, and says whom to forget again', async () => {
    const [ada = ''] = await addPeople(cli.data, 'ada')
    await sign(cli.data)
    await backup(at('copy.sqlite'))
    const old = await identities(at('copy.sqlite'))
    const { engine, close } = await openEngine(configOf(cli.data), {}, { history: async () => 'unavailable' })
    await engine.administration.erase({ actor: 'cli:test', secret: 'x', key: 'x' }, ada)
    await close()
    await appendLogins(logOf(), 2)
    const young = await identities(logOf())
    mkdirSync(join(cli.data, 'postgres'))
    writeFileSync(join(cli.data, 'postgres', 'row'), 'ahead')

    expect(await restore(at('copy.sqlite'))).toBe(2)
    expect(said.at(-1)).toMatch(/^Not restored: the log has \d+ events more than the backup, which would be lost\. With --yes/)
    expect(await identities(logOf())).toEqual(young)
    const lock = lockDataFolder(ensureDataFolder(cli.data))
    await expect(restore(at('copy.sqlite'), true)).rejects.toThrow('another engine is running')
    lock.release()
    expect(existsSync(join(cli.data, 'postgres'))).toBe(true)

    expect(await restore(at('copy.sqlite'), true)).toBe(0)
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
    expect(await restore(at('copy.sqlite'))).toBe(0)
    expect(said.at(-1)).toBe('This backup was put back already, and nothing was written since.')
  })

  test('takes the place of a log that cannot be read, or of another history, or of none; without --as and --why of nothing', async () => {
    await addPeople(cli.data, 'ada')
    await backup(at('copy.sqlite'))
    const key = readFileSync(join(cli.data, 'master.key'))
    for (const prepare of [() => writeFileSync(logOf(), 'noise'), () => rmSync(logOf())]) {
      prepare()
      expect(await restore(at('copy.sqlite'))).toBe(0)
      expect((await readEvents(logOf())).length).toBe((await readEvents(at('copy.sqlite'))).length + 1)
    }
    for (const end of ['', '-wal', '-shm']) rmSync(`${logOf()}${end}`, { force: true })
    writeFileSync(join(cli.data, 'master.key'), key)
    await addPeople(cli.data, 'bob')
    expect(await restore(at('copy.sqlite'))).toBe(2)
    expect(said.at(-1)).toContain('not of one history')
    await expect(restoreLog(configOf(cli.data), { file: at('copy.sqlite'), yes: true }, {})).rejects.toThrow('--as NAME is missing')
  })

  test('that was killed is done by the next one', async () => {
    await addPeople(cli.data, 'ada')
    await appendLogins(logOf(), 60, 2_000)
    await backup(at('copy.sqlite'))
    await appendLogins(logOf(), 1)
    const old = await identities(at('copy.sqlite'))
    for (let attempt = 0; attempt < attempts; attempt += 1) await killed(`${logOf()}.restoring`, delay(), 'log', 'restore', at('copy.sqlite'), '--yes', '--as', 'jo', '--why', 'the disk died')
    expect(await restore(at('copy.sqlite'), true)).toBe(0)
    expect((await identities(logOf())).slice(0, old.length)).toEqual(old)
    expect((await readEvents(logOf())).slice(old.length).map(({ type, data }) => [type, data['what']])).toEqual([['OperatorActed', 'log restore']])
    expect(readdirSync(cli.data).filter((name) => name.includes('restoring'))).toEqual([])
  })

  test('drops the rows of a Postgres that would be ahead of it, and no others', async () => {
    const postgres = await startPostgres()
    const url = await postgres.createDatabase()
    await addPeople(cli.data, 'ada')
    await backup(at('copy.sqlite'))
    const { sql, close } = openDatabase({ url })
    await sql.unsafe(`create table projection_checkpoints (projection text primary key, position text); insert into projection_checkpoints values ('sessions_v1', '7');
      create table sessions_v1 (key text); create view figures as select * from sessions_v1; create table guesses (key text); create table ledger_witnesses (witness text)`)
    expect(await restoreLog(configOf(cli.data, { DATABASE_URL: url }), { file: at('copy.sqlite'), yes: false }, given)).toBe(0)
    expect((await sql`select table_name from information_schema.tables where table_schema = 'public'`).map(({ table_name }) => table_name as string)).toEqual(['guesses'])
    await close()
    await postgres.remove()
  })
})
