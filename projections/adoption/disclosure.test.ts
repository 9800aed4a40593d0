import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hidden } from './disclosure.ts'

const keys = ['a', 'b', 'c'].flatMap((app) => ['1', '2', '3'].map((period) => ({ app, period })))
const table = (people: readonly number[]) => people.map((count, n) => ({ key: keys[n]!, people: count }))

test('No row can be read off a total: whatever is hidden is never alone in it, and nothing is hidden where k is 1', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(12), { minLength: keys.length, maxLength: keys.length }), (people) => {
      const rows = table(people)
      const out = hidden(rows, 5, ['app', 'period'])
      for (const row of rows) if (row.people < 5) expect(out.has(row)).toBe(true)
      for (const part of ['app', 'period'] as const) {
        for (const line of Map.groupBy(rows, ({ key }) => (part === 'app' ? key.period : key.app)).values()) {
          const [alone, another] = line.filter((row) => out.has(row))
          expect(alone !== undefined && another === undefined && alone.people > 0).toBe(false)
        }
      }
      expect(hidden(rows, 1, ['app', 'period']).size).toBe(0)
    }),
    { numRuns: 300, seed: Number(process.env['PROVE_SEED'] ?? 20_261_129) },
  )
})

test('No more is hidden than that takes: the next smallest, and of two alike always the same', () => {
  const rows = [{ key: { app: 'c' }, people: 9 }, { key: { app: 'b' }, people: 6 }, { key: { app: 'a' }, people: 6 }, { key: { app: 'd' }, people: 1 }]
  expect([...hidden(rows, 5, ['app'])].map(({ key }) => key.app)).toEqual(['d', 'a'])
  expect([...hidden(rows.toReversed(), 5, ['app'])].map(({ key }) => key.app)).toEqual(['d', 'a'])
  // Nobody is nobody: that there are none of them gives nobody away.
  expect([...hidden([...rows.slice(0, 3), { key: { app: 'd' }, people: 0 }], 5, ['app'])].map(({ key }) => key.app)).toEqual(['d'])
  // What does not divide a total, such as the steps of the funnel, gives nothing away.
  expect(hidden(rows, 5, []).size).toBe(1)
})
