import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { encode } from './batch.ts'
import { Unavailable, type EventLog, type Position, type Selection } from './event-log.ts'
import { createChanges } from './sqlite/changes.ts'
import { openDatabase, openForReading } from './sqlite/database.ts'
import { ask, persist } from './sqlite/failure.ts'
import { createGroupCommit } from './sqlite/group-commit.ts'
import { createReader, eventsOf, pageSize, recorded, type Page } from './sqlite/reader.ts'
import { createWriter } from './sqlite/writer.ts'

/** How long SQLite itself waits for a lock, in milliseconds; the event loop stands still meanwhile. */
const busyTimeout = 50
/** So many foreign events may pass until a subscriber is told where it is. */
const checkpointEvery = 10_000
/** No pages. */
const none: Iterator<Page> = { next: () => ({ done: true, value: undefined }) }
/** Until a file that could not be read is read again, in milliseconds. */
const retryAfter = 500

/**
 * The log in one SQLite file; the folder must exist. Other processes may have it open too. `patience`: how long an append waits for the lock
 * of another process, in milliseconds. `readOnly`: a file that is there, and is left as it is. Closing it ends its subscriptions.
 * @throws Error for a file that is not such a log, or one of a newer release
 */
export function openSqliteLog({ file, patience = 5_000, readOnly = false }: { file: string; patience?: number; readOnly?: boolean }): EventLog {
  const db = readOnly ? openForReading(file) : openDatabase(file)
  db.exec(`pragma busy_timeout = ${busyTimeout}`)
  const attempts = Math.ceil(patience / busyTimeout)
  const dataVersion = db.prepare('pragma data_version')
  const truncate = db.prepare('pragma wal_checkpoint(truncate)')
  const version = () => Number(dataVersion.get()!['data_version'])
  const changes = createChanges(version)
  const reader = createReader(db)
  const writer = createWriter(db)
  let written = version()
  const commits = createGroupCommit(db, attempts, {
    begun: () => {
      const before = written
      written = version()
      if (written !== before) writer.forget()
    },
    undone: writer.forget,
    committed: changes.announce,
  })
  let closed = false

  const write = async <T>(work: () => T): Promise<T> => {
    if (closed) throw new Unavailable('the event log is closed')
    return commits.write(work)
  }

  /** A position of another log, or from before a backup was put back, would skip events without a word. */
  const placeOf = (position: Position | undefined): number => {
    if (position === undefined) return 0
    if (!/^\d{1,15}$/.test(position) || Number(position) > reader.head()) throw new RangeError(`${position} is not a position of this log`)
    return Number(position)
  }

  /** Most reads ask whether something has come since: what this process wrote last answers them, as long as no other one has written. */
  const hasNothing = (stream: string, from: number): boolean => {
    const last = from > 0 ? writer.lastRevision(stream) : undefined
    return last !== undefined && last < from && ask(version) === written
  }

  function* pagesOfStream(stream: string, from: number) {
    for (;;) {
      const page = reader.stream(stream, from)
      yield page
      if (page.length < pageSize) return
      from = page.at(-1)![2] + 1
    }
  }

  function* pagesOfLog(after: Position | undefined, upTo: Position | undefined, selection: Selection) {
    const end = upTo === undefined ? reader.head() : placeOf(upTo)
    for (let place = placeOf(after); place < end; place += pageSize) yield reader.between(place, Math.min(place + pageSize, end), selection)
  }

  return {
    append: async (stream, events, expected) => {
      const encoded = encode(events)
      const outcome = await write(() => writer.append(stream, encoded, expected))
      if (outcome instanceof Error) throw outcome
      return outcome
    },

    read: (stream, from = 0) => eventsOf(hasNothing(stream, from) ? none : pagesOfStream(stream, from)),

    last: async stream => reader.last(stream),

    readAll: ({ after, upTo, ...selection }) => eventsOf(pagesOfLog(after, upTo, selection)),

    extent: async () => {
      const end = reader.head()
      return position => Math.min(1, Number(position) / Math.max(1, end))
    },

    subscribe: async function* ({ after, signal, ...selection }) {
      let place = placeOf(after)
      let told = place
      let caughtUp = false
      while (!signal?.aborted && !closed) {
        let end = place
        let page: Page = []
        try {
          end = Math.min(reader.head(), place + pageSize)
          page = end > place ? reader.between(place, end, selection) : []
        } catch {
          await pause(retryAfter, undefined, { signal }).catch(() => undefined)
          continue
        }
        if (end > place) {
          for (const row of page) {
            if (signal?.aborted) return
            yield recorded(row)
            told = row[0]
          }
          if (end - place === pageSize) await turn()
          place = end
          if (place - told < checkpointEvery) continue
          told = place
          yield { checkpoint: String(place) }
        } else if (caughtUp) {
          // No await since the look at the head: what this process commits from now on is announced.
          await changes.next(signal)
        } else {
          caughtUp = true
          yield 'caughtUp'
        }
      }
    },

    seal: async stream => {
      if (!stream.startsWith('key-')) throw new TypeError(`${stream} is not a key stream`)
      await write(() => writer.seal(stream))
      // The deleted content still stands in the write-ahead log, and older pages with it. Unavailable: sealed, but not gone yet; repeat.
      await persist(attempts, () => truncate.get()!['busy'] === 0)
    },

    truncate: async marks => {
      const other = marks.find(({ stream }) => !stream.startsWith('key-'))
      if (other) throw new TypeError(`${other.stream} is not a key stream`)
      await write(() => marks.forEach(writer.truncate))
      await persist(attempts, () => truncate.get()!['busy'] === 0)
    },

    close: async () => {
      if (closed) return
      closed = true
      await commits.idle()
      changes.announce()
      db.close()
    },
  }
}
