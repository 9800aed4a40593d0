/** The storage format of the one stream `policy-<uuid>`: which policy was taken, when and why. A name written to disk stays for ever. */
import { z } from 'zod'
import { clear, event, type EventOf } from '../event.ts'

export const policyEvents = {
  PolicyAdopted: event('An engine decides by this policy from here on. It does not imply that others do: each offer names the policy that it was decided by.', {
    version: clear(z.string().max(80)),
    /** All of it, its defaults written out. A release that knows other fields reads it as far as it can. */
    policy: clear(z.record(z.string(), z.json())),
    by: clear(z.string().optional()),
    why: clear(z.string().optional()),
  }),
}
export type PolicyEvent = EventOf<typeof policyEvents>
