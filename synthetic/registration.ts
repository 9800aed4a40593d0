/** How an account comes about and how it goes, as `engine/accounts.ts` and `engine/administration.ts` write it. */
import { decideAdministration } from '../domain/account/administration.ts'
import type { AccountEvent, IdentifierKind } from '../domain/account/events.ts'
import { decideClaim } from '../domain/account/identifiers.ts'
import type { Channel } from '../domain/session/vocabulary.ts'
import { identifierStream } from '../engine/people.ts'
import type { Cause } from '../eventlog/transact.ts'
import { writeAccount, type Person } from './people.ts'
import { appendOf, instant, type Append } from './record.ts'
import type { Seals } from './seals.ts'

/** Nobody knows its password: nobody will sign in by it. */
const hash = '$argon2id$v=19$m=19456,t=2,p=1$c3ludGhldGljeWVhcjAwMA$xm2sXPTcm0VCtV8lMLpYmb3rTLzvrPOPgErzpcqTLsU'

export const actorOf = ({ imported, app }: Person): string => (imported ? 'cli:import' : `backend:${app}`)

/** Claim, key, account: the order in which an engine writes them. */
export function register(person: Person, seals: Seals, at: number): Append[] {
  const { dice, id, email, name, phone, mfa, test, imported } = person
  const cause: Cause = { actor: actorOf(person), correlationId: id, causationId: dice.uuid() }
  const names: { kind: IdentifierKind; value: string }[] = [...(email === '' ? [] : [{ kind: 'email' as const, value: email }]), ...(person.byName ? [{ kind: 'username' as const, value: name }] : [])]
  const listed = names.map((one) => ({ ...one, lookup: seals.lookup(one.value) }))
  const claims = listed.map(({ lookup }) => appendOf(dice, at, identifierStream(lookup), -1, decideClaim(undefined, undefined, { account: id, lookup, now: instant(at) }).events, cause))

  const { key, secret, seal } = seals.account(id, at)
  person.secret = secret
  person.seal = seal
  const contacts: { channel: Channel; address: string }[] = [...(email === '' ? [] : [{ channel: 'email' as const, address: email }]), ...(phone === undefined ? [] : [{ channel: 'sms' as const, address: phone }])]
  const events: AccountEvent[] = [
    {
      type: 'AccountRegistered',
      data: {
        source: imported ? 'import' : 'added',
        identifiers: listed.map(({ kind, lookup, value }) => ({ kind, lookup, value: seal(value) })),
        mfa,
        ...(dice.chance(0.7) ? { locale: dice.weighed([['de', 6], ['en', 3], ['fr', 1]] as const) } : {}),
        ...(test ? { test } : {}),
      },
    },
    { type: 'PasswordSet', data: { hash: seal(hash), reason: imported ? 'imported' : 'set' } },
    ...contacts.map(({ channel, address }): AccountEvent => ({ type: 'ContactAdded', data: { contact: dice.uuid(), channel, address: seal(address) } })),
  ]
  return [...claims, key, writeAccount(person, at + 5, events, cause)]
}

/** The person wants to be forgotten. The keys are left: what forgets is `EventLog.seal`, which `write.ts` calls. */
export function erase(person: Person, at: number): Append[] {
  const { account, dice, id } = person
  if (!account || account.status === 'erased') return []
  const cause: Cause = { actor: `backend:${person.app}`, correlationId: id, causationId: `backend:${person.app}/${dice.uuid()}`, fingerprint: dice.secret() }
  const erased = writeAccount(person, at, decideAdministration(account, { type: 'erase' }).events, cause)
  const released = account.identifiers.map(({ lookup }) => appendOf(dice, at + 5, identifierStream(lookup), 0, [{ type: 'IdentifierReleased', data: { account: id } }], cause))
  return [erased, ...released]
}
