import type { Sql } from 'postgres'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import { writeBatch } from './batch.ts'
import type { Projection } from './projection.ts'
import { createStore, ifThere, type Checkpoint } from './store.ts'

export type ParkedRow = {
  /** The table. */
  projection: string
  /** The row's key, or `stream:<name>` where an event's key could not be found. */
  slot: string
  /** The event that could not be digested. */
  stream: string
  revision: number
  position: string
  type: string
  error: string
  /** How many events wait, this one included. */
  count: number
}

/** The rows that are set aside, oldest first. */
export const listParked = (sql: Sql): Promise<ParkedRow[]> => ifThere(sql<ParkedRow[]>`
  select * from (
    select distinct on (projection, slot) projection, slot, stream, revision, position, type, coalesce(error, '') as error,
      number, (count(*) over (partition by projection, slot))::int as count
    from projection_parked order by projection, slot, number
  ) parked order by number`)

/**
 * Tries the parked events again, in the log's order: what can be digested now goes into its rows and is parked no longer, the rest stays.
 * Done at every start, since a start is how a repaired `evolve` arrives. The checkpoint stays where it is.
 * @returns how many events were digested @throws Overtaken; what was done until then holds
 */
export const retryParked = async (
  { log, sql, projection, batch = 500 }: { log: EventLog; sql: Sql; projection: Projection; batch?: number },
): Promise<number> => {
  const store = createStore(sql, projection)
  await store.create()
  let checkpoint: Checkpoint = await store.checkpoint()
  const parked = new Set<string>()
  let digested = 0
  for (let last = 0; ; ) {
    const entries = await sql<{ number: number; stream: string; revision: number; slot: string }[]>`
      select number, stream, revision, slot from projection_parked
        where projection = ${store.table} and number > ${last} order by number limit ${batch}`
    if (entries.length === 0) return digested
    const numbers = new Map<Recorded, number>()
    for (const { number, stream, revision, slot } of entries) {
      const event = await first(log.read(stream, revision))
      if (event) numbers.set(event, number)
      else parked.add(slot)
      last = number
    }
    const to = { ...checkpoint, generation: checkpoint.generation + 1 }
    const written = await writeBatch(store, projection, { events: [...numbers.keys()], from: checkpoint, to, parked, numbers })
    checkpoint = written.checkpoint
    digested += numbers.size - written.parked.length
  }
}

export const first = async <Item>(items: AsyncIterable<Item>): Promise<Item | undefined> => {
  for await (const item of items) return item
  return undefined
}
