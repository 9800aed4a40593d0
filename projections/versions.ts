/** The tables of a projection that are there: the one in use, those of newer releases, and older ones that were kept for a way back. */
import type { Sql } from 'postgres'
import type { Projection } from './projection.ts'
import { readServed } from './serving.ts'

export type Version = {
  projection: string
  version: number
  table: string
  rows: number
  bytes: number
  served: boolean
  held: boolean
}

/** `rows` is what the database thinks. @throws what the database throws */
export const listVersions = async (sql: Sql, { name }: Pick<Projection, 'name'>): Promise<Version[]> => {
  const served = (await readServed(sql)).find(({ projection }) => projection === name)
  const tables = await sql<{ table: string; rows: number; bytes: number }[]>`
    select relname as table, greatest(reltuples, 0)::bigint as rows, pg_total_relation_size(oid) as bytes
      from pg_class where relkind = 'r' and relname ~ ${`^${name}_v[0-9]+$`} and pg_table_is_visible(oid)`
  return tables
    .map(({ table, rows, bytes }) => {
      const version = Number(table.slice(`${name}_v`.length))
      return { projection: name, version, table, rows, bytes, served: served?.version === version, held: served?.version === version && served.held }
    })
    .toSorted((a, b) => a.version - b.version)
}

/**
 * Drops an older version's table and all that is known of it. An engine of the old release that still runs makes it anew.
 * @throws Error for the one that is served, or this release's own; what the database throws, such as that a view hangs on it
 */
export const dropVersion = async (sql: Sql, { name, version: own }: Projection, version: number): Promise<void> => {
  const chosen = (await listVersions(sql, { name })).find((one) => one.version === version)
  if (!chosen) throw new Error(`there is no table ${name}_v${version}`)
  if (chosen.served) throw new Error(`${chosen.table} is served`)
  if (version >= own) throw new Error(`${chosen.table} is not an older one: this release keeps ${name}_v${own}`)
  // A simple query of several statements is one transaction (PostgreSQL, 54.2.2.1). Locked first, as whoever writes the table does.
  await sql.unsafe(`
    do $$ begin perform from projection_checkpoints where projection = '${chosen.table}' for update; end $$;
    drop table "${chosen.table}";
    delete from projection_parked where projection = '${chosen.table}';
    delete from projection_checkpoints where projection = '${chosen.table}'`)
}
