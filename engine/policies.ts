/** The policies that were taken, kept in the log: so the log says what every offer was decided by, also when the file has long been another. */
import { decideAdoption, evolve, type Adoption, type PolicyState } from '../domain/policy/adoption.ts'
import { policyEvents } from '../domain/policy/events.ts'
import type { Policy } from '../domain/policy.ts'
import type { Aggregate, Streams } from '../eventlog/transact.ts'
import { uuidOf } from '../vault/sealing.ts'

const policies: Aggregate<PolicyState, typeof policyEvents> = { events: policyEvents, evolve, neverCached: true }

/** One stream to a log, which is one deployment's: it stays the same when the issuer, or the port of the embedded default, changes. */
const id = uuidOf('policy')
export const policyStream = `policy-${id}`

export type Policies = ReturnType<typeof createPolicies>

export function createPolicies({ streams, newId }: { streams: Streams; newId: () => string }) {
  /** @throws Unavailable */
  const state = async (): Promise<PolicyState | undefined> => (await streams.load(policies, policyStream))?.state

  return {
    /**
     * Appended before it is used, expecting what it was decided on: of several engines that bring the same policy one writes it, and the others find it
     * written. No engine follows another's, so two with different files write one fact each, and not again and again.
     * @throws Unavailable, OutcomeUnknown, Conflict
     */
    async adopt(policy: Policy, { stated }: { stated: boolean }): Promise<Omit<Adoption, 'events'>> {
      const cause = { actor: 'engine', correlationId: id, causationId: newId() }
      const { result } = await streams.transact(policies, policyStream, cause, (folded) => {
        const { events, ...adoption } = decideAdoption(folded?.state, policy, { stated })
        return { events, result: adoption }
      })
      return result
    },

    state,

    /** The one that was taken last. @throws Unavailable */
    async current(): Promise<PolicyState['current']> {
      return (await state())?.current ?? null
    },
  }
}
