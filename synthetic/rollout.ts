/** The policies of the year, one after the other: a careful rollout, two variants, a hand on the switch when a release broke something, and creation without a prompt. */
import { Policy } from '../domain/policy.ts'
import type { Calendar } from './calendar.ts'

const codes = { withPasskey: { otp: 'optional' }, withoutPasskey: { otp: 'required' } } as const
/** How each is asked is the app's matter; that more take it as `benefit` stands in `odds.ts`. */
const variants = { of: [{ name: 'plain', weight: 1 }, { name: 'benefit', weight: 1 }] }

/** Since when, as a share of the year. */
const policies: readonly (readonly [since: number, policy: Policy])[] = [
  [0, Policy.parse({ version: '1', ...codes, append: { enabled: false } })],
  [0.06, Policy.parse({ version: '2', ...codes, append: { rollout: { percent: 10 } } })],
  [0.13, Policy.parse({ version: '3', ...codes, append: { rollout: { percent: 50 } } })],
  [0.26, Policy.parse({ version: '4', ...codes, append: { variants } })],
  // Of iOS 5.6.0 it is told after ten days that nobody can create a passkey with it.
  [0.547, Policy.parse({ version: '5', ...codes, append: { variants, killSwitch: { platforms: ['ios'] } } })],
  [0.573, Policy.parse({ version: '6', ...codes, append: { variants, devices: { ios: { app: [{ below: '5.6.0' }, { from: '5.6.1' }] } } } })],
  [0.66, Policy.parse({ version: '7', ...codes, order: ['otp', 'append', 'pin', 'biometrics'], append: { variants, conditional: true, devices: { ios: { app: [{ below: '5.6.0' }, { from: '5.6.1' }] } } } })],
]

/** The one that is in force when the year ends. */
export const lastPolicy = policies.at(-1)?.[1] as Policy

export function createRollout(calendar: Calendar) {
  const since = policies.map(([share, policy]) => ({ from: calendar.moment(share), policy }))
  return { policyAt: (at: number): Policy => (since.findLast(({ from }) => from <= at) ?? since[0])?.policy as Policy }
}
