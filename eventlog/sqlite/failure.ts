import { setImmediate as turn } from 'node:timers/promises'
import { Unavailable } from '../event-log.ts'

/** SQLite's extended result code (sqlite.org/rescode.html); undefined for an error that is not SQLite's. */
export const resultCode = (error: unknown): number | undefined => (error as { errcode?: number }).errcode

const isBusy = (error: unknown) => (resultCode(error) ?? 0) % 256 === 5

export const unavailable = (error: unknown): Unavailable => new Unavailable(`event log: ${(error as Error).message}`, { cause: error })

/** Asks SQLite; whatever it cannot do is `Unavailable`. */
export const ask = <T>(query: () => T): T => {
  try {
    return query()
  } catch (error) {
    throw unavailable(error)
  }
}

/** Could it be done, or is the file locked by another process? */
export const unlocked = (attempt: () => unknown): boolean => {
  try {
    attempt()
    return true
  } catch (error) {
    if (isBusy(error)) return false
    throw error
  }
}

/** Tries until it is done; the event loop goes on in between. @throws Unavailable */
export const persist = async (attempts: number, attempt: () => boolean): Promise<void> => {
  for (let left = attempts; left > 0; left--) {
    if (ask(attempt)) return
    await turn()
  }
  throw new Unavailable('event log: locked by another process')
}
