/** Answers that still hold: to the same question, of tables that have not changed since. */
import type { Answer } from './answer.ts'

/** Of all the answers together: some 20 MB. */
const mostRows = 50_000

type Turn = { answer: Promise<Answer>; next?: Promise<Answer> }

/** `position`: another one whenever the tables have changed, that `ask` reads. */
type Asking = { question: string; position: () => Promise<string>; ask: () => Promise<Answer> }

export function createAnswerCache() {
  let at = ''
  let kept = new Map<string, Answer>()
  let rows = 0
  const turns = new Map<string, Turn>()

  async function found({ question, position, ask }: Asking): Promise<Answer> {
    // Read first, so that what is kept under a position may be newer than it, and never older.
    const now = await position()
    if (now !== at) [at, kept, rows] = [now, new Map(), 0]
    const known = kept.get(question)
    if (known) return known
    const answer = await ask()
    if (now === at && rows + answer.rows.length <= mostRows) {
      kept.set(question, answer)
      rows += answer.rows.length + 1
    }
    return answer
  }

  function begin(asking: Asking): Promise<Answer> {
    const { question } = asking
    const turn: Turn = { answer: found(asking).finally(() => void (turns.get(question) === turn && turns.delete(question))) }
    turns.set(question, turn)
    return turn.answer
  }

  return {
    /**
     * Whoever asks what is just being asked waits for the next turn, which all who wait share: so an answer is never older than its question,
     * and many who look at the same cost two queries at a time. @throws what `position` and `ask` throw; that is not kept
     */
    answer(asking: Asking): Promise<Answer> {
      const turn = turns.get(asking.question)
      return turn ? (turn.next ??= turn.answer.catch(() => {}).then(() => begin(asking))) : begin(asking)
    },
  }
}
