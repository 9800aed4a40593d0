import type { Sql } from 'postgres'
import type { EventLog } from '../eventlog/event-log.ts'
import type { Projection } from './projection.ts'
import { refill, type Refill } from './refill.ts'
import { replace, type Replaced } from './replace.ts'
import { createStore } from './store.ts'

export type Rebuilt = Replaced & { projection: string; parked: number }

/**
 * Folds the whole log anew into tables beside, then makes each live table equal to its one in one transaction. The engine may serve meanwhile, in
 * another process: readers see the old rows until the new ones are there, and the live runner goes on from the new checkpoint. Memory does not grow
 * with the log.
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
  const made = await refill(projections, { log, sql, batch, cached, onProgress })
  // Side by side: the database has more than one core. Each to its end, also where another one fails.
  const replaced = await Promise.allSettled(made.map(async (one): Promise<Rebuilt> => {
    onReplace(one.projection)
    return { projection: one.projection.name, ...(await replace(sql, one)), parked: one.parked }
  }))
  return replaced.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
