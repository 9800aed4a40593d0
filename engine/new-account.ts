/** What is said about an account that is to be, brought to one form or refused. */
import type { IdentifierKind } from '../domain/account/events.ts'
import type { Channel } from '../domain/session/vocabulary.ts'
import { parseIdentifier, type Identifier } from './identifier.ts'
import type { NewPassword } from './new-password.ts'

export type NewAccount = {
  source: 'import' | 'added'
  /** As typed; the first one names the account on screens. */
  identifiers: readonly string[]
  password?: NewPassword | undefined
  /** Where codes go. Without them, the identifiers that are an address or a number. */
  contacts?: readonly { channel: Channel; address: string }[] | undefined
  mfa?: boolean | undefined
  locale?: string | undefined
  test?: boolean | undefined
}

/** An identifier with the keyed hash that names its stream. */
export type Name = Identifier & { lookup: string }
export type Names = { names: readonly Name[]; contacts: readonly (Name & { channel: Channel })[] }

const channelOf: Readonly<Record<IdentifierKind, Channel | undefined>> = { email: 'email', phone: 'sms', username: undefined }

/** An address as it is kept, or undefined for what is none of the channel's. */
export function parseAddress(channel: Channel, typed: string): Identifier | undefined {
  const identifier = parseIdentifier(typed)
  return identifier && channelOf[identifier.kind] === channel ? identifier : undefined
}

type Unreadable = { code: 'identifier_malformed' | 'contact_malformed'; reason: string }

/** The reason never repeats what was typed. */
export function readNames(wanted: NewAccount, lookup: (value: string) => string): Names | Unreadable {
  const parsed = new Map<string, Name | undefined>()
  const parse = (typed: string): Name | undefined => {
    if (!parsed.has(typed)) {
      const identifier = parseIdentifier(typed)
      parsed.set(typed, identifier && { ...identifier, lookup: lookup(identifier.value) })
    }
    return parsed.get(typed)
  }

  const contacts: (Name & { channel: Channel })[] = []
  for (const { channel, address } of wanted.contacts ?? []) {
    const contact = parse(address)
    if (!contact || channelOf[contact.kind] !== channel) {
      return { code: 'contact_malformed', reason: channel === 'email' ? 'e-mail: not an e-mail address' : 'phone: not a phone number with its country code' }
    }
    contacts.push({ ...contact, channel })
  }
  const names = new Map<string, Name>()
  for (const [index, typed] of wanted.identifiers.entries()) {
    const name = parse(typed)
    if (!name) return { code: 'identifier_malformed', reason: `identifier ${index + 1} is neither an e-mail address, nor a phone number with its country code, nor a username` }
    names.set(name.lookup, name)
    const channel = channelOf[name.kind]
    if (!wanted.contacts && channel) contacts.push({ ...name, channel })
  }
  return names.size > 0 ? { names: [...names.values()], contacts } : { code: 'identifier_malformed', reason: 'no identifier' }
}
