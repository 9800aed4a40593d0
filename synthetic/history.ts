/** What became of a person's offers, as `projections/append-history.ts` answers it. */
import { offersLookedAt } from '../domain/policy/append.ts'
import type { OfferHistory, OfferOutcome, PastOffer } from '../domain/policy/history.ts'
import type { SessionEvent } from '../domain/session/events.ts'

export type History = ReturnType<typeof createHistory>

const outcomes: Partial<Record<SessionEvent['type'], OfferOutcome>> = {
  AppendStarted: 'unanswered', PasskeyAppended: 'created', AppendSkipped: 'declined', AppendCancelled: 'cancelled', AppendNotShown: 'notShown', AppendFailed: 'failed',
}

export function createHistory() {
  let offers = 0
  /** The newest first. */
  let recent: PastOffer[] = []
  return {
    known: (): OfferHistory => ({ offers, recent }),
    /** `at`: ISO 8601. */
    note(events: readonly SessionEvent[], at: string): void {
      for (const { type, data } of events) {
        if (type === 'AppendOffered') {
          if (data.mode !== 'conditional') offers += 1
          recent = [{ at, mode: data.mode, entryPoint: data.entryPoint, outcome: 'unanswered' as const, settledAt: null }, ...recent].slice(0, offersLookedAt)
          continue
        }
        const outcome = outcomes[type]
        const [last, ...before] = recent
        if (outcome && last) recent = [{ ...last, outcome, settledAt: outcome === 'unanswered' ? null : at }, ...before]
      }
    },
  }
}
