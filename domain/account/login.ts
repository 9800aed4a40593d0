/** What a login leaves in the account. It is written here first and to the session after, so a crash between the two leaves something that works. */
import type { Sealed } from '../event.ts'
import type { PinKeeper } from '../session/vocabulary.ts'
import { done, type AccountDecision } from './decision.ts'
import type { AccountEvent } from './events.ts'
import { decideBiometricSwitch, decidePinSet } from './installations.ts'
import { decideActivation, decideLink, decideUvInitialized, type NewLink } from './passkeys.ts'
import { evolve, type AccountState } from './state.ts'

export type LeftByLogin = {
  installation: string
  link?: NewLink
  /** The id of the passkey for which the last code was given. */
  activate?: string
  /** The id of the passkey that a code vouches for. */
  uvInitialized?: string
  neverOffer?: boolean
  pin?: { keptOn: PinKeeper; verifier: Sealed | undefined }
  biometrics?: boolean
}

export const leavesNothing = ({ installation: _, ...left }: LeftByLogin): boolean => Object.values(left).every((one) => one === undefined)

/** All of it is one append, or nothing is. */
export function decideLeftByLogin(state: AccountState, left: LeftByLogin, now: string): AccountDecision {
  if (state.status !== 'active') return { outcome: 'account_gone', events: [] }
  const events: AccountEvent[] = []
  let after = state
  const add = (more: readonly AccountEvent[]) => {
    events.push(...more)
    after = more.reduce((folded: AccountState, event) => evolve(folded, { ...event, at: now }), after)
  }
  if (left.link) {
    const linked = decideLink(after, left.link)
    if (linked.outcome !== 'done') return linked
    add(linked.events)
  }
  if (left.activate) add(decideActivation(after, left.activate).events)
  if (left.uvInitialized) add(decideUvInitialized(after, left.uvInitialized).events)
  if (left.neverOffer && !after.neverOffer) add([{ type: 'AppendPreferenceChanged', data: { never: true } }])
  if (left.pin) add(decidePinSet(left.installation, left.pin.keptOn, left.pin.verifier))
  if (left.biometrics !== undefined) add(decideBiometricSwitch(after, left.installation, left.biometrics))
  return done(...events)
}
