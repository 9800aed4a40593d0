import { randomUUID } from 'node:crypto'
import type { EventLog, JsonObject, NewEvent, Recorded, SubscribeOptions } from '../event-log.ts'

export type Size = 'small' | 'full'
export type Test = [sentence: string, run: () => Promise<void>]

/** A store under test. Each `open()` is a handle of its own on the same store, as another process has it; the suite closes them. */
export type Store = { open(): Promise<EventLog>; faults?: Faults }

/** `freeze`: it takes connections and answers nothing. `kill`: it is gone at once; `revive` brings it back with what it had acknowledged. */
export type Faults = { freeze(): Promise<void>; thaw(): Promise<void>; kill(): Promise<void>; revive(): Promise<void> }

export type Item = Recorded | { checkpoint: string } | 'caughtUp'

/** A test that has two handles on the store. */
export const testsOf = (store: Store) => (sentence: string, run: (log: EventLog, other: EventLog) => Promise<void>): Test => [
  sentence,
  async () => {
    const [log, other] = [await store.open(), await store.open()]
    try {
      await run(log, other)
    } finally {
      await log.close()
      await other.close()
    }
  },
]

/** A category that no other test uses, so that a prefix tells this test's streams from all others in the store. */
export const newCategory = () => `t${randomUUID().replaceAll('-', '')}`
export const newStream = (category = newCategory()) => `${category}-${randomUUID()}`

export const newEvent = (data: JsonObject = {}): NewEvent => ({
  id: randomUUID(),
  type: 'IdentifierEntered',
  data,
  metadata: { at: '2031-02-03T04:05:06.789Z', actor: 'engine', $correlationId: randomUUID(), $causationId: randomUUID() },
})

export const newEvents = (count: number): NewEvent[] => Array.from({ length: count }, (_, index) => newEvent({ index }))

export const collect = async (events: AsyncIterable<Recorded>): Promise<Recorded[]> => {
  const collected: Recorded[] = []
  for await (const event of events) collected.push(event)
  return collected
}

/** Place and identity of events, short enough to read in a failure. */
export const places = (events: readonly Recorded[]) => events.map(({ stream, revision, id }) => `${stream}@${revision} ${id}`)

export const isEvent = (item: Item): item is Recorded => item !== 'caughtUp' && !('checkpoint' in item)

/** Reads a subscription until `enough` says so. A store that stays silent ends it after 30 s, so that the test fails and does not hang. */
export const follow = async (log: EventLog, options: SubscribeOptions, enough: (items: readonly Item[]) => boolean): Promise<Item[]> => {
  const items: Item[] = []
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), 30_000)
  const signal = options.signal ? AbortSignal.any([options.signal, patience.signal]) : patience.signal
  try {
    for await (const item of log.subscribe({ ...options, signal })) {
      items.push(item)
      if (enough(items)) break
    }
  } finally {
    clearTimeout(timer)
  }
  return items
}

export const untilEvents = (count: number) => {
  let seen = 0
  return (items: readonly Item[]) => isEvent(items.at(-1)!) && ++seen === count
}
export const untilCaughtUp = (items: readonly Item[]) => items.at(-1) === 'caughtUp'
