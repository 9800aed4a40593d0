import * as event from '../domain/event.ts'
import type { Recorded } from '../eventlog/event-log.ts'

let last: { stored: Recorded; schemas: object; fact: unknown } | undefined

/**
 * `parseFact`, and at most once for an event that is handed to one projection after the other: a rebuild of all of them is half as dear. By
 * identity, so nobody may change a stored event. @throws UnknownEvent
 */
export const parseFact: typeof event.parseFact = (schemas, stored) => {
  if (last?.stored !== stored || last.schemas !== schemas) last = { stored: stored as Recorded, schemas, fact: event.parseFact(schemas, stored) }
  return last.fact as ReturnType<typeof event.parseFact<typeof schemas>>
}
