/** What became of a person's offers, as `projections/append-history.ts` keeps it. */
import type { SessionEvent } from '../domain/session/events.ts'

export type History = ReturnType<typeof createHistory>

export function createHistory() {
  let offers = 0
  return {
    note(events: readonly SessionEvent[], _at: number): void {
      for (const { type, data } of events) if (type === 'AppendOffered' && data.mode !== 'conditional') offers += 1
    },
    known: (_at: number) => ({ offers }),
  }
}
