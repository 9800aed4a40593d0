import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { openDatabase } from '../projections/database.ts'
import { openReadModel } from '../projections/read-model.ts'
import { startPostgres, type TestPostgres } from '../projections/testing-postgres.ts'
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

const projections = (...args: string[]) => cli.start(['projections', ...args], '', { DATABASE_URL: url }).ended

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
    await change(`create table accounts_v1 (key text primary key, mfa boolean); update accounts_v2 set mfa = not mfa where mfa`)
    const { out } = await projections('status')
    expect(out).toMatch(/^accounts: table accounts_v2, position \d+, nothing behind, 0 rows set aside, accounts_v2 is served, kept by .*\n {2}beside it accounts_v1: about 0 rows/m)
    expect(out).toMatch(/^sessions: table sessions_v3, .*sessions_v3 is served/m)

    const compared = await projections('compare', 'accounts')
    expect(compared).toMatchObject({ code: 1, err: '' })
    expect(compared.out).toContain('accounts_v2 has 5 rows, the log makes 5; 2 differ')
    expect(compared.out).toMatch(/^ {2}[\w-]{36}, mfa: accounts_v2 false, the log true$/m)

    const rebuilt = await projections('rebuild', '--all')
    expect(rebuilt.out).toMatch(/^5 events in [\d.]+ s, \d+\/s$/m)
    expect(rebuilt.out).toContain('accounts: 5 rows, 2 of them new or changed, 0 removed, 0 set aside')
    expect(await projections('compare', 'accounts')).toMatchObject({ code: 0, out: 'accounts_v2 has 5 rows, the log makes 5; they are the same\n' })
  })

  test('of another version are compared, and dropped when nobody needs a way back', async () => {
    await filled()
    await change(`create table accounts_v1 as select key, mfa, 'x' as word from accounts_v2; update accounts_v1 set mfa = true where not mfa`)
    const compared = await projections('compare', 'accounts', '--with', '1')
    expect(compared.code).toBe(1)
    expect(compared.out).toMatch(/^compared in mfa; accounts_v2 is at position \d+, accounts_v1 is at position none$/m)
    expect(compared.out).toContain('3 differ')
    expect((await projections('drop', 'accounts', '2')).err).toContain('accounts_v2 is served')
    expect(await projections('drop', 'accounts', '1')).toMatchObject({ code: 0, out: 'accounts_v1 is dropped\n' })
    expect((await projections('switch', 'accounts', '1')).err).toContain('this release cannot read accounts_v1')
    expect((await projections('switch', 'accounts', '2', '--hold')).out).toContain('until it is switched again')
    expect((await projections('status')).out).toContain('accounts_v2 is served, and held')
    expect(await projections('drop', 'accounts', 'all')).toMatchObject({ code: 64, out: '' })
  })
})
