/** What a stolen access token must not do: it takes a person who was there a moment ago (NIST SP 800-63B-4, 4.1.2.1; RFC 9470). */
import { activePasskeys } from '../domain/account/passkeys.ts'
import type { AccountState } from '../domain/account/state.ts'
import { Fault } from './faults.ts'
import type { Access } from './tokens.ts'

/** Seconds. */
export const freshFor = 300

/** `amr` of a login with a passkey (RFC 8176): its key is kept in hardware or in software. */
export const signedInByPasskey = (amr: readonly string[]): boolean => amr.includes('hwk') || amr.includes('swk')

/**
 * For adding or revoking a passkey and for changing a contact or the password. PIN and biometrics never count, nor does a refresh.
 * @throws Fault insufficient_user_authentication: signed in too long ago, or not by passkey although the account has one
 */
export function demandFreshLogin({ amr, authTime }: Pick<Access, 'amr' | 'authTime'>, account: AccountState, now: Date): void {
  if (activePasskeys(account).length > 0 && !signedInByPasskey(amr)) throw new Fault('insufficient_user_authentication', { reason: 'passkey_needed', maxAgeSeconds: freshFor })
  if (now.getTime() - Date.parse(authTime) > freshFor * 1000) throw new Fault('insufficient_user_authentication', { reason: 'too_old', maxAgeSeconds: freshFor })
}
