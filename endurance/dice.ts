/** Chance that repeats with its seed. */
export type Dice = ((probability: number) => boolean) & {
  /** A whole number below `end`. */
  below(end: number): number
  /** Dice of their own, for whoever throws at times that do not repeat. */
  for(whom: number): Dice
}

/** Mulberry32. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return Object.assign((probability: number) => next() < probability, {
    below: (end: number): number => Math.floor(next() * end),
    for: (whom: number): Dice => createDice(Math.imul(seed ^ 0x9e3779b9, whom + 1)),
  })
}
