/** One append as the engine would have made it: ids drawn, metadata as `eventlog/transact.ts` writes it. */
import type { Expected, JsonObject, NewEvent } from '../eventlog/event-log.ts'
import type { Cause } from '../eventlog/transact.ts'
import type { Dice } from './dice.ts'

/** `at`: ms since the epoch. */
export type Append = { at: number; stream: string; expected: Expected; events: NewEvent[] }

type Event = { type: string; data: object }

export const instant = (at: number): string => new Date(at).toISOString()

/** `revision`: of the stream's last event so far, -1 for none. */
export function appendOf(dice: Dice, at: number, stream: string, revision: number, events: readonly Event[], { actor, correlationId, causationId, fingerprint }: Cause): Append {
  const metadata = { at: instant(at), actor, $correlationId: correlationId, $causationId: causationId, ...(fingerprint === undefined ? {} : { fingerprint }) }
  return { at, stream, expected: revision < 0 ? 'none' : revision, events: events.map(({ type, data }) => ({ id: dice.uuid(), type, data: data as JsonObject, metadata })) }
}
