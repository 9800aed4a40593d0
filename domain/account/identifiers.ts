/** Who owns an identifier. The log makes it unique: a claim is appended with "no stream" or the current revision. */
import type { IdentifierEvent } from './events.ts'
import type { AccountState, Claim } from './state.ts'

/** A claim whose account never came about may be taken over after this long. */
export const orphanSeconds = 60

export type ClaimDecision = { outcome: 'claimed' | 'taken' | 'in_flight'; events: IdentifierEvent[] }

/** A claim counts only if the account it names exists, is not erased, and lists that identifier. */
export const claimCounts = (account: AccountState | undefined, lookup: string): boolean =>
  account !== undefined && account.status !== 'erased' && account.identifiers.some((one) => one.lookup === lookup)

/** `owner`: the account that the present claim names, as it was just read. */
export function decideClaim(
  claim: Claim | undefined,
  owner: AccountState | undefined,
  wanted: { account: string; lookup: string; now: string },
): ClaimDecision {
  const claimed: ClaimDecision = { outcome: 'claimed', events: [{ type: 'IdentifierClaimed', data: { account: wanted.account } }] }
  if (!claim || claim.account === null) return claimed
  if (claim.account === wanted.account) return { outcome: 'claimed', events: [] }
  if (claimCounts(owner, wanted.lookup)) return { outcome: 'taken', events: [] }
  return Date.parse(wanted.now) - Date.parse(claim.since) > orphanSeconds * 1000 ? claimed : { outcome: 'in_flight', events: [] }
}
