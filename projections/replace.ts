/** A live table gets the rows of the one that was made beside it, and their checkpoint, in one transaction. Rows are replaced and the table stays, since views and rights hang on it. */
import type { Sql } from 'postgres'
import { tableName } from './projection.ts'
import { raiseUnlessWhole, type Refilled } from './refill.ts'

/** `changed`, `removed`: rows that were not what the log says. Both are 0 for a healthy table. */
export type Replaced = { rows: number; changed: number; removed: number }

/** @throws Error where another one began to make the same table, or the database lost what was made; then the live table is as it was */
export const replace = async (sql: Sql, refilled: Refilled): Promise<Replaced> => {
  const [live] = await sql.unsafe<{ lost: boolean }[]>(`select not exists (select from "${tableName(refilled.projection)}") as lost`)
  if (!live?.lost) return inOneTransaction(sql, refilled, makeEqual(refilled))
  return inOneTransaction(sql, refilled, fill(refilled)).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === writtenMeanwhile)) throw error
    return inOneTransaction(sql, refilled, makeEqual(refilled))
  })
}

/** PostgreSQL, appendix A: object_not_in_prerequisite_state. */
const writtenMeanwhile = '55000'

/** How the live table comes to its rows. `first`: before the live checkpoint is locked, which the live runner does when it has the table. `rows` ends with what became of them. */
type Way = { first?: string; rows: string }

async function inOneTransaction(sql: Sql, { projection, scratch, generation }: Refilled, { first = '', rows }: Way): Promise<Replaced> {
  const table = tableName(projection)
  // One simple query of several statements is one transaction (PostgreSQL, 54.2.2.1). The live checkpoint is locked before any row, as the live runner does.
  const results = await sql.unsafe(`
    set local statement_timeout = 0;
    ${first}
    do $$ begin
      perform from projection_checkpoints where projection = '${table}' for update;
      perform from projection_checkpoints where projection = '${scratch}' and generation = ${generation} for update;
      if not found then raise exception '${scratch} was written by another'; end if;
      ${raiseUnlessWhole({ scratch, generation })}
    end $$;
    ${rows};
    delete from projection_parked where projection = '${table}';
    update projection_parked set projection = '${table}' where projection = '${scratch}';
    update projection_checkpoints live set position = made.position, generation = live.generation + 1, updated_at = now()
      from projection_checkpoints made where live.projection = '${table}' and made.projection = '${scratch}';
    delete from projection_checkpoints where projection = '${scratch}';
    delete from projection_scratch where projection = '${scratch}';
    drop table "${scratch}"`)
  // A result for each statement that gives rows, behind an empty one for those before it.
  return results.flat()[0] as unknown as Replaced
}

const listed = ({ projection }: Refilled, of = ''): string => Object.keys(projection.columns).map((column) => `${of}"${column}"`).join(', ')

/** The rows that differ. */
function makeEqual(refilled: Refilled): Way {
  const [live, made] = [tableName(refilled.projection), refilled.scratch]
  const updated = Object.keys(refilled.projection.columns).map((column) => `"${column}" = excluded."${column}"`).join(', ')
  return {
    rows: `
      with removed as (
        delete from "${live}" live where not exists (select from "${made}" made where made.key = live.key) returning 1
      ), changed as (
        insert into "${live}" (key, ${listed(refilled)})
          select made.key, ${listed(refilled, 'made.')} from "${made}" made left join "${live}" live on live.key = made.key
            where live.key is null or (${listed(refilled, 'live.')}) is distinct from (${listed(refilled, 'made.')})
          on conflict (key) do update set ${updated} returning 1
      )
      select (select count(*)::int from removed) as removed, (select count(*)::int from changed) as changed, (select count(*)::int from "${made}") as rows`,
  }
}

/** All rows into a table that has none: its indexes, whoever made them, are then made of all rows at once, which takes a third of the time. */
function fill(refilled: Refilled): Way {
  const [live, made] = [tableName(refilled.projection), refilled.scratch]
  return {
    first: `lock table "${live}" in access exclusive mode;`,
    rows: `
      do $$ declare
        primary_key text;
        one record;
        indexes text[] := '{}';
      begin
        if exists (select from "${live}") then raise exception '${live} is written meanwhile' using errcode = '${writtenMeanwhile}'; end if;
        select conname into strict primary_key from pg_constraint where conrelid = '"${live}"'::regclass and contype = 'p';
        for one in select indexrelid::regclass as name, pg_get_indexdef(indexrelid) as definition from pg_index where indrelid = '"${live}"'::regclass and not indisprimary loop
          indexes := indexes || one.definition;
          execute format('drop index %s', one.name);
        end loop;
        execute format('alter table "${live}" drop constraint %I', primary_key);
        insert into "${live}" (key, ${listed(refilled)}) select key, ${listed(refilled)} from "${made}";
        execute format('alter table "${live}" add constraint %I primary key (key)', primary_key);
        for n in 1 .. cardinality(indexes) loop execute indexes[n]; end loop;
      end $$;
      select 0 as removed, count(*)::int as changed, count(*)::int as rows from "${live}"`,
  }
}
