/** Which version of a projection's table is read. One row in the database says it, so that all engines agree, and that a way back is one row too. */
import type { Sql } from 'postgres'
import { tableName, type Projection } from './projection.ts'
import { ifThere } from './store.ts'

/** What a query reads from. */
export type Source = { sql: Sql; table: (projection: Projection) => string }
/** What is held stays where it is until somebody says otherwise; everything else goes up as soon as the new table has caught up. */
export type Served = { projection: string; version: number; held: boolean; switchedAt: Date }

/** What is served as far as its table is there. @throws what the database throws */
export const readServed = async (sql: Sql): Promise<Served[]> => {
  const rows = await ifThere(sql<{ projection: string; version: number; held: boolean; switchedAt: string }[]>`
    select projection, version, held, switched_at as "switchedAt" from projection_serving where to_regclass(projection || '_v' || version) is not null`)
  return rows.map((row) => ({ ...row, switchedAt: new Date(row.switchedAt) }))
}

/** The version that this release reads while that one is served: its own, where it cannot read that one, or where it is an older release itself. */
export const versionRead = ({ version, alsoReads = [] }: Projection, served: number | undefined): number =>
  served !== undefined && alsoReads.includes(served) ? served : version

/** Once the new table has caught up. Never down, and not past a hold. @throws what the database throws */
export const serveCaughtUp = async (sql: Sql, { name, version }: Projection): Promise<void> => {
  await sql`
    insert into projection_serving as served (projection, version) values (${name}, ${version})
      on conflict (projection) do update set version = excluded.version, switched_at = now() where served.version < excluded.version and not served.held`
}

/** By hand, up or down. @throws Error for a table that is not there */
export const serve = async (sql: Sql, { name, version }: Pick<Projection, 'name' | 'version'>, held: boolean): Promise<void> => {
  const rows = await sql`
    insert into projection_serving (projection, version, held)
      select ${name}, ${version}, ${held} where to_regclass(${name} || '_v' || ${version}::text) is not null
      on conflict (projection) do update set version = excluded.version, held = excluded.held, switched_at = now() returning 1`
  if (rows.length === 0) throw new Error(`there is no table ${name}_v${version}`)
}

/** What an engine knows of it; asked for now and then, since another engine or somebody at a terminal may have switched. */
export const createServing = (sql: Sql, projections: readonly Projection[]) => {
  let served: readonly Served[] = []
  /** As this process keeps it. */
  const own = ({ name }: Projection): Projection => {
    const found = projections.find((one) => one.name === name)
    if (!found) throw new TypeError(`there is no projection ${name}`)
    return found
  }
  const read = (projection: Projection): Projection => {
    const ours = own(projection)
    return { ...ours, version: versionRead(ours, served.find(({ projection: name }) => name === ours.name)?.version) }
  }
  return {
    table: (projection: Projection): string => tableName(read(projection)),
    /** The projection as of the table that serves; undefined where this release reads its own. */
    older: (projection: Projection): Projection | undefined => {
      const served = read(projection)
      return served.version === own(projection).version ? undefined : served
    },
    /** Looks what is served, and switches to those tables of this release that have caught up. @throws what the database throws */
    look: async (caughtUp: (projection: Projection) => boolean): Promise<void> => {
      served = await readServed(sql)
      const next = projections.filter((projection) => caughtUp(projection) && (served.find((one) => one.projection === projection.name)?.version ?? 0) < projection.version)
      for (const projection of next) await serveCaughtUp(sql, projection)
      if (next.length > 0) served = await readServed(sql)
    },
  }
}
