/** How often and how fast a proof may be guessed: the rules alone. Who counts, and where, is in `engine/guesses.ts`. */

export const guessing = {
  /** So many wrong ones in a row, then each is followed by a delay. */
  undelayed: 5,
  /** ms: the first delay. Each one after it is twice as long. */
  firstDelay: 2_000,
  /** ms */
  longestDelay: 15 * 60_000,
  /** So many wrong ones in a row disable the factor (NIST SP 800-63B-4, 3.2.2: no more than 100). */
  disabledAt: 100,
  /** Wrong ones from one address in one window. High, since mobile carriers share addresses. */
  fromAddress: 1_000,
  /** ms */
  addressWindow: 60 * 60_000,
  /** ms: a count that nothing was added to for so long is dropped. */
  kept: 400 * 86_400_000,
} as const

/** ms until the next guess is judged, after so many wrong ones in a row. */
export const delayAfter = (wrong: number): number =>
  wrong < guessing.undelayed ? 0 : Math.min(guessing.longestDelay, guessing.firstDelay * 2 ** (wrong - guessing.undelayed))

/** `delays[n]`: the delay after `n` wrong ones; the last of them after any more. */
export const delays: readonly number[] = Array.from(
  { length: guessing.undelayed + Math.ceil(Math.log2(guessing.longestDelay / guessing.firstDelay)) + 1 },
  (_, wrong) => delayAfter(wrong),
)

/** ms since the epoch: when the window begins that this moment is in. */
export const addressWindowOf = (at: Date): number => Math.floor(at.getTime() / guessing.addressWindow) * guessing.addressWindow
