import { describe, expect, test } from 'vitest'
import { hash32, isRolledOut, variantOf } from './lots.ts'

const prove = process.env['PROVE'] !== undefined
/** So many accounts, by ids that look like ids. */
const seed = Number(process.env['PROVE_SEED'] ?? 20_260_302)
const size = prove ? 400_000 : 10_000
const idOf = (number: number): string => {
  const part = (salt: number): string => hash32(`${seed} ${number} ${salt}`).toString(16).padStart(8, '0')
  const hex = [1, 2, 3, 4].map(part).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}
const accounts = Array.from({ length: size }, (_, number) => idOf(number))
/** A share of so many draws lies within five standard deviations; by chance it does not once in two millions. */
const near = (found: number, share: number): void => expect(Math.abs(found / size - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / size))
const inRollout = (percent: number, salt = 'rollout') => new Set(accounts.filter((account) => isRolledOut({ percent, salt }, account)))
const even = { salt: 'variants', of: [{ name: 'a', weight: 1 }, { name: 'b', weight: 1 }] }

test('The hash is this one for ever: whoever is in today is in tomorrow', () => {
  expect(['', 'a', 'rollout\nrollout\n5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42', 'Österreich'].map(hash32)).toEqual([2872998923, 444641715, 3653042634, 3683743397])
})

describe(`A rollout (seed ${seed})`, () => {
  test.each([0.1, 1, 10, 50, 99])('holds its share of the accounts: %d in a hundred', (percent) => near(inRollout(percent).size, percent / 100))

  test('holds nobody and everybody at its ends', () => {
    expect([inRollout(0).size, inRollout(100).size]).toEqual([0, size])
  })

  test('keeps everybody who is in as it grows', () => {
    const steps = [1, 5, 10, 30, 75, 100].map((percent) => inRollout(percent))
    for (const [index, step] of steps.slice(1).entries()) expect([...steps[index]!].every((account) => step.has(account))).toBe(true)
  })

  test('draws others under another salt', () => {
    const [one, other] = [inRollout(50), inRollout(50, 'second try')]
    near([...one].filter((account) => other.has(account)).length, 0.25)
  })
})

describe(`A variant (seed ${seed})`, () => {
  test('has the share of its weight', () => {
    const of = [{ name: 'a', weight: 7 }, { name: 'none', weight: 0 }, { name: 'b', weight: 2 }, { name: 'c', weight: 1 }]
    const drawn = Map.groupBy(accounts, (account) => variantOf({ salt: 'variants', of }, account)?.name)
    expect([...drawn.keys()].toSorted()).toEqual(['a', 'b', 'c'])
    for (const { name, weight } of of.filter(({ weight }) => weight > 0)) near(drawn.get(name)!.length, weight / 10)
  })

  test('is drawn whoever is in the rollout: of both halves as many have it', () => {
    const inside = inRollout(50, 'variants')
    near(accounts.filter((account) => inside.has(account) && variantOf(even, account)?.name === 'a').length, 0.25)
  })

  test('is none where there are none', () => {
    expect(variantOf({ salt: 'variants', of: [] }, accounts[0]!)).toBeUndefined()
  })
})
