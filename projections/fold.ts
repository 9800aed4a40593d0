import type { Recorded } from '../eventlog/event-log.ts'
import type { Projection } from './projection.ts'

/** An event on its way to a row, or to the parked ones. */
export type Routed = {
  event: Recorded
  /** What is parked when this event cannot be digested: the row's key, or the stream where not even the key could be found. */
  slot: string
  key?: string
  error?: string
}
export type Rows = Map<string, object>
export type Folded = { changed: Rows; parked: Routed[] }

/** Finds the row of each event, leaving out those that change none. `parked` holds the slots that are parked already. */
export const route = (projection: Projection, events: readonly Recorded[], parked: ReadonlySet<string>): Routed[] => {
  const lost = new Set<string>()
  return events.flatMap((event): Routed[] => {
    const slot = () => printable(`stream:${event.stream}`)
    if (parked.size + lost.size > 0 && (parked.has(slot()) || lost.has(slot()))) return [{ event, slot: slot() }]
    try {
      const key = projection.key(event)
      return key === undefined ? [] : [{ event, slot: printable(key), key }]
    } catch (error) {
      lost.add(slot())
      return [{ event, slot: slot(), error: messageOf(error) }]
    }
  })
}

/**
 * Takes event by event into its row. One that cannot be digested parks its slot, and so do all later ones of that slot, without a try: they are kept,
 * in order, until parked.ts tries them again. The other slots go on.
 */
export const createFolding = (projection: Projection, rows: Pick<Rows, 'get'> & { set(key: string, row: object): unknown }, parked: ReadonlySet<string>) => {
  const aside = new Set<string>()
  const left: Routed[] = []
  const park = (item: Routed) => {
    aside.add(item.slot)
    left.push(item)
  }
  return {
    parked: left as readonly Routed[],
    take: (item: Routed): void => {
      const { event, slot, key } = item
      if (key === undefined || item.error !== undefined || parked.has(slot) || aside.has(slot)) return park(item)
      try {
        const before = rows.get(key) ?? projection.initial(key)
        const after = projection.evolve(before, event)
        if (after !== before) rows.set(key, after)
      } catch (error) {
        park({ ...item, error: messageOf(error) })
      }
    },
  }
}

/** The rows that change, and the events that are set aside. */
export const fold = (projection: Projection, routed: readonly Routed[], rows: Rows, parked: ReadonlySet<string>): Folded => {
  const changed: Rows = new Map()
  const folding = createFolding(projection, { get: (key) => changed.get(key) ?? rows.get(key), set: (key, row) => changed.set(key, row) }, parked)
  for (const item of routed) folding.take(item)
  return { changed, parked: [...folding.parked] }
}

/** An exception as one line of text that the database can hold. */
export const messageOf = (error: unknown): string => printable(error instanceof Error ? error.message : String(error)).slice(0, 300)

/** Postgres' text holds neither U+0000 nor half a surrogate pair. */
const printable = (text: string) => (text.isWellFormed() && !text.includes('\0') ? text : text.toWellFormed().replaceAll('\0', ''))
