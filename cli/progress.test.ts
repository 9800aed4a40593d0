import { expect, test } from 'vitest'
import { progressLine } from './progress.ts'

test('Progress tells how much is done, how fast, and how long it will take', () => {
  expect(progressLine('rows', { done: 0, share: 0 }, 0)).toBe(`[${'.'.repeat(30)}] 0 %  0 rows, 0/s`)
  expect(progressLine('rows', { done: 5_000, share: 0.5 }, 2)).toBe(`[${'#'.repeat(15)}${'.'.repeat(15)}] 50 %  5000 rows, 2500/s  2 s left`)
  expect(progressLine('rows', { done: 10_000, share: 1 }, 4)).toBe(`[${'#'.repeat(30)}] 100 %  10000 rows, 2500/s  0 s left`)
})

test('Progress of what has no known end tells how much was done, and how fast', () => {
  expect(progressLine('events', { done: 900, share: undefined }, 0.5)).toBe('900 events, 1800/s')
})
