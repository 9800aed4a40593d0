import type { Sql } from 'postgres'
import type { EventLog, Position } from '../eventlog/event-log.ts'
import { first } from './parked.ts'
import { tableName, type Projection } from './projection.ts'
import { ifThere } from './store.ts'

export type ProjectionStatus = {
  projection: string
  table: string
  /** What this process does about it; `standby`: another one is at work. Missing where it was read from the database. */
  state?: 'stopped' | 'starting' | 'following' | 'standby' | 'failing'
  position: Position | undefined
  /** ms: the age of the oldest event that is in no row yet; 0 when there is none; undefined as long as nobody can tell. */
  lag: number | undefined
  /** Rows that are set aside since an event could not be digested. */
  parked: number
}
export type StoredStatus = ProjectionStatus & {
  /** The id of the oldest event that is in no row yet. */
  next: string | undefined
  /** Who keeps it up to date. */
  holder: string | undefined
  updatedAt: Date | undefined
}

/** ms: how long an event has waited that was written at that time; 0 where none does. */
export const lagOf = (at: string | undefined, now: Date): number => (at === undefined ? 0 : Math.max(0, now.getTime() - Date.parse(at)))

/** How far the tables are, from the database and the log alone: for any process, and exact. */
export const readStatus = async (
  { log, sql, projections, now }: { log: EventLog; sql: Sql; projections: readonly Projection[]; now: () => Date },
): Promise<StoredStatus[]> => {
  const tables = projections.map(tableName)
  const rows = await ifThere(sql<{ table: string; position: string | null; holder: string | null; updatedAt: string; parked: number }[]>`
    select projection as table, position, holder, updated_at as "updatedAt",
      (select count(distinct slot)::int from projection_parked where projection_parked.projection = projection_checkpoints.projection) as parked
    from projection_checkpoints where projection = any(${tables})`)
  return Promise.all(projections.map(async (projection, n): Promise<StoredStatus> => {
    const row = rows.find(({ table }) => table === tables[n])
    const position = row?.position ?? undefined
    const next = await first(log.readAll({ after: position, prefixes: projection.prefixes }))
    return {
      projection: projection.name,
      table: tables[n]!,
      position,
      lag: lagOf(next?.metadata.at, now()),
      parked: row?.parked ?? 0,
      next: next?.id,
      holder: row?.holder ?? undefined,
      updatedAt: row && new Date(row.updatedAt),
    }
  }))
}
