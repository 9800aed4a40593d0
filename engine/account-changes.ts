/** One change of an account on somebody's request: written once for each Idempotency-Key, and answered the same each time. */
import { createHmac } from 'node:crypto'
import { decideAdministration } from '../domain/account/administration.ts'
import type { AccountDecision } from '../domain/account/decision.ts'
import { accountEvents } from '../domain/account/events.ts'
import { evolve, type AccountState } from '../domain/account/state.ts'
import { parseFact } from '../domain/event.ts'
import type { Factor } from '../domain/session/vocabulary.ts'
import type { Json } from '../eventlog/event-log.ts'
import type { Cause, Folded, Streams } from '../eventlog/transact.ts'
import { Forgotten } from '../vault/vault.ts'
import type { CommandOf } from './account-commands.ts'
import { Fault } from './faults.ts'
import type { Guessed, Guesses } from './guesses.ts'
import { accountStream, accounts } from './people.ts'

/** Who asks. `secret`: what they showed to be who they are; `session`: of a person, the one that they are signed in with. */
export type Asking = { actor: string; secret: string; key: string; session?: string }
/** What a repeat of a request is known by. */
export type Request = { causationId: string; fingerprint: string }

/**
 * The fingerprint is keyed with a secret of the caller's, of which nothing but a hash is kept here: the log and all keys of the server together cannot
 * test a guess of a password by it.
 */
export const requestOf = ({ actor, secret, key, session }: Asking, ...what: readonly (Json | undefined)[]): Request => ({
  causationId: `${session ?? actor}/${key}`,
  fingerprint: createHmac('sha256', secret).update(JSON.stringify(what)).digest('base64url'),
})

/** The revision that the request wrote here; undefined for a new one. @throws Fault key_reused */
export function writtenBy({ causationId, fingerprint }: Request, account: Folded<AccountState> | undefined): number | undefined {
  const before = account?.keys.get(causationId)
  if (before && before.fingerprint !== fingerprint) throw new Fault('key_reused')
  return before?.revision
}

export type AccountChanges = ReturnType<typeof createAccountChanges>

export function createAccountChanges({ streams, guesses }: { streams: Streams; guesses: Guesses }) {
  /** The account as it was at a revision that it has had. */
  async function at(account: string, revision: number): Promise<AccountState> {
    let state: AccountState | undefined
    for await (const recorded of streams.log.read(accountStream(account))) {
      if (recorded.revision > revision) break
      state = evolve(state, parseFact(accountEvents, recorded))
    }
    return state as AccountState
  }

  /**
   * `decide` is asked for a new request alone, and again when the account changed meanwhile.
   * @returns the account as it is now, and the revision that this request wrote before, if it did
   * @throws Fault account_unknown, contact_unknown, passkey_unknown, key_reused; Forgotten for an account that was erased
   */
  async function write(account: string, { actor, session }: Pick<Asking, 'actor' | 'session'>, request: Request, decide: (state: AccountState) => AccountDecision | Promise<AccountDecision>) {
    const cause: Cause = { actor, correlationId: session ?? account, ...request }
    const { result: before, folded } = await streams.transact(accounts, accountStream(account), cause, async (current) => {
      if (!current) throw new Fault('account_unknown')
      const written = writtenBy(request, current)
      if (written !== undefined) return { events: [], result: written }
      const { outcome, events } = await decide(current.state)
      if (outcome === 'account_gone') throw new Forgotten('the account was erased')
      if (outcome !== 'done') throw new Fault(outcome as 'contact_unknown' | 'passkey_unknown')
      return { events, result: undefined }
    })
    return { present: folded as Folded<AccountState>, before }
  }

  /**
   * `forgets`: guesses that count no more after it. A repeat forgets them too: a crash may have come before it could.
   * @returns the account as the request left it, however often it is repeated @throws as `write`
   */
  async function change(account: string, asking: Asking, request: Request, commandOf: CommandOf, forgets: readonly Factor[] = []): Promise<AccountState> {
    const { present, before } = await write(account, asking, request, async (state) => decideAdministration(state, await commandOf(state)))
    await guesses.forget(forgets.flatMap((factor): Guessed[] => (factor === 'otp' ? [{ factor, of: account }] : present.state.identifiers.map(({ lookup }) => ({ factor, of: lookup })))))
    return before === undefined || before === present.revision ? present.state : at(account, before)
  }

  return { at, write, change }
}
