/** What a login learns from the account: which of the person's contacts a code can go to, and what was set up on the device. */
import { installationOf, pinIsSet } from '../domain/account/installations.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { Sealed } from '../domain/event.ts'
import type { SessionState } from '../domain/session/state.ts'
import { Channel } from '../domain/session/vocabulary.ts'
import type { Folded } from '../eventlog/transact.ts'

/** Whether a code can go by a channel: a carrier is configured for it, and the policy lets it. */
export type Reachable = Pick<ReadonlySet<Channel>, 'has'>

export const channelsOf = (account: AccountState, reachable: Reachable): Channel[] =>
  Channel.options.filter((channel) => reachable.has(channel) && destinationOf(account, channel) !== undefined)

/** The contact that was added last counts. */
export const destinationOf = (account: AccountState, wanted: Channel): Sealed | undefined =>
  account.contacts.findLast(({ channel }) => channel === wanted)?.address

/** What a login records of the account at the moment of a good proof. */
export function accountSaid({ state, revision }: Folded<AccountState>, { installation: id, view }: SessionState, reachable: Reachable) {
  const installation = installationOf(state, id)
  return {
    accountRevision: revision,
    mfa: state.mfa,
    contacts: channelsOf(state, reachable),
    pinHere: pinIsSet(installation, view.plan.pinKeptOn),
    biometricsHere: installation.biometrics !== null,
  }
}
