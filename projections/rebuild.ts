import type { Sql } from 'postgres'
import type { EventLog } from '../eventlog/event-log.ts'
import { tableName, type Projection } from './projection.ts'
import { raiseUnlessWhole, refill, type Refill, type Refilled } from './refill.ts'
import { createStore } from './store.ts'

/** `changed`, `removed`: rows that were not what the log says. Both are 0 for a healthy table. */
export type Rebuilt = { projection: string; rows: number; changed: number; removed: number; parked: number }

/**
 * Folds the whole log anew into tables beside, then makes each live table equal to its one in one transaction. The engine may serve meanwhile, in
 * another process: readers see the old rows until the new ones are there, and the live runner goes on from the new checkpoint. Rows are compared and
 * replaced, and the table stays, since views and rights hang on it. Memory does not grow with the log.
 * @throws Overtaken, and the log's and the database's errors: when another rebuild of the same table began, or one of the two went away;
 *   then the live tables are as they were, or some of them as the log says
 */
export const rebuild = async (
  { log, sql, projections, batch = 2_000, cached = 2_000, onProgress = () => {}, onReplace = () => {} }: {
    log: EventLog
    sql: Sql
    projections: readonly Projection[]
    /** Its table is made equal now, which may take a while. */
    onReplace?: (projection: Projection) => void
  } & Partial<Pick<Refill, 'batch' | 'cached' | 'onProgress'>>,
): Promise<Rebuilt[]> => {
  for (const projection of projections) await createStore(sql, projection).create()
  const rebuilt: Rebuilt[] = []
  for (const made of await refill(projections, { log, sql, batch, cached, onProgress })) {
    onReplace(made.projection)
    rebuilt.push({ projection: made.projection.name, ...(await replace(sql, made)), parked: made.parked })
  }
  return rebuilt
}

const replace = async (sql: Sql, { projection, scratch, generation }: Refilled) => {
  const table = tableName(projection)
  const columns = Object.keys(projection.columns).map((column) => `"${column}"`)
  const of = (name: string) => `(${columns.map((column) => `${name}.${column}`).join(', ')})`
  // One simple query of several statements is one transaction (PostgreSQL, 54.2.2.1). The live checkpoint is locked first, as the live runner does.
  const results = await sql.unsafe(`
    set local statement_timeout = 0;
    do $$ begin
      perform from projection_checkpoints where projection = '${table}' for update;
      perform from projection_checkpoints where projection = '${scratch}' and generation = ${generation} for update;
      if not found then raise exception '${scratch} was written by another'; end if;
      ${raiseUnlessWhole({ scratch, generation })}
    end $$;
    with removed as (
      delete from "${table}" live where not exists (select from "${scratch}" made where made.key = live.key) returning 1
    ), changed as (
      insert into "${table}" (key, ${columns.join(', ')})
        select made.key, ${columns.map((column) => `made.${column}`).join(', ')} from "${scratch}" made left join "${table}" live on live.key = made.key
          where live.key is null or ${of('live')} is distinct from ${of('made')}
        on conflict (key) do update set ${columns.map((column) => `${column} = excluded.${column}`).join(', ')} returning 1
    )
    select (select count(*)::int from removed) as removed, (select count(*)::int from changed) as changed,
      (select count(*)::int from "${scratch}") as rows;
    delete from projection_parked where projection = '${table}';
    update projection_parked set projection = '${table}' where projection = '${scratch}';
    update projection_checkpoints live set position = made.position, generation = live.generation + 1, updated_at = now()
      from projection_checkpoints made where live.projection = '${table}' and made.projection = '${scratch}';
    delete from projection_checkpoints where projection = '${scratch}';
    delete from projection_scratch where projection = '${scratch}';
    drop table "${scratch}"`)
  // A result for each statement that gives rows, behind an empty one for those before it.
  return results.flat()[0] as unknown as Pick<Rebuilt, 'removed' | 'changed' | 'rows'>
}
