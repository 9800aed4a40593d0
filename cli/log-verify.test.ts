import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openEngine } from '../main.ts'
import type { NewEvent } from '../eventlog/event-log.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { startPostgres, type TestPostgres } from '../projections/testing-postgres.ts'
import { takeCheckpoint } from './audit.ts'
import { verifyLog } from './log-verify.ts'
import { rebuildProjections } from './projections.ts'
import { addPeople, appendLogins, configOf, fileIn, readEvents, sign } from './testing-log.ts'

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
    await expect(verify(fileIn(data), { key: vkey.replace(/.$/, 'x') })).rejects.toThrow()
  })

  test('that is none, or is not there, is told', async () => {
    writeFileSync(at('letter'), 'Dear auditor')
    await expect(verify(at('letter'))).rejects.toThrow('cannot be read')
    await expect(verify(at('nowhere'))).rejects.toThrow('there is no')
    expect(said).toEqual([])
  })
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

describe('With the table of the ledger, beside the engine', () => {
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
    await takeCheckpoint(config)
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
    const { default: connect } = await import('postgres')
    const sql = connect(config.databaseUrl as string)
    await sql`update ledger_v1 set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) where index = 3`
    expect(await verifyLog(() => config, undefined, {})).toBe(2)
    expect(said.at(-1)).toContain('the table of the ledger has other hashes above leaf 3')
    await sql`update ledger_v1 set hashes = set_byte(hashes, 4, get_byte(hashes, 4) # 1) where index = 4`
    expect(await verifyLog(() => config, undefined, {})).toBe(2)
    expect(said.join('\n')).toMatch(/WRONG: the table of the ledger differs from the log at leaf 4, /)
    await sql.end()
    await rebuildProjections(config, 'ledger')
    expect(await verifyLog(() => config, undefined, {})).toBe(0)
  })
})
