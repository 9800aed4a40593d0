/**
 * Sees to it that notices are sent. It reads from a projection whose may be due, and the account's stream decides whether they are: late, twice
 * or by two engines at once it does no harm beyond the same message again under the same id.
 */
import type { Telling, TellPeople } from '../engine/notices.ts'
import { createApart, createRounds } from './rounds.ts'

/** Accounts with notices due, in the order of their ids, from the one after `after` on. */
export type NoticesDue = (after: string, limit: number) => Promise<string[]>

/** Accounts that are told at the same time. */
const together = 16

export type Notices = ReturnType<typeof createNotices>

export function createNotices(dependencies: { tell: TellPeople; noticesDue: NoticesDue; everyMs: number; onError: (error: unknown) => void }) {
  const { tell, noticesDue, everyMs, onError } = dependencies
  const stopping = new AbortController()
  const apart = createApart(onError)

  /** All of them, so that those who wait for their next try do not stand before the others. @returns how many notices a carrier took */
  async function round(): Promise<number> {
    const telling: Telling = { away: new Set(), signal: stopping.signal }
    let taken = 0
    let after: string | undefined = ''
    while (after !== undefined && !stopping.signal.aborted) {
      const page: string[] = await noticesDue(after, together)
      const told = await Promise.allSettled(page.map((account) => apart(tell(account, telling))))
      for (const one of told) {
        if (one.status === 'rejected') throw one.reason
        taken += one.value
      }
      after = page.at(together - 1)
    }
    return taken
  }

  const rounds = createRounds({ round, everyMs, onError })
  return {
    round,
    start: rounds.start,
    /** A message on its way is given up: the next engine sends it again. Resolves when the round at work is done. */
    async stop(): Promise<void> {
      stopping.abort()
      await rounds.stop()
    },
  }
}
