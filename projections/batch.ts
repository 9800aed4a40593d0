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

export { inBatches } from '../eventlog/in-batches.ts'
