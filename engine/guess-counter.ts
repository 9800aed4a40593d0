/** Where guesses are counted: shared by all engines in `projections/guesses.ts`, and in the memory of one in `guesses-here.ts`. */

/**
 * `key`: whose proof; `address`: from where, if that is known. `floor`: so many wrong ones in a row are known of elsewhere. `bounded`: after the
 * last one that is allowed nothing is judged; otherwise it is for somebody else to say.
 */
export type GuessAt = { key: string; address: string | undefined; at: Date; floor: number; bounded: boolean }
/** One guess as it was counted: as the `wrong`th in a row, by the row that began as `begun`, where it has this number. */
export type Counted = { wrong: number; begun: number; number: number }
export type CountResult = { counted: Counted } | { blockedUntil: Date; wrong: number } | { disabled: true }
/** All up to the guess `number` are forgiven, if the row is that one; without it, all of a row to which nothing was added after `at`. */
export type Reset = { key: string; at: Date; row?: Pick<Counted, 'begun' | 'number'> }

/** Where guesses are counted. Each function is one statement that races with those of other engines. */
export type GuessCounter = {
  /** Counts a guess as wrong until it is known to be right; or says why it is not to be judged, and counts nothing. @throws Error while out of reach */
  count(guess: GuessAt): Promise<CountResult>
  /** It was not judged after all. */
  giveBack(key: string, counted: Counted): Promise<void>
  reset(resets: readonly Reset[]): Promise<void>
  /** Another wrong one from this address. `until`: when the window ends. */
  countAddress(key: string, at: Date, until: Date): Promise<void>
  /** Drops what was not added to for so long that it counts no more. */
  sweep(at: Date): Promise<void>
}
