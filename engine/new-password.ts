/** A password that is to be set: typed, or as a hash that another system made. */
import type { Passwords } from '../factors/password.ts'
import { parseHash } from '../factors/password-hash.ts'

/** `hash`: in one of the formats of `factors/password-hash.ts`. */
export type NewPassword = { hash: string } | { plain: string }
export type PasswordFlaw = 'too_short' | 'too_long' | 'guessable' | 'hash_unusable'
export type Hashed = { hash: string } | { flaw: PasswordFlaw; unusable: string }

/** `identifiers`: of the account, which make no password. `unusable` says why in words, and never repeats it. @throws HashQueueFull */
export async function hashOf(passwords: Passwords, password: NewPassword, identifiers: readonly string[]): Promise<Hashed> {
  if ('hash' in password) {
    const parsed = parseHash(password.hash)
    return 'unusable' in parsed ? { flaw: 'hash_unusable', unusable: `password hash: ${parsed.unusable}` } : password
  }
  const acceptable = passwords.acceptable(password.plain, identifiers)
  return acceptable === true ? { hash: await passwords.hash(password.plain) } : { flaw: acceptable, unusable: `the password is ${acceptable.replace('_', ' ')}` }
}
