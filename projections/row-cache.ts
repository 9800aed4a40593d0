import type { Rows } from './fold.ts'
import { createSeenKeys } from './seen-keys.ts'

type Entry = { row: object; changed: boolean }
type Entries = Map<string, Entry>

/**
 * The rows at work between the log and a table that nobody else writes. A row is written when it has not been touched for long, and that is most
 * often when nothing more will come for it: so it is written once, however many events made it.
 * @param limit of the rows in memory, three times which are held at most
 */
export const createRowCache = (limit: number, load: (keys: string[]) => Promise<Rows>, write: (rows: Rows) => Promise<void>) => {
  // Two generations in place of an exact order of use: a row that is touched comes to the young ones, and the old ones leave together.
  let young: Entries = new Map()
  let old: Entries = new Map()
  /** On their way to the table; still here for whoever asks, until they are there. */
  let leaving: Entries = new Map()
  let writing: Promise<void> = Promise.resolve()
  /** Those that may be in the table. Most keys of a log come for the first time, and for them no query is made. */
  const left = createSeenKeys()

  /** Most rows are set just after they were got. */
  let last: { key: string; entry: Entry | undefined } | undefined

  const find = (key: string): Entry | undefined => {
    if (last?.key !== key) last = { key, entry: search(key) }
    return last.entry
  }
  const search = (key: string): Entry | undefined => {
    const known = young.get(key)
    if (known) return known
    const other = old.get(key)
    if (other) {
      old.delete(key)
      young.set(key, other)
      return other
    }
    const gone = leaving.get(key)
    if (!gone) return undefined
    const again = { row: gone.row, changed: false }
    young.set(key, again)
    return again
  }

  const send = (entries: Entries) => {
    leaving = entries
    const rows: Rows = new Map()
    for (const [key, { row, changed }] of entries) {
      left.add(key)
      if (changed) rows.set(key, row)
    }
    writing = (async () => {
      if (rows.size > 0) await write(rows)
      leaving = new Map()
    })()
    // Thrown where the next ones are sent; until then it is no unhandled one.
    writing.catch(() => {})
  }

  return {
    get: (key: string): object | undefined => find(key)?.row,

    set: (key: string, row: object): void => {
      const entry = find(key)
      if (entry) {
        entry.row = row
        entry.changed = true
        return
      }
      last = undefined
      young.set(key, { row, changed: true })
    },

    /** Must be awaited before `get`: loads what is wanted and not here. */
    fetch: async (keys: readonly string[]): Promise<void> => {
      const missing = [...new Set(keys)].filter((key) => !search(key) && left.has(key))
      if (missing.length === 0) return
      last = undefined
      for (const [key, row] of await load(missing)) young.set(key, { row, changed: false })
    },

    /** Lets go of rows when there are too many. Waits only for those that left before. @throws what `write` throws */
    shrink: async (): Promise<void> => {
      if (young.size < limit) return
      await writing
      last = undefined
      send(old)
      old = young
      young = new Map()
    },

    /** Writes everything that is here. @throws what `write` throws */
    flush: async (): Promise<void> => {
      last = undefined
      for (const entries of [old, young]) {
        await writing
        send(entries)
      }
      await writing
    },
  }
}
