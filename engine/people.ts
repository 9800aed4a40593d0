/** Who owns an identifier, read from the log on both sides of the claim. */
import { accountEvents, identifierEvents } from '../domain/account/events.ts'
import { claimCounts } from '../domain/account/identifiers.ts'
import { evolve, evolveIdentifier, type AccountState, type Claim } from '../domain/account/state.ts'
import type { Aggregate, Folded, Streams } from '../eventlog/transact.ts'
import { uuidOf } from '../vault/sealing.ts'

export const accounts: Aggregate<AccountState, typeof accountEvents> = { events: accountEvents, evolve }
export const identifiers: Aggregate<Claim, typeof identifierEvents> = { events: identifierEvents, evolve: evolveIdentifier, neverCached: true }

export const accountStream = (id: string): string => `account-${id}`
export const identifierStream = (lookup: string): string => `identifier-${lookup}`

/** What is read where nobody owns the identifier with this lookup, so that it costs as much. There is never such an account. */
export const decoyOf = (lookup: string): string => uuidOf(`decoy ${lookup}`)

export type Person = { id: string; account: Folded<AccountState> }

/** The account that owns the identifier with this lookup. An unknown one costs the same two reads. @throws Unavailable */
export async function findOwner(streams: Streams, lookup: string): Promise<Person | undefined> {
  const claim = await streams.load(identifiers, identifierStream(lookup))
  const id = claim?.state.account ?? decoyOf(lookup)
  const account = await streams.load(accounts, accountStream(id))
  return account && claimCounts(account.state, lookup) ? { id, account } : undefined
}
