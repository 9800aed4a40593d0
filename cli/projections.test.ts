import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { readConfig, type Config } from '../config.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { openDatabase } from '../projections/database.ts'
import { openReadModel } from '../projections/read-model.ts'
import { startPostgres, type TestPostgres } from '../projections/testing-postgres.ts'
import { compareProjection, dropProjection, projectionStatus, rebuildProjections, switchProjection } from './projections.ts'
import { openFolder } from './testing.ts'

let server: TestPostgres
let url: string
let cli: ReturnType<typeof openFolder>
beforeAll(async () => void (server = await startPostgres()))
afterAll(() => server.remove())
beforeEach(async () => {
  url = await server.createDatabase()
  cli = openFolder()
})
afterEach(() => cli.remove())

const config = () => ({ ...readConfig({ KEYLEDGER_DATA: cli.data }), databaseUrl: url })
/** What it says on the terminal, and its exit code. */
async function said(command: (config: Config) => Promise<number>): Promise<{ code: number; out: string }> {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {})
  try {
    const code = await command(config())
    return { code, out: print.mock.calls.map(([line]) => `${line}\n`).join('') }
  } finally {
    print.mockRestore()
  }
}

/** An engine took in a few accounts, and went home. */
async function filled(): Promise<void> {
  mkdirSync(cli.data, { recursive: true })
  const log = openSqliteLog({ file: join(cli.data, 'events.sqlite') })
  const database = openDatabase({ url })
  for (let n = 0; n < 5; n += 1) {
    const account = randomUUID()
    const metadata = { at: new Date().toISOString(), actor: 'engine', $correlationId: account, $causationId: account }
    await log.append(`account-${account}`, [{ id: randomUUID(), type: 'AccountRegistered', data: { source: 'added', identifiers: [], mfa: n > 2 }, metadata }], 'none')
  }
  const model = openReadModel({ log, database, now: () => new Date(), newId: randomUUID, onError: () => {} })
  await model.start()
  await model.stop()
  await database.close()
  await log.close()
}

async function change(statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql.unsafe(statement)
  await sql.end()
}

describe('Projections from the terminal', () => {
  test('are shown, compared with the log, and made right', async () => {
    await filled()
    await change('create table accounts_v1 (key text primary key, mfa boolean); update accounts_v2 set mfa = not mfa where mfa')
    const { out } = await said(projectionStatus)
    expect(out).toMatch(/^accounts: table accounts_v2, position \d+, nothing behind, 0 rows set aside, accounts_v2 is served, kept by .*\n {2}beside it accounts_v1: about 0 rows/m)
    expect(out).toMatch(/^sessions: table sessions_v3, .*sessions_v3 is served/m)

    // The real program, once.
    const compared = await cli.start(['projections', 'compare', 'accounts'], '', { DATABASE_URL: url }).ended
    expect(compared).toMatchObject({ code: 1, err: '' })
    expect(compared.out).toContain('accounts_v2 has 5 rows, the log makes 5; 2 differ')
    expect(compared.out).toMatch(/^ {2}[\w-]{36}, mfa: accounts_v2 false, the log true$/m)

    const rebuilt = await said((given) => rebuildProjections(given, undefined))
    expect(rebuilt.out).toMatch(/^5 events in [\d.]+ s, \d+\/s$/m)
    expect(rebuilt.out).toContain('accounts: 5 rows, 2 of them new or changed, 0 removed, 0 set aside')
  })

  test('of another version are compared, and dropped when nobody needs a way back', async () => {
    await filled()
    await change(`create table accounts_v1 as select key, mfa, 'x' as word from accounts_v2; update accounts_v1 set mfa = true where not mfa`)
    const compared = await said((given) => compareProjection(given, { name: 'accounts', version: 1 }))
    expect(compared.code).toBe(1)
    expect(compared.out).toMatch(/^compared in mfa; accounts_v2 is at position \d+, accounts_v1 is at position none$/m)
    expect(compared.out).toContain('3 differ')
    await expect(said((given) => switchProjection(given, { name: 'accounts', version: 1, hold: false }))).rejects.toThrow('this release cannot read accounts_v1')
    expect(await said((given) => dropProjection(given, { name: 'accounts', version: 1 }))).toEqual({ code: 0, out: 'accounts_v1 is dropped\n' })
    expect((await said((given) => switchProjection(given, { name: 'accounts', version: 2, hold: true }))).out).toContain('until it is switched again')
    expect((await said(projectionStatus)).out).toContain('accounts_v2 is served, and held')
    await expect(said((given) => compareProjection(given, { name: 'nothing', version: undefined }))).rejects.toThrow('there is no projection nothing')
  })
})
