import type { Sql } from 'postgres'
import type { EventLog, Position, Recorded } from '../eventlog/event-log.ts'
import { inBatches, isRefusal, writeBatch } from './batch.ts'
import { createFolding, route, type Routed, type Rows } from './fold.ts'
import { tableName, type Projection } from './projection.ts'
import { createRowCache } from './row-cache.ts'
import { createStore, type Checkpoint, type Store } from './store.ts'

/** A projection's rows as the whole log makes them, in a table beside the live one. */
export type Refilled = { projection: Projection; scratch: string; position: Position | undefined; generation: number; parked: number }
/** `position`: of the newest event that was handed on. */
export type Refill = {
  log: EventLog
  sql: Sql
  /** Up to and with this one; undefined: up to the present end, and on as long as much comes. */
  upTo?: Position | undefined
  onProgress: (progress: { events: number; position: Position }) => void
  /** Events that are folded between two looks at the database. */
  batch: number
  /** Rows of each projection that are kept in memory, see row-cache.ts. */
  cached: number
}

/** Rows to a statement. Others want to use the connection, and an embedded database has only one. */
const rowsAtOnce = 1_000

/**
 * Folds the log into a table beside, for all these projections in one pass, in which each event is read and parsed once. Memory does not grow with the log.
 * @throws Overtaken when another one began the same, and the log's and the database's errors
 */
export const refill = async (projections: readonly Projection[], options: Refill): Promise<Refilled[]> => {
  const begun = await Promise.all(projections.map((projection) => begin(projection, options)))
  let events = 0
  for (let position: Position | undefined, pass = options.batch + 1; pass > options.batch; ) {
    pass = 0
    for await (const some of inBatches(read(options, projections, position), options.batch)) {
      await Promise.all(begun.map((part) => part.prepare(some)))
      for (const event of some) for (const part of begun) part.take(event)
      await Promise.all(begun.map((part) => part.shrink()))
      position = some.at(-1)!.position
      pass += some.length
      options.onProgress({ events: (events += some.length), position })
    }
    if (options.upTo !== undefined) break
  }
  return Promise.all(begun.map((part) => part.finish()))
}

const read = ({ log, upTo }: Refill, projections: readonly Projection[], after: Position | undefined) =>
  log.readAll({ after, upTo, prefixes: [...new Set(projections.flatMap(({ prefixes }) => prefixes))] })

const begin = async (projection: Projection, options: Refill) => {
  const { sql, cached } = options
  const store = createStore(sql, projection, `${tableName(projection)}_rebuild`)
  let checkpoint = await beginAnew(sql, store)
  const parked = new Set<string>()
  let aside: Routed[] = []
  let position: Position | undefined
  let refused = false

  const save = async (changed: Rows, to: Checkpoint) => {
    const set = aside
    aside = []
    await store.save({ changed, parked: set, from: checkpoint, to })
    checkpoint = to
  }
  const rows = createRowCache(cached, store.load, async (changed) => {
    const all = [...changed]
    for (let from = 0; from < all.length; from += rowsAtOnce) await save(new Map(all.slice(from, from + rowsAtOnce)), checkpoint)
  })
  let routed: Routed[] = []
  let next = 0
  let folding = createFolding(projection, rows, parked)

  /** A row that the database does not take: which event made it so is only found by folding again, batch by batch. */
  const unlessRefused = async (work: () => Promise<void>) => {
    if (refused) return
    try {
      await work()
    } catch (error) {
      if (!isRefusal(error)) throw error
      refused = true
      ;[routed, next] = [[], 0]
    }
  }

  return {
    prepare: (events: readonly Recorded[]) =>
      unlessRefused(async () => {
        position = events.at(-1)!.position
        routed = route(projection, events.filter(({ stream }) => projection.prefixes.some((prefix) => stream.startsWith(prefix))), parked)
        next = 0
        folding = createFolding(projection, rows, parked)
        await rows.fetch(routed.flatMap(({ key }) => key ?? []))
      }),

    take: (event: Recorded): void => {
      const item = routed[next]
      if (item?.event !== event) return
      next += 1
      folding.take(item)
    },

    shrink: () =>
      unlessRefused(async () => {
        for (const item of folding.parked) {
          parked.add(item.slot)
          aside.push(item)
        }
        await rows.shrink()
      }),

    finish: async (): Promise<Refilled> => {
      await unlessRefused(async () => {
        await rows.flush()
        await save(new Map(), { ...checkpoint, position })
      })
      const made = { projection, scratch: store.table, generation: checkpoint.generation, position, parked: parked.size }
      return refused ? { ...made, ...(await refillCarefully(projection, store, { ...options, upTo: position })) } : made
    },
  }
}

/** As the engine does it live: slower by far, and exact about what the database refuses. */
const refillCarefully = async (projection: Projection, store: Store, { sql, log, upTo, batch }: Refill) => {
  let checkpoint = await beginAnew(sql, store)
  const parked = new Set<string>()
  for await (const events of inBatches(log.readAll({ upTo, prefixes: projection.prefixes }), batch)) {
    const to = { ...checkpoint, position: events.at(-1)!.position }
    checkpoint = (await writeBatch(store, projection, { events, from: checkpoint, to, parked })).checkpoint
  }
  return { generation: checkpoint.generation, parked: parked.size }
}

/**
 * Rows of a scratch table are not written ahead, so a crash of the database empties it, and all others of its kind with it: of the mark that went with
 * it nothing is left either. A statement of plpgsql.
 */
export const raiseUnlessWhole = ({ scratch, generation }: Pick<Refilled, 'scratch' | 'generation'>): string => `
  if not exists (select from projection_scratch where projection = '${scratch}' and generation = ${generation}) then
    raise exception 'the database lost ${scratch}: begin again';
  end if;`

const beginAnew = async (sql: Sql, store: Store): Promise<Checkpoint> => {
  await sql.unsafe(`drop table if exists "${store.table}"`)
  await store.create()
  return store.checkpoint()
}
