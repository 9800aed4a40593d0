import type { Sql } from 'postgres'
import type { Position } from '../eventlog/event-log.ts'
import type { Folded, Rows } from './fold.ts'
import { tableName, type Projection } from './projection.ts'

/** How far a table is. The generation counts what a follower cannot know of: a rebuild, parked events tried again. */
export type Checkpoint = { position: Position | undefined; generation: number }
/** `holder`: who follows the table from now on. `healed`: numbers of parked events that are parked no longer. */
export type Change = Folded & { from: Checkpoint; to: Checkpoint; holder?: string | undefined; healed?: readonly number[] }
export type Store = ReturnType<typeof createStore>

/** The checkpoint is not where it was left: another one wrote this table. Nothing was written. */
export class Overtaken extends Error {
  readonly code = 'projection_overtaken'
}

const tables = `
  create table if not exists projection_checkpoints (
    projection text primary key, position text, generation integer not null default 0, holder text, updated_at timestamptz not null default now());
  create table if not exists projection_parked (
    projection text, stream text, revision integer, position text not null, type text not null, slot text not null, error text,
    number bigint not null generated always as identity, parked_at timestamptz not null default now(), primary key (projection, stream, revision));
  create index if not exists projection_parked_order on projection_parked (projection, number)`

/**
 * A projection's table in SQL: a batch is one query for the rows and one statement for everything that it changes. One statement is one
 * transaction, so rows, parked events and checkpoint move together or not at all, also when the connection breaks or the process dies.
 */
export const createStore = (sql: Sql, projection: Projection, table = tableName(projection)) => {
  const types = { key: 'text', ...projection.columns }
  const columns = Object.keys(types).map((column) => `"${column}"`)
  const typed = Object.entries(types).map(([column, type]) => `"${column}" ${type}`)
  const indexes = (projection.indexes ?? []).map((index) => `create index on "${table}" (${index.map((column) => `"${column}"`).join(', ')});`)

  // The lock keeps two processes from creating at once. A table that is new has no past: a checkpoint of that name is of a table that was dropped.
  const create = `
    select pg_advisory_xact_lock(hashtext('projection_checkpoints'));
    ${tables};
    do $$ begin
      if to_regclass('"${table}"') is null then
        create table "${table}" (${typed.join(', ')}, primary key (key));
        ${indexes.join(' ')}
        insert into projection_checkpoints (projection) values ('${table}')
          on conflict (projection) do update set position = null, generation = projection_checkpoints.generation + 1;
        delete from projection_parked where projection = '${table}';
      end if;
    end $$`

  const load = `select ${columns.join(', ')} from "${table}" where key = any($1)`

  const save = `
    with moved as (
      update projection_checkpoints set position = $2, generation = $3, holder = coalesce($4, holder), updated_at = now()
        where projection = $1 and position is not distinct from $5 and generation = $6 returning projection
    ), saved as (
      insert into "${table}" (${columns.join(', ')})
        select ${columns.join(', ')} from jsonb_to_recordset($7::text::jsonb) as x(${typed.join(', ')}) where exists (select from moved)
        on conflict (key) do update set ${columns.slice(1).map((column) => `${column} = excluded.${column}`).join(', ')}
    ), parked as (
      insert into projection_parked (projection, stream, revision, position, type, slot, error)
        select moved.projection, stream, revision, position, type, slot, error from moved, jsonb_to_recordset($8::text::jsonb)
          as x(n integer, stream text, revision integer, position text, type text, slot text, error text) order by n
        on conflict (projection, stream, revision) do update set slot = excluded.slot, error = excluded.error
    ), healed as (
      delete from projection_parked using moved where projection_parked.projection = moved.projection and number = any($9::bigint[])
    )
    select 1 from moved`

  return {
    table,

    create: async () => {
      await sql.unsafe(create)
    },

    checkpoint: async (): Promise<Checkpoint & { holder: string | undefined }> => {
      const [row] = await sql<{ position: string | null; generation: number; holder: string | null }[]>`
        select position, generation, holder from projection_checkpoints where projection = ${table}`
      if (!row) throw new Overtaken(`${table} has no checkpoint`)
      return { position: row.position ?? undefined, generation: row.generation, holder: row.holder ?? undefined }
    },

    load: async (keys: readonly string[]): Promise<Rows> => {
      if (keys.length === 0) return new Map()
      const rows = await sql.unsafe(load, [keys as string[]], { prepare: true })
      return new Map(rows.map(({ key, ...row }) => [key, row]))
    },

    /** Writes everything and moves the checkpoint by compare-and-set. @throws Overtaken */
    save: async ({ from, to, holder, changed, parked, healed = [] }: Change): Promise<void> => {
      const rows = Array.from(changed, ([key, row]) => ({ ...row, key }))
      const aside = parked.map(({ event, slot, error }, n) => {
        const { stream, revision, position, type } = event
        return { n, stream, revision, position, type, slot, error }
      })
      const moved = await sql.unsafe(
        save,
        [
          table, to.position ?? null, to.generation, holder ?? null, from.position ?? null, from.generation,
          JSON.stringify(rows), JSON.stringify(aside), healed as number[],
        ],
        { prepare: true },
      )
      if (moved.length === 0) throw new Overtaken(`${table} was written by another`)
    },

    parkedSlots: async (): Promise<Set<string>> => {
      const rows = await sql<{ slot: string }[]>`select distinct slot from projection_parked where projection = ${table}`
      return new Set(rows.map(({ slot }) => slot))
    },
  }
}
