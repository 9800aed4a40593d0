import { expect, test } from 'vitest'
import { createAtOnce } from './at-once.ts'

test('no more than so many work at a time, in the order in which they came, and one that fails keeps nobody out', async () => {
  const atOnce = createAtOnce(2)
  const begun: number[] = []
  let [working, most] = [0, 0]
  const all = await Promise.allSettled(Array.from({ length: 7 }, (_, n) => atOnce(async () => {
    begun.push(n)
    most = Math.max(most, (working += 1))
    await new Promise(setImmediate)
    working -= 1
    if (n % 3 === 0) throw new Error('away')
    return n
  })))
  expect([begun, most]).toEqual([[0, 1, 2, 3, 4, 5, 6], 2])
  expect(all.map((one) => (one.status === 'fulfilled' ? one.value : 'failed'))).toEqual(['failed', 1, 2, 'failed', 4, 5, 'failed'])
  expect(await atOnce(async () => 'after them')).toBe('after them')
})
