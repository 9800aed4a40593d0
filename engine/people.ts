/** Who owns an identifier, read from the log on both sides of the claim. */
import { accountEvents, identifierEvents } from '../domain/account/events.ts'
import { claimCounts } from '../domain/account/identifiers.ts'
import { evolve, evolveIdentifier, type AccountState, type Claim } from '../domain/account/state.ts'
import type { Aggregate, Folded, Streams } from '../eventlog/transact.ts'

export const accounts: Aggregate<AccountState, typeof accountEvents> = { events: accountEvents, evolve }
export const identifiers: Aggregate<Claim, typeof identifierEvents> = { events: identifierEvents, evolve: evolveIdentifier }

export const accountStream = (id: string): string => `account-${id}`
export const identifierStream = (lookup: string): string => `identifier-${lookup}`

export type Person = { id: string; account: Folded<AccountState> }

/** The account that owns the identifier with this lookup. An unknown one costs the same two reads. @throws Unavailable */
export async function findOwner(streams: Streams, lookup: string, decoy: string): Promise<Person | undefined> {
  const claim = await streams.load(identifiers, identifierStream(lookup))
  const id = claim?.state.account ?? decoy
  const account = await streams.load(accounts, accountStream(id))
  return account && claimCounts(account.state, lookup) ? { id, account } : undefined
}
