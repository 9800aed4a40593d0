/** The policies of the year, one after the other: a careful rollout, two variants, a hand on the switch when a release broke something, and creation without a prompt. */
import { Policy } from '../domain/policy.ts'
import { decideAdoption, evolve, type PolicyState } from '../domain/policy/adoption.ts'
import { policyStream } from '../engine/policies.ts'
import type { Calendar } from './calendar.ts'
import type { Dice } from './dice.ts'
import { appendOf, instant, type Append } from './record.ts'

const codes = { withPasskey: { otp: 'required' }, withoutPasskey: { otp: 'required' } } as const
const fewerCodes = { ...codes, withPasskey: { otp: 'optional' } } as const
/** How each is asked is the app's matter; that more take it as `benefit` stands in `odds.ts`. */
const variants = { of: [{ name: 'plain', weight: 1 }, { name: 'benefit', weight: 1 }] }

/** iOS 5.6.0 cannot create a passkey. */
const mended = { ios: { app: [{ below: '5.6.0' }, { from: '5.6.1' }] } }

/** Since when, as a share of the year. */
const policies: readonly (readonly [since: number, policy: Policy])[] = [
  [0, Policy.parse({ version: '1', by: 'platform', why: 'passkeys come with app 5.0', ...codes, append: { enabled: false } })],
  [0.06, Policy.parse({ version: '2', by: 'growth', why: 'a careful start', ...codes, append: { rollout: { percent: 10 } } })],
  [0.13, Policy.parse({ version: '3', by: 'growth', why: 'support has seen nothing unusual', ...codes, append: { rollout: { percent: 50 } } })],
  [0.26, Policy.parse({ version: '4', by: 'growth', why: 'everybody; and does the sentence on speed help?', ...codes, append: { variants } })],
  // Ten days after the release.
  [0.547, Policy.parse({ version: '5', by: 'on call', why: 'creations fail with 1004 on iOS 5.6.0', ...codes, append: { variants, killSwitch: { platforms: ['ios'] } } })],
  [0.573, Policy.parse({ version: '6', by: 'platform', why: 'mended in 5.6.1', ...codes, append: { variants, devices: mended } })],
  [
    0.66,
    Policy.parse({ version: '7', by: 'growth', why: 'without a prompt where the platform can, and no code for who has a passkey', ...fewerCodes, order: ['otp', 'append', 'pin', 'biometrics'], append: { variants, conditional: true, devices: mended } }),
  ],
]

/** The one that is in force when the year ends. */
export const lastPolicy = policies.at(-1)?.[1] as Policy

export function createRollout(calendar: Calendar) {
  const since = policies.map(([share, policy]) => ({ from: calendar.moment(share), policy }))
  return {
    policyAt: (at: number): Policy => (since.findLast(({ from }) => from <= at) ?? since[0])?.policy as Policy,
    /** Each is a fact before it is used, as `engine/policies.ts` writes it. */
    facts(dice: Dice): Append[] {
      let state: PolicyState | undefined
      const id = policyStream.slice('policy-'.length)
      return since.map(({ from, policy }, revision) => {
        const { events } = decideAdoption(state, policy, { stated: true })
        state = events.reduce((before: PolicyState | undefined, event) => evolve(before, { ...event, at: instant(from) }), state)
        return appendOf(dice, from, policyStream, revision - 1, events, { actor: 'engine', correlationId: id, causationId: dice.uuid() })
      })
    },
  }
}
