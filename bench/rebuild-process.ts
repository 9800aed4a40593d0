/** Makes the rows of all projections from a log anew, as the command line does; and what the database and the log can do at most. */
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import type { Sql } from 'postgres'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { openDatabase, type Database } from '../projections/database.ts'
import { tableName } from '../projections/projection.ts'
import { projections } from '../projections/read-model.ts'
import { rebuild as rebuildAll } from '../projections/rebuild.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import { answerCalls } from './process.ts'

export type RebuildOptions = { file: string } & ({ url: string } | { folder: string })
/** `rows`: in all tables together; `events`: those that some projection reads. `cpu`: µs of this process. `peak`: the most memory that this process ever had, bytes. */
export type RebuildFigures = { events: number; rows: number; changed: number; seconds: number; cpu: number; peak: number }

let opened: { log: EventLog; database: Database } | undefined

async function open(options: RebuildOptions): Promise<void> {
  const database = openDatabase(options)
  await database.ready
  opened = { log: openSqliteLog(options), database }
}

const parts = (): { log: EventLog; sql: Sql } => {
  if (!opened) throw new Error('nothing is open')
  return { log: opened.log, sql: opened.database.sql }
}

/** `empty`: as after the loss of all tables. */
async function rebuild({ empty }: { empty: boolean }): Promise<RebuildFigures> {
  const { log, sql } = parts()
  if (empty) for (const projection of projections) await sql.unsafe(`drop table if exists "${tableName(projection)}"`)
  let events = 0
  const [begun, before] = [performance.now(), process.cpuUsage()]
  const rebuilt = await rebuildAll({ log, sql, projections, onProgress: (progress) => void ({ events } = progress) })
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(before)
  const sum = (figure: (one: (typeof rebuilt)[number]) => number): number => rebuilt.reduce((total, one) => total + figure(one), 0)
  return { events, rows: sum(({ rows }) => rows), changed: sum(({ changed }) => changed), seconds, cpu: user + system, peak: process.resourceUsage().maxRSS * 1024 }
}

/** Events/s. */
async function read(): Promise<number> {
  const begun = performance.now()
  let seen = 0
  for await (const _ of parts().log.readAll({})) seen += 1
  return seen / ((performance.now() - begun) / 1000)
}

const copied = 100_000

/** Rows/s of a COPY of events, as they stand in the log, into one table without an index. Not for PGlite, which takes none through its socket. */
async function copy(): Promise<number> {
  const { log, sql } = parts()
  const lines: string[] = []
  for await (const event of log.readAll({})) if (lines.push(lineOf(event)) === copied) break
  await sql.unsafe('drop table if exists copied; create unlogged table copied (stream text, revision integer, type text, at timestamptz, data jsonb)')
  const begun = performance.now()
  const writable = await sql.unsafe('copy copied from stdin').writable()
  for (let from = 0; from < lines.length; from += 1_000) if (!writable.write(lines.slice(from, from + 1_000).join(''))) await once(writable, 'drain')
  writable.end()
  await once(writable, 'finish')
  return lines.length / ((performance.now() - begun) / 1000)
}

/** PostgreSQL's text format (documentation, COPY). */
const lineOf = ({ stream, revision, type, data, metadata }: Recorded): string => `${[stream, revision, type, metadata.at, JSON.stringify(data).replaceAll('\\', '\\\\')].join('\t')}\n`

answerCalls({ open, rebuild, read, copy }, async () => {
  await opened?.database.close()
  await opened?.log.close()
})
