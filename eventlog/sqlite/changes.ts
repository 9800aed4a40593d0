import { clearInterval, setInterval } from 'node:timers'

/** How long a subscriber may not notice what another process wrote, in milliseconds. */
const pollEvery = 100

export type Changes = {
  /** When there may be something new since the subscriber's last look, or the signal aborts. May come for nothing. */
  next(signal?: AbortSignal): Promise<void>
  announce(): void
}

/** `version` is SQLite's data_version: it changes when another connection has committed. It is asked only while somebody waits. */
export const createChanges = (version: () => number): Changes => {
  const waiting = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  // Only a poll brings it up to date, so what was committed between a subscriber's look and its waiting is noticed by the next poll.
  let seen = version()

  const announce = () => {
    for (const resume of [...waiting]) resume()
  }
  const poll = () => {
    try {
      const current = version()
      if (current === seen) return
      seen = current
    } catch {
      // The subscriber looks for itself, and meets what is wrong where it can be handled.
    }
    announce()
  }

  return {
    announce,
    next: signal =>
      new Promise(resolve => {
        const resume = () => {
          waiting.delete(resume)
          signal?.removeEventListener('abort', resume)
          if (waiting.size === 0) {
            clearInterval(timer)
            timer = undefined
          }
          resolve()
        }
        waiting.add(resume)
        signal?.addEventListener('abort', resume)
        timer ??= setInterval(poll, pollEvery).unref()
      }),
  }
}
