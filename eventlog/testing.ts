import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OutcomeUnknown, Unavailable, type Appended, type EventLog, type Expected, type NewEvent, type Recorded } from './event-log.ts'
import { openSqliteLog } from './sqlite.ts'

type Append = (next: () => Promise<Appended>, stream: string, events: readonly NewEvent[], expected: Expected) => Promise<Appended>

/** A log that a test can break: `append`, while it is set, stands before the log's own; while it is `away`, nothing can be reached. */
export type BreakableLog = EventLog & { broken: { append?: Append | undefined; away?: boolean } }

export function breakable(log: EventLog): BreakableLog {
  const broken: BreakableLog['broken'] = {}
  const reach = () => {
    if (broken.away) throw new Unavailable('the log is away')
  }
  return {
    ...log,
    broken,
    append: async (stream, events, expected) => {
      reach()
      const next = () => log.append(stream, events, expected)
      return broken.append ? broken.append(next, stream, events, expected) : next()
    },
    read: async function* (stream, from) {
      reach()
      yield* log.read(stream, from)
    },
    last: async (stream) => {
      reach()
      return log.last(stream)
    },
  }
}

/** The append is done, and its answer lost, so often. */
export const losingAnswers = (times: number): Append => {
  let left = times
  return async (next) => {
    const appended = await next()
    if (left-- > 0) throw new OutcomeUnknown('the answer was lost')
    return appended
  }
}

/** So many appends are done. What comes after them fails, as if the process had died just then. */
export const failingAfter = (appends: number): Append => {
  let left = appends
  return async (next) => {
    if (left-- > 0) return next()
    throw new Unavailable('the process died')
  }
}

/** A file of its own, which any number of logs can have open. */
export function openTestFile() {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  const file = join(folder, 'events.sqlite')
  const logs: EventLog[] = []
  return {
    folder,
    file,
    open(): BreakableLog {
      const log = openSqliteLog({ file })
      logs.push(log)
      return breakable(log)
    },
    async remove(): Promise<void> {
      await Promise.all(logs.map((log) => log.close()))
      rmSync(folder, { recursive: true })
    },
  }
}

export async function eventsOf(log: EventLog, stream: string): Promise<Recorded[]> {
  const events: Recorded[] = []
  for await (const event of log.read(stream)) events.push(event)
  return events
}
