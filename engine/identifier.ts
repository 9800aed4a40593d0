/** What a person types to say who they are, brought to one form: NFKC, lower case, E.164. */
import parsePhoneNumber, { type CountryCode } from 'libphonenumber-js'
import type { IdentifierKind } from '../domain/account/events.ts'

export type Identifier = { kind: IdentifierKind; value: string }

const email = /^[^\s@]+@[^\s@]+\.[^\s@.]+$/
const phone = /^\+?[\d\s().\/-]{5,25}$/
const username = /^[\p{L}\p{N}][\p{L}\p{N}._-]{1,63}$/u

/** An address as a mail server takes it (RFC 5321, 4.5.3.1.3, less the brackets). */
const maxBytes = 254

/** Undefined for what can be none of the three. Numbers without a country code are read as of `country`; without one they are usernames, if they can be. */
export function parseIdentifier(typed: string, country?: CountryCode): Identifier | undefined {
  const text = typed.normalize('NFKC').trim().toLowerCase()
  if (Buffer.byteLength(text) > maxBytes) return undefined
  if (email.test(text)) return { kind: 'email', value: text }
  if (phone.test(text) && (text.startsWith('+') || country)) {
    const number = parsePhoneNumber(text, country)
    return number?.isPossible() ? { kind: 'phone', value: number.number } : undefined
  }
  return username.test(text) ? { kind: 'username', value: text } : undefined
}
