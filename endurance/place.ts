/** Where engines are put to the test: a log, one Postgres for all starts, a mail server, and a configuration as an operator writes it. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backendKeyOf, keySha256Of } from '../engine/backends.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { openEventStoreDb } from '../eventlog/eventstoredb.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { startPostgres } from '../projections/testing-postgres.ts'
import { shop } from '../stories/stage.ts'
import { prepareEngine, type EngineProcess } from './engine-process.ts'
import { openMailbox, type Mail, type Mailbox } from './mailbox.ts'
import type { Node } from './node.ts'

export type Place = Awaited<ReturnType<typeof openPlace>>

export const backendKey = backendKeyOf(createHash('sha256').update('a backend key for endurance').digest())
/** The stories' one: a node may hold what they have written. */
const masterKey = createHash('sha256').update('a master key for stories').digest('base64')

/**
 * @param options.node an EventStoreDB; without one the log is SQLite. `again`: told of a message that was taken before.
 * `environment` and `config`: put over what this place gives its engines
 */
export async function openPlace({ node, again, environment = {}, config = {} }: {
  node?: Node | undefined
  again?: (mail: Mail, before: Mail) => void | Promise<void>
  environment?: Record<string, string>
  config?: object
} = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'endurance-'))
  const [postgres, mailbox]: [Awaited<ReturnType<typeof startPostgres>>, Mailbox] = await Promise.all([startPostgres(), openMailbox(again ? { again } : {})])
  const databaseUrl = await postgres.createDatabase()
  const file = join(folder, 'keyledger.json')
  const backends = [{ id: 'crm', keySha256: keySha256Of(backendKey) }]
  // A machine that is starved by other work may take its time for a login that is killed again and again.
  writeFileSync(file, JSON.stringify({ issuer: 'https://login.shop.example', apps: [shop], backends, sweepMs: 500, flowSeconds: 3_600, ...config }))
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  const engines: EngineProcess[] = []
  const log: EventLog = node ? openEventStoreDb({ url: node.url }) : openSqliteLog({ file: join(data, 'events.sqlite') })

  return {
    /** The log as others than the engine read it. */
    log,
    data,
    postgres,
    databaseUrl,
    mailbox,
    /** An engine that was not started yet. Two at once need a node. */
    async engine(options: { shell?: string } = {}): Promise<EngineProcess> {
      const engine = await prepareEngine({
        KEYLEDGER_CONFIG: file,
        KEYLEDGER_DATA: data,
        KEYLEDGER_MASTER_KEY: masterKey,
        DATABASE_URL: databaseUrl,
        SMTP_URL: mailbox.url,
        MAIL_FROM: 'Northwind <no-reply@shop.example>',
        DELIVERY_PLAINTEXT: 'true',
        // What it waits for, and what went wrong; not every request.
        LOG_LEVEL: 'warn',
        ...(node ? { EVENTSTOREDB_URL: node.url } : {}),
        ...environment,
      }, options)
      engines.push(engine)
      return engine
    },
    async close(): Promise<void> {
      await Promise.all(engines.map((engine) => engine.kill()))
      await log.close()
      await mailbox.close()
      await postgres.remove()
      await node?.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
