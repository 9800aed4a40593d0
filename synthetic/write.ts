/** Puts a year into a log, through the same `append` as an engine, many at a time. */
import type { EventLog } from '../eventlog/event-log.ts'
import type { Year } from './year.ts'

export type Progress = { events: number; logins: number; share: number }

/** Appends that wait for the disk together. */
const atOnce = 4_096

/** @throws what the log throws; what was written then stays */
export async function writeYear(log: EventLog, year: Year, told: (progress: Progress) => void = () => {}): Promise<{ events: number; logins: number }> {
  const { from, until } = year.calendar
  let events = 0
  let waiting: Promise<unknown>[] = []
  for (const one of year.appends()) {
    if ('sealed' in one) {
      await Promise.all(waiting)
      waiting = []
      await log.seal(one.sealed)
      continue
    }
    events += one.events.length
    // The log keeps the order in which it is asked, so a stream's next append need not wait for the answer to the one before.
    waiting.push(log.append(one.stream, one.events, one.expected))
    if (waiting.length < atOnce) continue
    await Promise.all(waiting)
    waiting = []
    told({ events, logins: year.sessions(), share: (one.at - from) / (until - from) })
  }
  await Promise.all(waiting)
  return { events, logins: year.sessions() }
}
