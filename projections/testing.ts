import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { EventLog, Json, Recorded } from '../eventlog/event-log.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { tableName, type Projection } from './projection.ts'
import type { Runner } from './run.ts'

/** Two toy projections whose rows tell any event that is missing, doubled or out of order. Every kind of column is in them. */
export type Walk = {
  steps: number
  sum: number
  hash: number
  even: boolean
  note: string | null
  last: string | null
  trail: Json
  revision: number
}
export const walks: Projection<Walk> = {
  name: 'walks',
  version: 1,
  prefixes: ['walk-'],
  key: (event) => event.stream.slice('walk-'.length),
  initial: () => ({ steps: 0, sum: 0, hash: 7, even: true, note: null, last: null, trail: [], revision: -1 }),
  evolve: (row, { data, metadata, revision }) => ({
    steps: row.steps + 1,
    sum: row.sum + length(data),
    hash: (row.hash * 31 + length(data)) % 1_000_003,
    even: !row.even,
    note: typeof data['note'] === 'string' ? data['note'] : row.note,
    last: metadata.at,
    trail: [...(row.trail as Json[]), { length: length(data) }].slice(-3),
    revision,
  }),
  columns: {
    steps: 'integer', sum: 'bigint', hash: 'double precision', even: 'boolean', note: 'text', last: 'timestamptz', trail: 'jsonb', revision: 'integer',
  },
  indexes: [['last'], ['even', 'steps']],
}

/** Fed by several streams. */
export type Place = { visits: number; visitor: string }
export const places: Projection<Place> = {
  name: 'places',
  version: 1,
  prefixes: ['walk-', 'ride-'],
  key: ({ data }) => (typeof data['place'] === 'string' ? data['place'] : undefined),
  initial: () => ({ visits: 0, visitor: '' }),
  evolve: (row, { stream, revision }) => ({ visits: row.visits + 1, visitor: `${stream}/${revision}` }),
  columns: { visits: 'integer', visitor: 'text' },
}

const length = (data: Recorded['data']) => Number(data['length'])

/** A log in a file of its own. */
export const openTestLog = () => {
  const folder = mkdtempSync(join(tmpdir(), 'projections-'))
  const log = openSqliteLog({ file: join(folder, 'log.sqlite') })
  const revisions = new Map<string, number>()
  return {
    log,
    folder,
    /** Appends one event. @returns its revision */
    walk: async (stream: string, data: { [field: string]: Json }, at = '2026-01-01T00:00:00.000Z'): Promise<number> => {
      const event = { id: randomUUID(), type: 'Walked', data, metadata: { at, actor: 'engine', $correlationId: stream, $causationId: stream } }
      const { revision } = await log.append(stream, [event], revisions.get(stream) ?? 'none')
      revisions.set(stream, revision)
      return revision
    },
    remove: async () => {
      await log.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What the rows of a projection must be: the fold of the whole log. */
export const expectedRows = async (log: EventLog, projection: Projection): Promise<Record<string, any>> => {
  const rows: Record<string, object> = {}
  for await (const event of log.readAll({ prefixes: projection.prefixes })) {
    const key = projection.key(event)
    if (key !== undefined) rows[key] = projection.evolve(rows[key] ?? projection.initial(key), event)
  }
  return rows
}

export const storedRows = async (sql: Sql, projection: Projection): Promise<Record<string, object>> => {
  const rows = await sql`select * from ${sql(tableName(projection))}`
  return Object.fromEntries(rows.map(({ key, ...row }) => [key as string, row]))
}

/** Waits until the condition holds. */
export const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await sleep(5)
}

export const caughtUp = (runner: Runner) => until(() => runner.status().every(({ lag }) => lag === 0))
