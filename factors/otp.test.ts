import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createOtp } from './otp.ts'

const bytes = Uint8Array.from({ length: 32 }, (_, i) => i)
const key = createSecretKey(bytes)
const session = '0b9d7c1e-6a53-5f0e-9a44-2f4b8c1d7e60'
const otp = createOtp(key)

/** Pearson's chi-squared of how often each value was seen, against all being equally likely. */
const chiSquared = (values: number[], kinds: number) => {
  const seen = new Array<number>(kinds).fill(0)
  for (const value of values) seen[value]!++
  const expected = values.length / kinds
  return seen.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

describe('a code', () => {
  // Computed with Python's hmac module from the same key.
  test('is what another implementation computes from the key, the session and the number', () => {
    expect([otp.code(session, 1), otp.code(session, 2)]).toEqual(['563347', '465115'])
  })

  test('keeps its leading zeros', () => {
    expect(otp.code('session', 20)).toBe('000690')
  })

  test('is six digits and the same each time it is asked for', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.nat(), (name, issue) => {
      expect(otp.code(name, issue)).toMatch(/^[0-9]{6}$/)
      expect(createOtp(key).code(name, issue)).toBe(otp.code(name, issue))
    }), { seed: 11 })
  })

  test('is any of the million with the same likelihood', () => {
    const codes = Array.from({ length: 30_000 }, (_, issue) => otp.code(session, issue))
    // The 99.9th percentiles of the distribution with 9 and with 99 degrees of freedom.
    for (const place of [0, 1, 2, 3, 4, 5]) expect(chiSquared(codes.map((code) => Number(code[place])), 10)).toBeLessThan(27.9)
    expect(chiSquared(codes.map((code) => Math.floor(Number(code) / 10_000)), 100)).toBeLessThan(148.3)
    expect(new Set(codes).size).toBeGreaterThan(29_400) // of 30,000 drawn from a million some 29,550 are different
  })
})

describe('what was typed', () => {
  test('matches the code of this session and number alone', () => {
    fc.assert(fc.property(fc.uuid(), fc.nat(200), fc.nat(999_999), (name, issue, guess) => {
      const code = otp.code(name, issue)
      const typed = String(guess).padStart(6, '0')
      expect(otp.matches(name, issue, code)).toBe(true)
      expect(otp.matches(name, issue, typed)).toBe(typed === code)
      expect(otp.matches(name, issue + 1, code)).toBe(false)
      expect(otp.matches(`${name}${issue}`, issue, code)).toBe(false)
      expect(createOtp(createSecretKey(bytes.toReversed())).matches(name, issue, code)).toBe(false)
    }), { seed: 12, numRuns: 500 })
  })

  test('may be grouped and surrounded by white space', () => {
    const code = otp.code(session, 1)
    expect(otp.matches(session, 1, ` ${code.slice(0, 3)}\u00a0${code.slice(3)}\n`)).toBe(true)
  })

  test('does not match when it is anything but six ASCII digits', () => {
    const code = otp.code(session, 1)
    const arabic = code.replace(/[0-9]/g, (digit) => String.fromCodePoint(0x660 + Number(digit)))
    const fullWidth = code.replace(/[0-9]/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))
    const dashed = `${code.slice(0, 3)}-${code.slice(3)}`
    for (const typed of ['', code.slice(1), `${code}0`, `0${code}`, `${code}\0`, `+${code}`, dashed, arabic, fullWidth, code.repeat(200_000)]) {
      expect(otp.matches(session, 1, typed)).toBe(false)
    }
  })
})
