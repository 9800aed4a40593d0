/**
 * How often a proof was guessed wrong, and when the next one is judged (design: section 9). Counted first and judged after, so that guesses which
 * come at once, at several engines, cannot pass together. Postgres keeps the counts that all engines share; while it is away each engine counts
 * for itself, and hands over what it counted when it is back.
 */
import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { addressWindowOf, delayAfter, guessing } from '../domain/guesses.ts'
import type { Factor } from '../domain/session/vocabulary.ts'
import { hmac } from '../vault/sealing.ts'
import { addressKey } from './address.ts'
import type { Counted, GuessAt, GuessCounter, Reset } from './guess-counter.ts'
import { createGuessesHere } from './guesses-here.ts'

export type Judged = 'right' | 'wrong' | 'unjudged'
/** A guess that may be judged. `wrong`: as it is counted if it is wrong. */
export type Guess = { wrong: number; settle(judged: Judged): void }
export type GuessRefusal = { refused: 'guessing_delayed'; retryAfterSeconds: number } | { refused: 'factor_disabled'; reason: Factor }

/** Whose proof: the lookup of an identifier for passwords, whether somebody has it or not; an account for codes. */
export type Guessed = { factor: Factor; of: string }

/** ms. So long a guess waits for the shared counter. */
const patience = 300
/** ms. What is forgiven is said together with what comes so soon after it. */
const gatherFor = 100
/** ms. So long a counter that was out of reach is not asked again. */
const pause = 1_000
/** ms. Clocks of two engines differ by less. */
const skew = 60_000
/** ms between two rounds that drop what counts no more. */
const sweepEvery = 60 * 60_000
/** Keys that this engine remembers by itself. */
const maxKept = 20_000

export type Guesses = ReturnType<typeof createGuesses>

export function createGuesses(dependencies: { shared: GuessCounter | undefined; secret: KeyObject; now: () => Date; inBackground: (work: Promise<unknown>) => void }) {
  const { shared, secret, now, inBackground } = dependencies
  const here = createGuessesHere(maxKept)
  /** Counted here while the shared counter was away: wrong ones in a row, and until when nothing is judged. */
  const owed = new LRUCache<string, { wrong: number; blockedUntil: number }>({ max: maxKept })
  /** Still to be said, and being said. */
  const [resets, sending] = [new Map<string, Reset>(), new Set<string>()]
  let [gathering, flushing]: (Promise<void> | undefined)[] = []
  let awayUntil = 0
  let sweptAt = 0

  const keyOf = ({ factor, of }: Guessed): string => hmac(secret, `${factor} ${of}`).toString('base64url')
  const away = (): void => void (awayUntil = now().getTime() + pause)

  /** What the shared counter says; undefined when it does not say it in time. */
  async function ask<T>(question: (counter: GuessCounter) => Promise<T>): Promise<T | undefined> {
    const left = awayUntil - now().getTime()
    // A clock that was set back does not make the pause longer.
    if (!shared || (left > 0 && left <= pause)) return undefined
    try {
      return await withinPatience(question(shared))
    } catch {
      away()
      return undefined
    }
  }

  /**
   * Whether a guess may be judged now. `bounded`: nobody can say that the factor is disabled but the count, since nobody has such an account.
   * Never throws: guesses are counted here when they cannot be counted elsewhere.
   */
  async function count(guessed: Guessed, from: string | undefined, bounded: boolean): Promise<Guess | GuessRefusal> {
    const at = now()
    const key = keyOf(guessed)
    const network = from === undefined ? undefined : addressKey(from)
    const window = addressWindowOf(at)
    const address = network && hmac(secret, `address ${network} ${window}`).toString('base64url')
    // What this engine itself knows to be forgiven is so for the next guess.
    if (resets.has(key) || sending.has(key)) await flush()
    const debt = owed.get(key)
    if (debt && debt.wrong >= guessing.undelayed && debt.blockedUntil > at.getTime()) return delayed(new Date(debt.blockedUntil), at)

    const guess: GuessAt = { key, address, at, floor: debt?.wrong ?? 0, bounded }
    const there = await ask((counter) => counter.count(guess))
    if (there && 'counted' in there) owed.delete(key)
    if (there) here.learn(key, there, at)
    const result = there ?? (await here.count(guess))
    if ('disabled' in result) return { refused: 'factor_disabled', reason: guessed.factor }
    if ('blockedUntil' in result) return delayed(result.blockedUntil, at)

    const { counted } = result
    if (!there && shared) owed.set(key, { wrong: counted.wrong, blockedUntil: at.getTime() + delayAfter(counted.wrong) })
    if (resets.size > 0 || at.getTime() - sweptAt >= sweepEvery) inBackground(tidy(at))
    return { wrong: counted.wrong, settle: (judged) => settle(judged, { key, address, window, at, counted, shared: there !== undefined }) }
  }

  function settle(judged: Judged, guess: { key: string; address: string | undefined; window: number; at: Date; counted: Counted; shared: boolean }): void {
    const { key, address, window, at, counted } = guess
    if (judged === 'right') return forgive({ key, at, ...(guess.shared && { row: counted }) })
    if (judged === 'unjudged') {
      if (guess.shared) return inBackground(ask((counter) => counter.giveBack(key, counted)))
      const debt = owed.get(key)
      if (debt) owed.set(key, { wrong: debt.wrong - 1, blockedUntil: debt.wrong === counted.wrong ? 0 : debt.blockedUntil })
      return inBackground(here.giveBack(key, counted))
    }
    if (address === undefined) return
    const until = new Date(window + guessing.addressWindow)
    inBackground(here.countAddress(address, at, until))
    inBackground(ask((counter) => counter.countAddress(address, at, until)))
  }

  function forgive(reset: Reset): void {
    owed.delete(reset.key)
    here.forget(reset.key)
    if (!shared) return
    // The oldest go first: theirs are the counts that are one too high then.
    if (resets.size >= maxKept) resets.delete(resets.keys().next().value as string)
    resets.set(reset.key, later(resets.get(reset.key), reset))
    if (!gathering) inBackground((gathering = gather()))
  }

  async function gather(): Promise<void> {
    await sleep(gatherFor)
    gathering = undefined
    await flush()
  }

  /** All that have gathered. What cannot be said now is said with the next. */
  async function flush(): Promise<void> {
    while (flushing) await flushing
    if (resets.size === 0) return
    flushing = send().finally(() => (flushing = undefined))
    await flushing
  }

  async function send(): Promise<void> {
    const some = [...resets.values()]
    for (const { key } of some) sending.add(key)
    resets.clear()
    const said = await ask(async (counter) => (await counter.reset(some), true))
    if (!said) for (const one of some) resets.set(one.key, later(one, resets.get(one.key)))
    sending.clear()
  }

  async function tidy(at: Date): Promise<void> {
    await flush()
    if (at.getTime() - sweptAt < sweepEvery) return
    sweptAt = at.getTime()
    await ask((counter) => counter.sweep(at))
  }

  return {
    count,
    /** Whatever was counted is forgiven: another password was set, or the account was enabled. Resolves when it is, or will be as soon as the counter can be reached. */
    async forget(guessed: readonly Guessed[]): Promise<void> {
      // Nothing was counted under a clock that is further ahead.
      const at = new Date(now().getTime() + skew)
      for (const one of guessed) forgive({ key: keyOf(one), at })
      await flush()
    },
  }
}

/** Two that were said of one key: what the later one forgives, the earlier one does too. */
function later(one: Reset | undefined, other: Reset | undefined): Reset {
  if (!one || !other) return (one ?? other) as Reset
  if (!one.row || !other.row) return one.row ? other : other.row ? one : one.at > other.at ? one : other
  return one.row.begun !== other.row.begun ? other : one.row.number > other.row.number ? one : other
}

const delayed = (until: Date, at: Date): GuessRefusal => ({ refused: 'guessing_delayed', retryAfterSeconds: Math.max(1, Math.ceil((until.getTime() - at.getTime()) / 1000)) })

/** @throws Error when it takes longer */
function withinPatience<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout>
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), patience)
  })
  return Promise.race([work, tooLate]).finally(() => clearTimeout(timer))
}
