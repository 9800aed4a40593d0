/** Answers that were given: they hold for as long as the tables stay as they are, and tell whoever cannot wait how it was a little before. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './answer.ts'

/** `position`: another one whenever the tables have changed, that `ask` reads. */
type Asking = { question: string; position: () => Promise<string>; ask: () => Promise<Answer> }
/** `at`: when it held last; `triedAt`: when it was last worked out, or could not be; `askedAt`: when somebody wanted it. */
type Kept = { asking: Asking; answer: Answer; position: string; at: number; triedAt: number; askedAt: number }
type Turn = { answer: Promise<Answer>; next?: Promise<Answer> }

/** Of all the answers together: some 20 MB. */
const mostRows = 50_000
/** Milliseconds: older ones are told to nobody. */
const oldest = 300_000
/** Milliseconds: what nobody asked for so long may become that old. */
const wanted = 3 * 86_400_000
/** Milliseconds: an answer of such an age is worked out anew, if the tables have changed. */
const ageing = 120_000
/** Milliseconds to rest after work that nobody waits for, so that it takes a tenth of the time. `begun`: of `performance.now`. */
export const restAfter = (begun: number): number => 9 * (performance.now() - begun)

/** `patienceMs`: after so long an answer of before is told where there is one, while the new one is still worked out. Left out: whoever asks waits. */
export function createAnswerCache({ patienceMs, now = Date.now, everyMs = 1_000 }: { patienceMs?: number | undefined; now?: () => number; everyMs?: number } = {}) {
  /** In the order in which they were given. */
  const kept = new Map<string, Kept>()
  let rows = 0
  const turns = new Map<string, Turn>()

  const forget = (question: string): void => {
    rows -= (kept.get(question)?.answer.rows.length ?? -1) + 1
    kept.delete(question)
  }
  function keep(question: string, one: Kept): void {
    forget(question)
    kept.set(question, one)
    rows += one.answer.rows.length + 1
    for (const first of kept.keys()) {
      if (rows <= mostRows) break
      forget(first)
    }
  }

  async function found(asking: Asking): Promise<Answer> {
    const { question, position, ask } = asking
    // Read first, so that what is kept under a position may be newer than it, and never older.
    const [here, at] = [await position(), now()]
    const known = kept.get(question)
    if (known?.position === here) {
      known.at = known.triedAt = at
      return known.answer
    }
    const answer = await ask()
    keep(question, { asking, answer, position: here, at: now(), triedAt: now(), askedAt: kept.get(question)?.askedAt ?? at })
    return answer
  }

  function begin(asking: Asking): Promise<Answer> {
    const { question } = asking
    const turn: Turn = { answer: found(asking).finally(() => void (turns.get(question) === turn && turns.delete(question))) }
    turns.set(question, turn)
    return turn.answer
  }

  /**
   * Whoever asks what is just being asked waits for the next turn, which all who wait share: so no answer is older than its question, and many who
   * look at the same cost one query at a time.
   */
  function answerOfNow(asking: Asking): Promise<Answer> {
    const turn = turns.get(asking.question)
    return turn ? (turn.next ??= turn.answer.catch(() => {}).then(() => begin(asking))) : begin(asking)
  }

  return {
    /** @throws what `position` and `ask` throw; that is not kept */
    async answer(asking: Asking): Promise<Answer> {
      const before = kept.get(asking.question)
      if (before) before.askedAt = now()
      const fresh = answerOfNow(asking)
      if (patienceMs === undefined || !before || now() - before.at > oldest) return fresh
      const patience = new AbortController()
      // What becomes of the new one is the next asker's to hear.
      fresh.catch(() => {})
      try {
        return await Promise.race([fresh, sleep(patienceMs, before.answer, { signal: patience.signal })])
      } finally {
        patience.abort()
      }
    },

    /**
     * Until `signal` aborts: works out anew, one at a time and with long pauses, what somebody wanted within the last days, before it is too old to be
     * told. Where there is more of it than that leaves time for, what was wanted last.
     */
    async keepFresh(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        const [next] = [...kept.values()].filter(({ triedAt, askedAt }) => now() - triedAt >= ageing && now() - askedAt < wanted).toSorted((a, b) => b.askedAt - a.askedAt)
        const begun = performance.now()
        if (next) {
          next.triedAt = now()
          await answerOfNow(next.asking).catch(() => {})
        }
        await sleep(next ? restAfter(begun) : everyMs, undefined, { signal }).catch(() => {})
      }
    },
  }
}
