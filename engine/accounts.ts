/** How an account comes about: its identifiers are claimed, its key is made, then it is registered. Every part can be repeated after a crash. */
import type { AccountEvent, IdentifierKind } from '../domain/account/events.ts'
import { claimCounts, decideClaim } from '../domain/account/identifiers.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { Channel } from '../domain/session/vocabulary.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import type { Passwords } from '../factors/password.ts'
import { parseHash } from '../factors/password-hash.ts'
import { uuidOf } from '../vault/sealing.ts'
import type { Vault } from '../vault/vault.ts'
import { parseIdentifier } from './identifier.ts'
import { accountStream, accounts, findOwner, identifiers, identifierStream, type Person } from './people.ts'

export type NewAccount = {
  source: 'import' | 'added'
  /** As typed; the first one names the account on screens. */
  identifiers: readonly string[]
  /** A hash in one of the formats of `factors/password-hash.ts`, or the password itself. */
  password?: { hash: string } | { plain: string } | undefined
  /** Where codes go. Without them, the identifiers that are an address or a number. */
  contacts?: readonly { channel: Channel; address: string }[] | undefined
  mfa?: boolean | undefined
  locale?: string | undefined
  test?: boolean | undefined
}

export type Registration = { outcome: 'registered' | 'exists'; account: string } | { outcome: 'refused'; reason: string }

type Wanted = { kind: IdentifierKind; value: string; lookup: string }

export function createAccounts(dependencies: { streams: Streams; vault: Vault; passwords: Passwords; newId: () => string }) {
  const { streams, vault, passwords, newId } = dependencies
  const refused = (reason: string): Registration => ({ outcome: 'refused', reason })

  /** Safe to repeat: an account that is there is left as it is; one that an earlier run began is finished under the id that it had. */
  async function register(wanted: NewAccount, actor: string): Promise<Registration> {
    const parsed = wanted.identifiers.map((typed) => parseIdentifier(typed))
    if (parsed.length === 0) return refused('no identifier')
    const bad = parsed.indexOf(undefined)
    if (bad >= 0) return refused(`identifier ${bad + 1} is neither an e-mail address, nor a phone number with its country code, nor a username`)
    const names: Wanted[] = parsed.flatMap((one) => (one ? [{ ...one, lookup: vault.lookup(one.value) }] : []))
    const contacts = contactsOf(wanted, names)
    if (typeof contacts === 'string') return refused(contacts)
    const hash = await hashOf(wanted)
    if (typeof hash === 'object') return refused(hash.unusable)

    const claims = await Promise.all(names.map(({ lookup }) => streams.peek(identifiers, identifierStream(lookup))))
    const begun = claims.find((claim) => claim?.state.account)?.state.account ?? undefined
    const owner = begun ? (await streams.load(accounts, accountStream(begun)))?.state : undefined
    if (begun && owner && names.some(({ lookup }) => claimCounts(owner, lookup))) {
      const all = names.every(({ lookup }) => claimCounts(owner, lookup))
      return all ? { outcome: 'exists', account: begun } : refused('an identifier belongs to another account')
    }
    const account = begun && !owner ? begun : newId()
    const cause: Cause = { actor, correlationId: account, causationId: newId() }

    for (const { lookup } of names) {
      const claimed = await claim(lookup, account, cause)
      if (claimed !== 'claimed') {
        await release(names, account, cause)
        return refused(claimed === 'taken' ? 'an identifier belongs to another account' : 'an identifier was claimed a moment ago: try again in a minute')
      }
    }
    await vault.createAccountKey(account)
    const events = await registrationEvents(account, wanted, names, contacts, hash)
    const { result } = await streams.transact(accounts, accountStream(account), cause, (folded) => ({ events: folded ? [] : events, result: !folded }))
    return { outcome: result ? 'registered' : 'exists', account }
  }

  async function claim(lookup: string, account: string, cause: Cause) {
    const { result } = await streams.transact(identifiers, identifierStream(lookup), cause, async (folded, at) => {
      const owner = folded?.state.account ? (await streams.load(accounts, accountStream(folded.state.account)))?.state : undefined
      const { events, outcome } = decideClaim(folded?.state, owner, { account, lookup, now: at })
      return { events, result: outcome }
    })
    return result
  }

  /** What was claimed for an account that is not to be must not stay claimed. */
  async function release(names: readonly Wanted[], account: string, cause: Cause): Promise<void> {
    for (const { lookup } of names) {
      await streams.transact(identifiers, identifierStream(lookup), cause, (folded) => ({
        events: folded?.state.account === account ? [{ type: 'IdentifierReleased', data: { account } }] : [],
        result: undefined,
      }))
    }
  }

  async function registrationEvents(account: string, wanted: NewAccount, names: readonly Wanted[], contacts: Contact[], hash: string | undefined): Promise<AccountEvent[]> {
    const seal = (value: string) => vault.seal({ account }, value)
    const { source, mfa = false, locale, test } = wanted
    const sealedNames = await Promise.all(names.map(async ({ kind, lookup, value }) => ({ kind, lookup, value: await seal(value) })))
    const registered: AccountEvent = {
      type: 'AccountRegistered',
      data: { source, identifiers: sealedNames, mfa, ...(locale === undefined ? {} : { locale }), ...(test === undefined ? {} : { test }) },
    }
    const reason = source === 'import' ? 'imported' : 'set'
    return [
      registered,
      ...(hash === undefined ? [] : [{ type: 'PasswordSet', data: { hash: await seal(hash), reason } } satisfies AccountEvent]),
      ...(await Promise.all(
        contacts.map(async ({ channel, address }): Promise<AccountEvent> => ({
          type: 'ContactAdded',
          data: { contact: uuidOf(`contact ${account} ${channel} ${vault.lookup(address)}`), channel, address: await seal(address) },
        })),
      )),
    ]
  }

  async function hashOf({ password }: NewAccount): Promise<string | undefined | { unusable: string }> {
    if (!password) return undefined
    if ('hash' in password) {
      const parsed = parseHash(password.hash)
      return 'unusable' in parsed ? { unusable: `password hash: ${parsed.unusable}` } : password.hash
    }
    const acceptable = passwords.acceptable(password.plain)
    return acceptable === true ? passwords.hash(password.plain) : { unusable: `the password is ${acceptable.replace('_', ' ')}` }
  }

  return {
    register,
    /** The account that an identifier belongs to. */
    async find(typed: string): Promise<Person | undefined> {
      const identifier = parseIdentifier(typed)
      if (!identifier) return undefined
      const lookup = vault.lookup(identifier.value)
      return findOwner(streams, lookup, uuidOf(`decoy ${lookup}`))
    },
    load: async (account: string): Promise<AccountState | undefined> => (await streams.load(accounts, accountStream(account)))?.state,
  }
}

type Contact = { channel: Channel; address: string }

/** The contacts in their one form, or what is wrong with them. */
function contactsOf({ contacts }: NewAccount, names: readonly Wanted[]): Contact[] | string {
  if (!contacts) {
    return names.flatMap(({ kind, value }): Contact[] => (kind === 'email' ? [{ channel: 'email', address: value }] : kind === 'phone' ? [{ channel: 'sms', address: value }] : []))
  }
  const parsed = contacts.map(({ channel, address }) => ({ channel, ...parseIdentifier(address) }))
  const bad = parsed.findIndex(({ channel, kind }) => kind !== (channel === 'email' ? 'email' : 'phone'))
  if (bad >= 0) return `contact ${bad + 1} is not ${contacts[bad]?.channel === 'email' ? 'an e-mail address' : 'a phone number with its country code'}`
  return parsed.map(({ channel, value = '' }) => ({ channel, address: value }))
}
