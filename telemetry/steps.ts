/** Every step of a login, and what came of it. */
import type { Outcome } from '../domain/session/decision.ts'
import type { Metrics } from './metrics.ts'
import { codeOf, inSpan, tell } from './traces.ts'

/** `session`: where it is known before. */
export type ObserveStep = <T>(step: { action: string; session?: string }, take: () => Promise<T>) => Promise<T>

export function createStepObserver({ metrics, clock }: { metrics: Metrics; clock: () => number }): ObserveStep {
  return ({ action, session }, take) => {
    const began = clock()
    return inSpan(`step ${action}`, {}, async (span) => {
      let outcome = 'internal'
      let of = session
      try {
        const result = await take()
        const answer = (result ?? {}) as { outcome?: Outcome; session?: string }
        outcome = answer.outcome && 'refused' in answer.outcome ? answer.outcome.refused : 'done'
        of ??= answer.session
        return result
      } catch (error) {
        outcome = codeOf(error)
        throw error
      } finally {
        metrics.steps.inc({ action, outcome })
        metrics.stepDuration.observe({ action }, (clock() - began) / 1000)
        tell(span, () => ({ 'keyledger.action': action, 'keyledger.outcome': outcome, 'session.id': of }))
      }
    })
  }
}
