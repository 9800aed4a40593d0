/** Variants beside each other: how sure the difference is, and what speaks against reading anything into it yet. */
import type { Comparison, Share } from './answer.ts'
import { newcombe, wilson } from './intervals.ts'

/** Below so many on either side an interval says little (the usual rule for two shares). */
const leastOfEach = 10

/** Against `control`, or the first by name. @param variants that may be shown, of one group and period */
export function compare(variants: ReadonlyMap<string, Share>, all: readonly string[]): Map<string, Comparison> {
  const baseline = all.includes('control') ? 'control' : (all.toSorted()[0] ?? '')
  const against = variants.get(baseline)
  return new Map(
    Array.from(variants, ([name, share]) => {
      const difference = !against || name === baseline ? null : { baseline, ...newcombe(share, against) }
      return [name, { ...share, ...wilson(share), difference }]
    }),
  )
}

export function warningsOf(shares: readonly Share[], plannedPeople: number | undefined): string[] {
  const small = shares.some(({ numerator, denominator }) => numerator < leastOfEach || denominator - numerator < leastOfEach)
  const early = plannedPeople !== undefined && shares.some(({ denominator }) => denominator < plannedPeople)
  return [
    ...(small ? [`The sample is too small: a variant has fewer than ${leastOfEach} people who created a passkey, or fewer than ${leastOfEach} who did not.`] : []),
    ...(early ? [`Looked at early: a variant has fewer people than the ${plannedPeople} that were planned. Whoever stops at the first difference that looks sure finds one too often.`] : []),
    ...(plannedPeople === undefined && shares.length > 0 ? ['No size is planned for the test (adoption.plannedPeople in the configuration): nothing says when it may be looked at.'] : []),
  ]
}
