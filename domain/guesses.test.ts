import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressWindowOf, delayAfter, delays, guessing } from './guesses.ts'

const seed = Number(process.env['PROVE_SEED'] ?? 20_260_302)

describe('The delay after wrong guesses', () => {
  test('is none for the first four, then grows twofold from 2 s to 15 min', () => {
    expect([0, 1, 4, 5, 6, 7, 13, 14, 100].map(delayAfter)).toEqual([0, 0, 0, 2_000, 4_000, 8_000, 512_000, 900_000, 900_000])
  })

  test('never shrinks, and never is longer than the longest', () => {
    fc.assert(fc.property(fc.nat(10_000), (wrong) => delayAfter(wrong + 1) >= delayAfter(wrong) && delayAfter(wrong) <= guessing.longestDelay), { seed })
  })

  test('is the same in the table that is handed on', () => {
    for (let wrong = 0; wrong < 200; wrong += 1) expect(delays[Math.min(wrong, delays.length - 1)]).toBe(delayAfter(wrong))
    expect(delays.at(-1)).toBe(guessing.longestDelay)
    expect(delays.at(-2)).toBeLessThan(guessing.longestDelay)
  })
})

test('A window is the hour that a moment is in', () => {
  const at = new Date('2026-03-02T08:59:59.999Z')
  expect([at, new Date('2026-03-02T08:00:00.000Z'), new Date('2026-03-02T09:00:00.000Z')].map((one) => new Date(addressWindowOf(one)).toISOString())).toEqual([
    '2026-03-02T08:00:00.000Z', '2026-03-02T08:00:00.000Z', '2026-03-02T09:00:00.000Z',
  ])
})
