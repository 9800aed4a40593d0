/** Chance that repeats with its seed: the same year, byte for byte. */
export type Dice = {
  /** 0 to 1, never 1. */
  next(): number
  chance(probability: number): boolean
  /** A whole number below `end`. */
  below(end: number): number
  between(from: number, to: number): number
  pick<T>(of: readonly T[]): T
  /** Each with its weight. */
  weighed<T>(of: readonly (readonly [T, number])[]): T
  /** How long until something that comes about once in `mean`, however long one has waited. */
  gap(mean: number): number
  /** Around `median`, twice or half of it being usual for a `spread` of 0.7. */
  around(median: number, spread?: number): number
  uuid(): string
  bytes(size: number): Buffer
  /** Base64url. */
  secret(size?: number): string
  /** Dice of their own, for whoever throws at times that do not repeat. */
  for(whom: number): Dice
}

/** sfc32 (Chris Doty-Humphrey, PractRand): small and fast, and no pattern shows in some thousand millions. */
export function createDice(seed: number, whom = 0): Dice {
  let [a, b, c, counter] = [seed | 0, whom | 0, 0x9e3779b9 | 0, 1]
  const word = (): number => {
    const drawn = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + drawn | 0
    return drawn >>> 0
  }
  for (let warm = 0; warm < 12; warm += 1) word()

  const next = (): number => word() / 2 ** 32
  const below = (end: number): number => Math.floor(next() * end)
  const bytes = (size: number): Buffer => {
    const drawn = Buffer.allocUnsafe(Math.ceil(size / 4) * 4)
    for (let at = 0; at < size; at += 4) drawn.writeUInt32LE(word(), at)
    return drawn.subarray(0, size)
  }
  return {
    next,
    below,
    bytes,
    chance: (probability) => next() < probability,
    between: (from, to) => from + next() * (to - from),
    pick: (of) => of[below(of.length)] as (typeof of)[number],
    weighed(of) {
      let left = next() * of.reduce((sum, [, weight]) => sum + weight, 0)
      const found = of.find(([, weight]) => (left -= weight) < 0) ?? of.at(-1)
      return (found as (typeof of)[number])[0]
    },
    gap: (mean) => -Math.log(1 - next()) * mean,
    around: (median, spread = 0.7) => median * Math.exp(spread * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())),
    /** Version 4 (RFC 9562, 5.4). */
    uuid() {
      const hex = bytes(16).toString('hex')
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${'89ab'[word() >>> 30]}${hex.slice(17, 20)}-${hex.slice(20)}`
    },
    secret: (size = 32) => bytes(size).toString('base64url'),
    for: (other) => createDice(seed ^ 0x85ebca6b, Math.imul(whom + 1, 0x27d4eb2f) + other),
  }
}
