/** What holds for whatever counts guesses: the counter that engines share, and the one in memory. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { delayAfter, guessing } from '../domain/guesses.ts'
import type { Counted, CountResult, GuessAt, GuessCounter } from './guess-counter.ts'

const began = Date.parse('2026-03-02T08:00:00.000Z')
/** Seconds after the beginning. */
export const after = (seconds: number): Date => new Date(began + seconds * 1000)
const guess = (key: string, seconds: number, more: Partial<GuessAt> = {}): GuessAt => ({ key, address: undefined, at: after(seconds), floor: 0, bounded: false, ...more })
export const countedOf = (result: CountResult): Counted => {
  assert.ok('counted' in result, `not counted: ${JSON.stringify(result)}`)
  return result.counted
}
const seed = Number(process.env['PROVE_SEED'] ?? 20_260_302)

/** `others`: counters of the same counts, as other engines have them. */
export const guessCases = (runs: number): [sentence: string, run: (counter: GuessCounter, other: GuessCounter, key: string) => Promise<void>][] => [
  ['the fifth wrong one in a row begins the delays, and a guess in a delay is not counted', async (counter, other, key) => {
    for (let n = 1; n <= 5; n += 1) assert.equal(countedOf(await (n % 2 ? counter : other).count(guess(key, 0))).wrong, n)
    for (const one of [counter, other]) assert.deepEqual(await one.count(guess(key, 1)), { blockedUntil: after(2), wrong: 5 })
    assert.equal(countedOf(await other.count(guess(key, 2))).wrong, 6)
    assert.deepEqual(await counter.count(guess(key, 5.999)), { blockedUntil: after(6), wrong: 6 })
  }],

  ['an engine whose clock is behind puts nobody off before the delays begin, and nobody passes there once they have', async (counter, other, key) => {
    assert.equal(countedOf(await counter.count(guess(key, 60))).wrong, 1)
    assert.equal(countedOf(await other.count(guess(key, 0))).wrong, 2)
    for (const wrong of [3, 4, 5]) assert.equal(countedOf(await counter.count(guess(key, 60))).wrong, wrong)
    assert.deepEqual(await other.count(guess(key, 3)), { blockedUntil: after(62), wrong: 5 })
  }],

  ['of a hundred at once five are counted', async (counter, other, key) => {
    const results = await Promise.all(Array.from({ length: 100 }, (_, n) => (n % 2 ? counter : other).count(guess(key, 0))))
    assert.deepEqual(results.flatMap((one) => ('counted' in one ? [one.counted.wrong] : [])).toSorted(), [1, 2, 3, 4, 5])
    // And one when the delay is over, however many wait for that moment.
    const later = await Promise.all(Array.from({ length: 100 }, (_, n) => (n % 2 ? counter : other).count(guess(key, 2))))
    assert.equal(later.filter((one) => 'counted' in one).length, 1)
  }],

  ['whatever the guesser does, no stretch of time holds more guesses than the delays allow', async (counter, _, key) => {
    let n = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 0, max: 1_800_000 })), { maxLength: 60 }), async (pauses) => {
        const own = `${key} ${(n += 1)}`
        const judged: number[] = []
        let at = 0
        for (const pause of pauses) {
          at += pause
          if ('counted' in (await counter.count(guess(own, at / 1000)))) judged.push(at)
        }
        for (const [index, first] of judged.entries()) {
          for (const [more, last] of judged.slice(index).entries()) assert.ok(more + 1 <= mostIn(last - first), `${more + 1} guesses within ${last - first} ms`)
        }
      }),
      { seed, numRuns: runs },
    )
  }],

  ['nobody’s identifier takes a hundred wrong ones in a row; an account takes what its own facts allow', async (counter, other, key) => {
    let seconds = 0
    for (let n = 1; n <= guessing.disabledAt; n += 1) {
      assert.equal(countedOf(await counter.count(guess(key, seconds, { bounded: true }))).wrong, n)
      seconds += delayAfter(n) / 1000
    }
    for (const [one, at] of [[counter, 0], [other, seconds + 86_400]] as const) assert.deepEqual(await one.count(guess(key, at, { bounded: true })), { disabled: true })
    assert.equal(countedOf(await counter.count(guess(key, seconds))).wrong, 101)
  }],

  ['a right one makes those before it count no more, and leaves nothing behind', async (counter, other, key) => {
    for (let n = 1; n <= 5; n += 1) await counter.count(guess(key, 0))
    const row = countedOf(await counter.count(guess(key, 2)))
    await other.reset([{ key, at: after(2), row }])
    for (let n = 1; n <= 5; n += 1) assert.equal(countedOf(await counter.count(guess(key, 3))).wrong, n)
  }],

  ['a right one that is said late forgives nothing that was counted after it', async (counter, other, key) => {
    const right = countedOf(await counter.count(guess(key, 0)))
    for (let n = 1; n <= 4; n += 1) await other.count(guess(key, 1))
    const late = [{ key, at: after(0), row: right }]
    await counter.reset(late)
    // Said twice, by whatever mishap, it is the same.
    await counter.reset(late)
    assert.equal(countedOf(await counter.count(guess(key, 4))).wrong, 5)
    await counter.reset(late)
    assert.deepEqual(await other.count(guess(key, 5)), { blockedUntil: after(6), wrong: 5 })
  }],

  ['a right one of before the count began anew forgives nothing of the new one', async (counter, other, key) => {
    const rows = [countedOf(await counter.count(guess(key, 0))), countedOf(await other.count(guess(key, 0)))]
    await other.reset([{ key, at: after(0), row: rows[1] as Counted }])
    for (let n = 1; n <= 4; n += 1) await counter.count(guess(key, 1))
    for (const row of rows) await counter.reset([{ key, at: after(0), row }])
    assert.equal(countedOf(await counter.count(guess(key, 1))).wrong, 5)
  }],

  ['when fewer are wrong than was thought, the delay is that of fewer', async (counter, other, key) => {
    for (let n = 1; n <= 5; n += 1) await counter.count(guess(key, 0))
    const right = countedOf(await counter.count(guess(key, 2)))
    await other.count(guess(key, 6))
    await counter.reset([{ key, at: after(2), row: right }])
    assert.equal(countedOf(await counter.count(guess(key, 6))).wrong, 2)
  }],

  ['what is to be forgotten up to a moment is not if a guess came after it', async (counter, other, key) => {
    for (let n = 1; n <= 3; n += 1) await counter.count(guess(key, n))
    await other.reset([{ key, at: after(2) }])
    assert.equal(countedOf(await counter.count(guess(key, 4))).wrong, 4)
    await other.reset([{ key, at: after(4) }])
    assert.equal(countedOf(await counter.count(guess(key, 4))).wrong, 1)
  }],

  ['one that was not judged is given back, with its delay', async (counter, other, key) => {
    for (let n = 1; n <= 5; n += 1) await counter.count(guess(key, 0))
    const sixth = countedOf(await counter.count(guess(key, 2)))
    await counter.giveBack(key, sixth)
    assert.equal(countedOf(await other.count(guess(key, 2))).wrong, 6)
    await counter.giveBack(key, { ...sixth, begun: sixth.begun + 1_000_000 })
    assert.deepEqual(await other.count(guess(key, 5)), { blockedUntil: after(6), wrong: 6 })
  }],

  ['one that was not judged is given back alone, where others came after it', async (counter, other, key) => {
    const first = countedOf(await counter.count(guess(key, 0)))
    for (let n = 2; n <= 5; n += 1) await other.count(guess(key, 0))
    await counter.giveBack(key, first)
    assert.equal(countedOf(await other.count(guess(key, 1))).wrong, 5)
    assert.deepEqual(await other.count(guess(key, 2)), { blockedUntil: after(3), wrong: 5 })
    // In a delay it stands until the delay is over.
    const sixth = countedOf(await other.count(guess(key, 3)))
    const seventh = countedOf(await other.count(guess(key, 7)))
    await counter.giveBack(key, sixth)
    assert.deepEqual(await other.count(guess(key, 14)), { blockedUntil: after(15), wrong: 6 })
    assert.equal(seventh.wrong, 7)
  }],

  ['what was counted elsewhere is the least that is counted here', async (counter, other, key) => {
    assert.equal(countedOf(await counter.count(guess(key, 0, { floor: 3 }))).wrong, 4)
    assert.equal(countedOf(await other.count(guess(key, 0, { floor: 2 }))).wrong, 5)
    assert.equal(countedOf(await counter.count(guess(key, 2, { floor: 13 }))).wrong, 14)
    assert.deepEqual(await other.count(guess(key, 3)), { blockedUntil: after(902), wrong: 14 })
    assert.deepEqual(await other.count(guess(`${key} of nobody`, 0, { floor: guessing.disabledAt, bounded: true })), { disabled: true })
  }],

  ['from one address a thousand wrong ones an hour are taken, whoever they are meant for', async (counter, other, key) => {
    const address = `${key} address`
    for (let n = 1; n < guessing.fromAddress; n += 1) await counter.countAddress(address, after(0), after(3600))
    assert.equal(countedOf(await other.count(guess(`${key} a`, 0, { address }))).wrong, 1)
    await other.countAddress(address, after(0), after(3600))
    assert.deepEqual(await counter.count(guess(`${key} b`, 1, { address })), { blockedUntil: after(3600), wrong: 0 })
    assert.deepEqual(await other.count(guess(`${key} a`, 1, { address })), { blockedUntil: after(3600), wrong: 1 })
    assert.equal(countedOf(await counter.count(guess(`${key} b`, 1))).wrong, 1)
  }],

  ['what nothing was added to for 400 days is dropped', async (counter, other, key) => {
    for (let n = 1; n <= 4; n += 1) await counter.count(guess(key, 0))
    await other.sweep(after(400 * 86_400 - 1))
    assert.equal(countedOf(await counter.count(guess(key, 10))).wrong, 5)
    await other.sweep(after(400 * 86_400 + 11))
    assert.equal(countedOf(await counter.count(guess(key, 20))).wrong, 1)
  }],
]

/** As many as a guesser has who waits for nothing but the delays. */
function mostIn(ms: number): number {
  let [judged, at] = [0, 0]
  while (at <= ms) at += delayAfter((judged += 1))
  return judged
}
