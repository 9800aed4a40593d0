/** Which of a person's contacts a code can go to. */
import type { AccountState } from '../domain/account/state.ts'
import type { Sealed } from '../domain/event.ts'
import { Channel } from '../domain/session/vocabulary.ts'

/** The channels for which a carrier is configured. */
export type Reachable = ReadonlySet<Channel>

export const channelsOf = (account: AccountState, reachable: Reachable): Channel[] =>
  Channel.options.filter((channel) => reachable.has(channel) && destinationOf(account, channel) !== undefined)

/** The contact that was added last counts. */
export const destinationOf = (account: AccountState, wanted: Channel): Sealed | undefined =>
  account.contacts.findLast(({ channel }) => channel === wanted)?.address
