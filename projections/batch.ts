import type { Recorded } from '../eventlog/event-log.ts'
import { fold, messageOf, route, type Routed } from './fold.ts'
import type { Projection } from './projection.ts'
import type { Checkpoint, Store } from './store.ts'

export type Batch = {
  events: readonly Recorded[]
  from: Checkpoint
  to: Checkpoint
  holder?: string | undefined
  /** The slots that are parked; grows by what this batch parks. */
  parked: Set<string>
  /** For events that were parked and are tried again: their numbers there. The position then stays. */
  numbers?: ReadonlyMap<Recorded, number>
}

/**
 * Folds the events into their rows and writes them, in one transaction. Rows that the database refuses are found by halving the batch, and
 * park like those whose `evolve` throws: one bad value must not stop the others.
 * @returns the new checkpoint and what was parked @throws Overtaken and the database's errors; on a lost connection it may be written all the same
 */
export const writeBatch = async (store: Store, projection: Projection, batch: Batch): Promise<{ checkpoint: Checkpoint; parked: Routed[] }> => {
  const { events, to, parked, numbers } = batch
  const write = async (routed: readonly Routed[]) => {
    const keys = new Set(routed.flatMap(({ key, slot }) => (key === undefined || parked.has(slot) ? [] : [key])))
    const folded = fold(projection, routed, await store.load([...keys]), parked)
    const aside = new Set(folded.parked.map(({ event }) => event))
    const healed = events.flatMap((event) => (aside.has(event) ? [] : (numbers?.get(event) ?? [])))
    await store.save({ ...folded, from: batch.from, to, holder: batch.holder, healed })
    for (const { slot } of folded.parked) parked.add(slot)
    return { checkpoint: to, parked: folded.parked }
  }
  const routed = route(projection, events, parked)
  try {
    return await write(routed)
  } catch (error) {
    if (!isRefusal(error)) throw error
    if (events.length === 1) return await write(routed.map((item) => ({ ...item, error: messageOf(error) })))
    const half = events.slice(0, events.length >> 1)
    const middle = numbers ? to : { ...to, position: half.at(-1)!.position }
    const first = await writeBatch(store, projection, { ...batch, events: half, to: middle })
    const second = await writeBatch(store, projection, { ...batch, events: events.slice(half.length), from: first.checkpoint })
    return { checkpoint: second.checkpoint, parked: [...first.parked, ...second.parked] }
  }
}

/** The database lives but does not take this value. Classes 22, 23 and 54 of PostgreSQL's error codes (documentation, appendix A). */
export const isRefusal = (error: unknown) => error instanceof Error && 'code' in error && /^(22|23|54)...$/.test(String(error.code))

/**
 * What is there now, up to `limit` items, never waiting for more: one live event comes alone and at once, a backlog in large batches. Reads on
 * while the batch is worked on, up to `limit` items ahead.
 */
export async function* inBatches<Item>(source: AsyncIterable<Item>, limit: number): AsyncGenerator<Item[]> {
  let waiting: Item[] = []
  let arrived = Promise.withResolvers<void>()
  let room = Promise.withResolvers<void>()
  let left = false
  let ended = false
  const reading = (async () => {
    try {
      for await (const item of source) {
        if (left) return
        waiting.push(item)
        arrived.resolve()
        if (waiting.length >= limit) await room.promise
      }
    } finally {
      ended = true
      arrived.resolve()
    }
  })()
  // Awaited below, where the error belongs; until then it is no unhandled one.
  reading.catch(() => {})
  try {
    for (;;) {
      await arrived.promise
      arrived = Promise.withResolvers()
      const items = waiting
      waiting = []
      room.resolve()
      room = Promise.withResolvers()
      if (items.length > 0) yield items
      if (ended) {
        if (waiting.length > 0) yield waiting
        return await reading
      }
    }
  } finally {
    left = true
    room.resolve()
  }
}
