/** Work that comes round: one round at a time, and the next so many ms after the last one has ended. */
import { Unavailable } from '../eventlog/event-log.ts'

export function createRounds({ round, everyMs, onError }: { round: () => Promise<unknown>; everyMs: number; onError: (error: unknown) => void }) {
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: Promise<void> = Promise.resolve()

  function start(): void {
    timer = setTimeout(() => {
      running = round().then(() => {}, onError).then(start)
    }, everyMs)
  }

  return {
    start,
    /** Resolves when the round at work is done. */
    async stop(): Promise<void> {
      clearTimeout(timer)
      await running
      clearTimeout(timer)
    },
  }
}

/** A stream that cannot be read must not keep the others from their turn. While the log is away nobody has one. */
export const createApart =
  (onError: (error: unknown) => void) =>
  (work: Promise<number>): Promise<number> =>
    work.catch((error: unknown) => {
      if (error instanceof Unavailable) throw error
      onError(error)
      return 0
    })
