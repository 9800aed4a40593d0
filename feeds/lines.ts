/** The lines of the feed. */
import { isEventType } from '../domain/all-events.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import { isInFeed, ocsfOf } from './ocsf.ts'
import { createPlaces } from './places.ts'

/** For one reader of the log, in its order. Undefined for an event that is not in the feed. */
export function createLines(log: EventLog) {
  const places = createPlaces(log)
  /** @throws UnknownEvent: whether a newer release's event belongs in the feed, that release knows; Unavailable */
  return async function lineOf(recorded: Recorded): Promise<string | undefined> {
    const { type, stream } = recorded
    const known = isEventType(type)
    // Events of a login are looked at all the same: they say where the others happened.
    if (known && !isInFeed(type) && !stream.startsWith('session-')) return undefined
    const place = await places.of(recorded)
    if (known && !isInFeed(type)) return undefined
    const event = ocsfOf(recorded, place)
    return event && JSON.stringify(event)
  }
}
