/** The account that somebody at the terminal means, by its id or by an identifier. Nothing sealed is opened for it. */
import type { AccountState } from '../domain/account/state.ts'
import type { Engine } from '../engine/engine.ts'

export type Found = { id: string; state: AccountState }

/** @throws Error when there is none */
export async function findPerson({ accounts }: Engine, who: string): Promise<Found> {
  const id = who.toLowerCase()
  // An id may be somebody's username as well.
  const state = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? await accounts.load(id) : undefined
  if (state) return { id, state }
  const found = await accounts.find(who)
  if (!found) throw new Error('there is no such account')
  return { id: found.id, state: found.account.state }
}
