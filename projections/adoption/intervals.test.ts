import { describe, expect, test } from 'vitest'
import { newcombe, wilson } from './intervals.ts'

const of = (numerator: number, denominator: number) => ({ numerator, denominator })

describe('The interval of a share', () => {
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i is as Newcombe 1998 ("Two-sided confidence intervals for the single proportion", Table I, method 3) has it', (numerator, denominator, low, high) => {
    const interval = wilson(of(numerator, denominator))
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
  })

  test('ends at 0 and 1', () => {
    expect(wilson(of(0, 7)).low).toBe(0)
    expect(wilson(of(7, 7)).high).toBe(1)
  })
})

describe('The interval of a difference', () => {
  test.each([
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [0, 10, 0, 20, -0.1611, 0.2775],
    [0, 10, 0, 10, -0.2775, 0.2775],
    [10, 10, 0, 20, 0.6791, 1],
    [10, 10, 0, 10, 0.6075, 1],
  ])('%i/%i less %i/%i is as Newcombe 1998 (Table II, method 10) has it', (a, m, b, n, low, high) => {
    const interval = newcombe(of(a, m), of(b, n))
    expect(interval.low).toBeCloseTo(low, 4)
    expect(interval.high).toBeCloseTo(high, 4)
    expect(interval.value).toBeCloseTo(a / m - b / n, 12)
  })
})
