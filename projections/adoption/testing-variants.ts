import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import { appendedThen, login, type Figures } from './testing.ts'

const { verified, started } = facts
const offeredIn = (variant: string | null) => ({ ...facts.offered(), data: { ...facts.offered().data, variant } }) as ReturnType<typeof facts.offered>

export function ofVariants(figures: Figures): void {
  let person = 0
  const people = (variant: string | null, created: number, not: number) =>
    Array.from({ length: created + not }, (_, n) => login((person += 1), '2026-03-02T08:00:00Z', {}, verified(), offeredIn(variant), ...(n < created ? [started(), appendedThen] : [facts.skipped()])))

  test('have the difference to the baseline with its interval (Newcombe 1998, Table II, a)', async () => {
    await figures.given(...people('bold', 56, 14), ...people('control', 48, 32), ...people(null, 3, 0))
    const { rows } = await figures.answer('variants', '', { plannedPeople: 60 })
    const bold = rows.find(({ group }) => group['variant'] === 'bold')
    expect(bold).toMatchObject({ people: 70, values: { numerator: 56, denominator: 70, difference: { baseline: 'control', value: expect.closeTo(0.2, 10), low: expect.closeTo(0.0524, 4), high: expect.closeTo(0.3339, 4) } } })
    expect(rows.find(({ group }) => group['variant'] === 'control')).toMatchObject({ values: { rate: 0.6, difference: null } })
    expect(rows).toHaveLength(2)
  })

  test('count each person in the variant of the first offer', async () => {
    await figures.given(
      login(9001, '2026-03-02T08:00:00Z', {}, verified(), offeredIn('a'), facts.skipped()),
      login(9001, '2026-03-03T08:00:00Z', {}, verified(), offeredIn('b'), started(), appendedThen),
      login(9002, '2026-03-03T08:00:00Z', {}, verified(), offeredIn('b'), facts.skipped()),
    )
    expect(await figures.rows('variants')).toEqual({ a: '1/1', b: '0/1' })
  })

  test('are warned of while the sample is small, and before its planned size', async () => {
    await figures.given(...people('a', 10, 10), ...people('b', 12, 11))
    const warnings = async (plannedPeople?: number) => (await figures.answer('variants', '', plannedPeople === undefined ? {} : { plannedPeople })).warnings
    expect(await warnings(20)).toEqual([])
    expect(await warnings(21)).toEqual([expect.stringContaining('Looked at early')])
    expect(await warnings()).toEqual([expect.stringContaining('No size is planned')])
    await figures.also(...people('c', 9, 30))
    expect(await warnings(20)).toEqual([expect.stringContaining('too small')])
  })

  test('that are not shown are compared with none', async () => {
    await figures.given(...people('bold', 15, 15), ...people('calm', 12, 18), ...people('control', 1, 1))
    const { rows } = await figures.answer('variants', '', { k: 10, plannedPeople: 10 })
    // With the control the next smallest goes, of two of the same size the first.
    expect(rows.map((row) => ('values' in row ? row.values : row.fewerThan))).toEqual([10, expect.objectContaining({ difference: null }), 10])
  })
}
