export type HashGate = {
  /** Runs the work when there is a place, first come, first served. @throws HashQueueFull at once when the queue is full; what the work throws */
  run<T>(work: () => Promise<T>): Promise<T>
  readonly waiting: number
  readonly running: number
}

/** More password hashes are asked for than can be computed soon. Nothing was computed. */
export class HashQueueFull extends Error {
  readonly code = 'busy'
  /** A hash takes some ten milliseconds, so a second later a queue of sensible size is empty. */
  readonly retryAfterSeconds = 1
  constructor() {
    super('too many password hashes at once')
  }
}

/** A hash keeps a core and its memory to itself: more at once than there are cores makes all of them late and none of them sooner. */
export function createHashGate({ atOnce, queue }: { atOnce: number; queue: number }): HashGate {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    async run(work) {
      if (running < atOnce) running++
      else if (waiting.length < queue) await new Promise<void>((enter) => waiting.push(enter))
      else throw new HashQueueFull()
      try {
        return await work()
      } finally {
        // The place goes straight to the next in line (`running` stays): nobody who comes meanwhile can slip in before.
        const enter = waiting.shift()
        if (enter) enter()
        else running--
      }
    },
    get waiting() {
      return waiting.length
    },
    get running() {
      return running
    },
  }
}
