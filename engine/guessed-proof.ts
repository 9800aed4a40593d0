/** The gate before a proof that can be guessed: what is blocked is not judged, and what was judged is counted. */
import { decideFactorDisabled } from '../domain/account/factors.ts'
import type { AccountState } from '../domain/account/state.ts'
import { guessing } from '../domain/guesses.ts'
import type { Outcome } from '../domain/session/decision.ts'
import type { Factor } from '../domain/session/vocabulary.ts'
import { OutcomeUnknown } from '../eventlog/event-log.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import type { GuessRefusal, Guesses, Judged } from './guesses.ts'
import { accountStream, accounts } from './people.ts'

/** Somebody who gives a proof. `of`: whose guesses are counted, where the proof can be guessed; `account`: theirs, if they have one; `hidden`: whether they have one is not to be told. */
export type Attempt = { factor: Factor; of?: string | undefined; account: string | null; hidden: boolean; state: AccountState | undefined; address: string | undefined; cause: Cause }

export type GuessedProof = ReturnType<typeof createGuessedProof>

export function createGuessedProof({ streams, guesses }: { streams: Streams; guesses: Guesses }) {
  /** `work` judges the proof and writes what came of it; `outcomeOf` says what the answer will tell of it, or undefined where it tells nothing. */
  return async function guessed<T>({ factor, of, account, hidden, state, address, cause }: Attempt, work: () => Promise<T>, outcomeOf: (worked: T) => Outcome | undefined): Promise<T | GuessRefusal> {
    // Of an account the fact counts, not the number: whoever enables the factor need not reach the counter.
    const disabled = state?.disabledFactors.includes(factor) ?? false
    // Where it is hidden who has an account the number speaks: it is all there is of nobody. Under another name of the account nobody guessed,
    // and so nothing is told; the proof is then judged, and is wrong.
    if (disabled && !hidden) return { refused: 'factor_disabled', reason: factor }
    if (of === undefined) return work()
    const guess = await guesses.count({ factor, of }, address, disabled || state === undefined)
    if ('refused' in guess) return guess
    let judged: Judged = 'unjudged'
    try {
      const worked = await work()
      judged = judgedBy(outcomeOf(worked))
      // Before the answer: the next guess must find it. Whoever has no account finds the number.
      if (judged === 'wrong' && account !== null && state && guess.wrong >= guessing.disabledAt) await disable(account, factor, cause)
      return worked
    } catch (error) {
      // It may have been judged and told: a repeat will show.
      if (error instanceof OutcomeUnknown) judged = 'wrong'
      throw error
    } finally {
      guess.settle(judged)
    }
  }

  async function disable(account: string, factor: Factor, cause: Cause): Promise<void> {
    const because = { ...cause, causationId: `${cause.correlationId}/guesses` }
    await streams.transact(accounts, accountStream(account), because, (folded) => ({ events: folded ? decideFactorDisabled(folded.state, factor).events : [], result: undefined }))
  }
}

/** Nothing is learnt from what was not decided, nor of a code that was too late. Any other answer than a rejection was the right proof's. */
function judgedBy(outcome: Outcome | undefined): Judged {
  if (!outcome || ('refused' in outcome && outcome.refused === 'otp_rejected' && outcome.reason === 'expired')) return 'unjudged'
  return 'refused' in outcome && (outcome.refused === 'password_rejected' || outcome.refused === 'otp_rejected') ? 'wrong' : 'right'
}
