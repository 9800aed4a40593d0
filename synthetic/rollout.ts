/** The policies of the year, one after the other, and what people make of them. */
import { Policy } from '../domain/policy.ts'
import type { Calendar } from './calendar.ts'

const codes = { withPasskey: { otp: 'optional' }, withoutPasskey: { otp: 'required' } } as const

/** Since when, as a share of the year. */
const policies: readonly (readonly [since: number, policy: Policy])[] = [
  [0, Policy.parse({ version: '2', ...codes, append: { enabled: false } })],
  [0.08, Policy.parse({ version: '3', ...codes })],
  [0.84, Policy.parse({ version: '6', ...codes, append: { conditional: true } })],
]

/** The one that is in force when the year ends. */
export const lastPolicy = policies.at(-1)?.[1] as Policy

export function createRollout(calendar: Calendar) {
  const since = policies.map(([share, policy]) => ({ from: calendar.moment(share), policy }))
  return { policyAt: (at: number): Policy => (since.findLast(({ from }) => from <= at) ?? since[0])?.policy as Policy }
}
