/** Follows the log for ever: log or database may go away at any time, and another process may do the same work. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Overtaken } from './store.ts'

type Following = {
  /** Never returns by itself. `done`: a batch was written. @throws Overtaken */
  follow(signal: AbortSignal, done: () => void): Promise<never>
  /** Returns when the one at work is dead, or so slow that it does not matter. */
  standBy(signal: AbortSignal): Promise<void>
  /** Begins as the one that would take over. */
  standby: boolean
  /** Whether somebody else is at work now, and not a command that has been done. */
  isTaken(): Promise<boolean>
  onFailure(error: unknown): void
}

/** ms */
const longestPause = 5_000

/** Resolves when `signal` aborts. */
export async function keepFollowing({ follow, standBy, standby, isTaken, onFailure }: Following, signal: AbortSignal): Promise<void> {
  let failures = 0
  let yields = async () => standby
  while (!signal.aborted) {
    try {
      if (await yields()) await standBy(signal)
      yields = async () => false
      await follow(signal, () => (failures = 0))
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Overtaken) {
        yields = isTaken
        continue
      }
      onFailure(error)
      await sleep(Math.min(longestPause, 100 * 2 ** failures++), undefined, { signal }).catch(() => {})
    }
  }
}
