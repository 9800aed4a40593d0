/** How an account comes about: its identifiers are claimed, its key is made, then it is registered. Every part can be repeated after a crash. */
import type { AccountEvent } from '../domain/account/events.ts'
import { claimCounts, decideClaim } from '../domain/account/identifiers.ts'
import type { AccountState, Claim } from '../domain/account/state.ts'
import type { Sealed } from '../domain/event.ts'
import type { Cause, Folded, Streams } from '../eventlog/transact.ts'
import { createTurns } from '../eventlog/turns.ts'
import type { Passwords } from '../factors/password.ts'
import type { Vault } from '../vault/vault.ts'
import type { Guesses } from './guesses.ts'
import { parseIdentifier } from './identifier.ts'
import { readNames, type Name, type Names, type NewAccount } from './new-account.ts'
import { hashOf, type PasswordFlaw } from './new-password.ts'
import type { PasswordFormats } from './password-formats.ts'
import { accountStream, accounts, findOwner, identifiers, identifierStream, type Person } from './people.ts'

export type { NewAccount }
export type Registration = { outcome: 'registered' | 'exists'; account: string } | ({ outcome: 'refused' } & Refusal)
/** `reason` says it in words, and never repeats what was typed. */
type Refusal = { code: 'identifier_malformed' | 'contact_malformed' | 'password_unacceptable' | 'identifier_taken'; reason: string; flaw?: PasswordFlaw }
/** What brought it about. `account` and `fingerprint`: what a repeat of the request is known by; it finds the account under the same id. */
export type Once = { causationId: string } & ({ account: string; fingerprint: string } | { account?: never; fingerprint?: never })

/** Another process may claim the same names at this moment: so often they are looked at again. */
const maxTries = 5

const refused = (code: Refusal['code'], reason: string): Registration => ({ outcome: 'refused', code, reason })
export const taken = refused('identifier_taken', 'an identifier belongs to another account')
const listsAll = (state: AccountState | undefined, names: readonly Name[]): boolean => names.every(({ lookup }) => claimCounts(state, lookup))

export function createAccounts(dependencies: { streams: Streams; vault: Vault; passwords: Passwords; formats: PasswordFormats; guesses: Guesses; inBackground: (work: Promise<unknown>) => void; newId: () => string }) {
  const { streams, vault, passwords, formats, guesses, inBackground, newId } = dependencies
  const inTurn = createTurns()

  /**
   * Safe to repeat: an account that is there is left as it is; one that an earlier run began is finished under the id that it had. Calls that
   * share an identifier take effect in their order. @throws Unavailable, OutcomeUnknown: some of it may be done, repeat it
   */
  async function register(wanted: NewAccount, actor: string, once?: Once): Promise<Registration> {
    const read = readNames(wanted, vault.lookup)
    if ('reason' in read) return refused(read.code, read.reason)
    return inTurn(read.names.map(({ lookup }) => lookup), async () => {
      const password = wanted.password && (await hashOf(passwords, wanted.password, wanted.identifiers))
      if (password && 'unusable' in password) return { outcome: 'refused', code: 'password_unacceptable', reason: password.unusable, flaw: password.flaw }
      for (let tries = 0; tries < maxTries; tries += 1) {
        const registration = await attempt(wanted, read, password?.hash, actor, once)
        if (registration) return registration
      }
      return refused('identifier_taken', 'an identifier was claimed a moment ago: try again in a minute')
    })
  }

  /** Undefined when another one claimed a name meanwhile. What was claimed here then stays: that one may rest on it, and an orphaned claim passes. */
  async function attempt(wanted: NewAccount, { names, contacts }: Names, hash: string | undefined, actor: string, once?: Once): Promise<Registration | undefined> {
    const claims = await Promise.all(names.map(claimOf))
    const owner = claims.find((claim) => claim?.counts)
    if (owner) {
      const { account, state } = owner
      if (claims.every((claim) => claim?.counts && claim.account === account)) return { outcome: 'exists', account }
      // It lists them all, so one was looked at before another process claimed it: look again.
      return listsAll(state, names) ? undefined : taken
    }
    const account = claims.find((claim) => claim?.begun)?.account ?? once?.account ?? newId()
    const cause: Cause = { actor, correlationId: account, causationId: once?.causationId ?? newId(), ...(once?.fingerprint !== undefined && { fingerprint: once.fingerprint }) }

    const [claimed, seal] = await Promise.all([claimAll(names, account, cause), vault.createAccountKey(account)])
    if (!claimed) return undefined
    const events = registrationEvents(wanted, { names, contacts }, hash, seal)
    const decide = (folded: Folded<AccountState> | undefined) => ({ events: folded ? [] : events, result: folded?.state })
    const { result: before } = await streams.transact(accounts, accountStream(account), cause, decide, { assumeNew: true })
    if (!before) {
      if (hash !== undefined) formats.count(hash, 1)
      // Whoever guessed at the name while nobody had it must not have locked out whoever has it now.
      inBackground(guesses.forget(names.map(({ lookup }) => ({ factor: 'password', of: lookup }))))
      return { outcome: 'registered', account }
    }
    // Another process was faster under the same id: with the same identifiers, or with others that share one.
    return listsAll(before, names) ? { outcome: 'exists', account } : taken
  }

  /** Who claims the name. `counts`: and owns it; `begun`: for an account that has not come about. */
  async function claimOf({ lookup }: Name): Promise<{ account: string; state: AccountState | undefined; counts: boolean; begun: boolean } | undefined> {
    const account = (await streams.load(identifiers, identifierStream(lookup)))?.state.account
    if (!account) return undefined
    const state = await load(account)
    return { account, state, counts: claimCounts(state, lookup), begun: state === undefined }
  }

  /** One after the other, so that of two who want the same names in the same order one gets them all. False: a name is another one's. */
  async function claimAll(names: readonly Name[], account: string, cause: Cause): Promise<boolean> {
    for (const { lookup } of names) {
      const decide = async (folded: Folded<Claim> | undefined, at: string) => {
        const owner = folded?.state.account ? await load(folded.state.account) : undefined
        const { events, outcome } = decideClaim(folded?.state, owner, { account, lookup, now: at })
        return { events, result: outcome }
      }
      const { result } = await streams.transact(identifiers, identifierStream(lookup), cause, decide, { assumeNew: true })
      if (result !== 'claimed') return false
    }
    return true
  }

  function registrationEvents(wanted: NewAccount, { names, contacts }: Names, hash: string | undefined, seal: (value: string) => Sealed): AccountEvent[] {
    const { source, mfa = false, locale, test } = wanted
    const identifiers = names.map(({ kind, lookup, value }) => ({ kind, lookup, value: seal(value) }))
    const sealed = new Map(identifiers.map(({ lookup, value }) => [lookup, value]))
    const registered: AccountEvent = {
      type: 'AccountRegistered',
      data: { source, identifiers, mfa, ...(locale === undefined ? {} : { locale }), ...(test === undefined ? {} : { test }) },
    }
    return [
      registered,
      ...(hash === undefined ? [] : [{ type: 'PasswordSet', data: { hash: seal(hash), reason: source === 'import' ? 'imported' : 'set' } } satisfies AccountEvent]),
      ...contacts.map(({ channel, lookup, value }): AccountEvent => ({
        type: 'ContactAdded',
        data: { contact: newId(), channel, address: sealed.get(lookup) ?? seal(value) },
      })),
    ]
  }

  const load = async (account: string): Promise<AccountState | undefined> => (await streams.load(accounts, accountStream(account)))?.state

  return {
    register,
    load,
    /** The account that an identifier belongs to. */
    async find(typed: string): Promise<Person | undefined> {
      const identifier = parseIdentifier(typed)
      if (!identifier) return undefined
      const lookup = vault.lookup(identifier.value)
      return findOwner(streams, lookup)
    },
  }
}
