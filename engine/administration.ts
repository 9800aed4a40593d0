/** What the company's backend does with accounts. Every change is an event with its actor, written once for each Idempotency-Key. */
import type { Factor } from '../domain/session/vocabulary.ts'
import { Unavailable, OutcomeUnknown } from '../eventlog/event-log.ts'
import { Conflict, type Streams } from '../eventlog/transact.ts'
import { uuidOf } from '../vault/sealing.ts'
import type { Vault } from '../vault/vault.ts'
import type { AccountCommands, CommandOf, NewContact } from './account-commands.ts'
import { requestOf, writtenBy, type AccountChanges, type Asking, type Request } from './account-changes.ts'
import type { AccountView, ShownAccount } from './account-view.ts'
import { taken, type createAccounts, type Registration } from './accounts.ts'
import { Fault } from './faults.ts'
import { parseIdentifier } from './identifier.ts'
import type { NewAccount } from './new-account.ts'
import type { NewPassword } from './new-password.ts'
import { accountStream, accounts as people, identifiers, identifierStream } from './people.ts'

/** Accounts of one request that are registered at the same time: logins, too, wait for cores to hash on. */
const importedAtOnce = 8

/** `pending`: refused everywhere from now on; repeating the request does what is left. */
export type Erased = 'done' | 'pending'

export function createAdministration(dependencies: {
  streams: Streams
  vault: Vault
  accounts: ReturnType<typeof createAccounts>
  changes: AccountChanges
  commands: AccountCommands
  view: AccountView
}) {
  const { streams, vault, accounts, changes, commands, view } = dependencies

  const load = (account: string) => streams.load(people, accountStream(account))

  /** A request has its account under one id, so that a repeat, and another request with its key, find it there. */
  async function register(wanted: NewAccount, { actor }: Asking, request: Request): Promise<Registration> {
    const id = uuidOf(`account ${request.causationId}`)
    if (writtenBy(request, await load(id)) !== undefined) return { outcome: 'registered', account: id }
    const registration = await accounts.register(wanted, actor, { account: id, ...request })
    const account = 'account' in registration ? registration.account : id
    const folded = await load(account)
    if (writtenBy(request, folded) !== undefined) return { outcome: 'registered', account }
    if (registration.outcome !== 'exists') return registration
    // All of the identifiers are that account's; it is the same account only if it has no others.
    const wantedCount = new Set(wanted.identifiers.map((typed) => parseIdentifier(typed)?.value)).size
    return folded?.state.identifiers.length === wantedCount ? registration : taken
  }

  /** The command, once for each key; the account as it then was. */
  const change = async (account: string, asking: Asking, request: Request, command: CommandOf, forgets: readonly Factor[] = []): Promise<ShownAccount> =>
    view.accountOf(account, await changes.change(account, asking, request, command, forgets))

  async function release(account: string, lookup: string, { actor }: Asking, { causationId }: Request): Promise<void> {
    await streams.transact(identifiers, identifierStream(lookup), { actor, correlationId: account, causationId }, (claim) => ({
      events: claim?.state.account === account ? [{ type: 'IdentifierReleased', data: { account } }] : [],
      result: undefined,
    }))
  }

  return {
    /**
     * @throws Fault identifier_taken, with the account that has exactly these identifiers; identifier_malformed, contact_malformed,
     * password_unacceptable, key_reused
     */
    async create(asking: Asking, wanted: NewAccount): Promise<ShownAccount> {
      const request = requestOf(asking, 'create', wanted)
      const registration = await register(wanted, asking, request)
      if (registration.outcome === 'refused') throw new Fault(registration.code, { detail: registration.reason, ...(registration.flaw && { reason: registration.flaw }) })
      const { account } = registration
      if (registration.outcome === 'exists') throw new Fault('identifier_taken', { account })
      const revision = writtenBy(request, await load(account))
      return view.accountOf(account, await changes.at(account, revision as number))
    },

    /** Each on its own: what is wrong with one does not hold up the others. @throws Fault key_reused */
    async importAll(asking: Asking, wanted: readonly NewAccount[]): Promise<Registration[]> {
      const { causationId, fingerprint } = requestOf(asking, 'import', wanted)
      const requests = wanted.map((_, index): Request => ({ causationId: `${causationId}/${index}`, fingerprint }))
      // Before anything is written: with another body the key is refused as a whole.
      for (const request of requests) writtenBy(request, await load(uuidOf(`account ${request.causationId}`)))
      const registrations: Registration[] = []
      for (let from = 0; from < wanted.length; from += importedAtOnce) {
        const some = wanted.slice(from, from + importedAtOnce)
        registrations.push(...(await Promise.all(some.map((one, index) => register(one, asking, requests[from + index] as Request)))))
      }
      return registrations
    },

    /** @throws Fault account_unknown */
    async show(account: string): Promise<ShownAccount> {
      const folded = await load(account)
      if (!folded) throw new Fault('account_unknown')
      return view.accountOf(account, folded.state)
    },

    /** @throws Fault account_unknown */
    async find(typed: string): Promise<ShownAccount> {
      const person = await accounts.find(typed)
      if (!person) throw new Fault('account_unknown')
      return view.accountOf(person.id, person.account.state)
    },

    /** Ends every session of the account. @throws Fault password_unacceptable, account_unknown, key_reused; Forgotten */
    setPassword: (asking: Asking, account: string, password: NewPassword): Promise<ShownAccount> =>
      change(account, asking, requestOf(asking, 'password', account, password), commands.setPassword(account, password), ['password']),

    switchMfa: (asking: Asking, account: string, enabled: boolean): Promise<ShownAccount> =>
      change(account, asking, requestOf(asking, 'mfa', account, enabled), () => ({ type: 'switch_mfa', enabled })),

    /** `enable` takes factors again that were guessed too often, and ends the delays of guessing. */
    act: (asking: Asking, account: string, type: 'disable' | 'enable' | 'end_sessions'): Promise<ShownAccount> =>
      change(account, asking, requestOf(asking, type, account), () => ({ type }), type === 'enable' ? ['password', 'otp'] : []),

    /** @throws Fault contact_malformed, account_unknown, key_reused; Forgotten */
    addContact: (asking: Asking, account: string, contact: NewContact): Promise<ShownAccount> =>
      change(account, asking, requestOf(asking, 'contact', account, contact), commands.contact('add_contact', account, contact)),

    removeContact: (asking: Asking, account: string, contact: string): Promise<ShownAccount> =>
      change(account, asking, requestOf(asking, 'contact removal', account, contact), () => ({ type: 'remove_contact', contact })),

    removePasskey: (asking: Asking, account: string, passkey: string): Promise<ShownAccount> =>
      change(account, asking, requestOf(asking, 'passkey removal', account, passkey), () => ({ type: 'remove_passkey', passkey })),

    /**
     * Forgets a person, in an order that a crash leaves in good state wherever it comes: first the account, so that every step and refresh is refused
     * from then on; then the identifiers, which others may claim; the keys last, since that is what "done" stands for. Repeating it does what is left.
     * @throws Fault account_unknown, key_reused
     */
    async erase(asking: Asking, account: string): Promise<Erased> {
      const request = requestOf(asking, 'erase', account)
      const { identifiers: owned } = await changes.change(account, asking, request, () => ({ type: 'erase' }))
      try {
        for (const { lookup } of owned) await release(account, lookup, asking, request)
        await vault.forget(account)
        return 'done'
      } catch (error) {
        if (error instanceof Unavailable || error instanceof OutcomeUnknown || error instanceof Conflict) return 'pending'
        throw error
      }
    },
  }
}
