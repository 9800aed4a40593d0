import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSeenKeys } from './seen-keys.ts'

describe('keys that have been there', () => {
  it('are all known, also where there is room for only a few', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.constantFrom(32, 1024), (keys, bits) => {
        const seen = createSeenKeys(bits)
        for (const key of keys) seen.add(key)
        expect(keys.filter((key) => !seen.has(key))).toEqual([])
      }),
      { seed: 6 },
    )
  })

  it('are told from almost all others', () => {
    const seen = createSeenKeys()
    const key = (n: number) => `a8d1c5de-32a6-5a0c-8a8e-${n.toString(16).padStart(12, '0')}`
    for (let n = 0; n < 100_000; n++) seen.add(key(n))
    const wrong = Array.from({ length: 10_000 }, (_, n) => key(1_000_000 + n)).filter((one) => seen.has(one))
    expect(wrong.length).toBeLessThan(100)
  })
})
