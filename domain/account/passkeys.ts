/** The passkeys of an account: linked while pending, activated by the codes of the login that made them, used, renamed, and revoked by hand or when that login was not finished. */
import type { Sealed } from '../event.ts'
import { done, type AccountDecision } from './decision.ts'
import type { AccountEvent } from './events.ts'
import type { AccountState, Passkey } from './state.ts'

export type NewLink = (AccountEvent & { type: 'PasskeyLinked' })['data']

/** One link per challenge: the same credential again is already done, another one is refused; a credential linked through another challenge is a duplicate. */
export function decideLink(state: AccountState, link: NewLink): AccountDecision {
  const byChallenge = state.passkeys.find(({ challenge }) => challenge === link.challenge)
  if (byChallenge) return byChallenge.passkey === link.passkey ? done() : { outcome: 'challenge_used', events: [] }
  if (state.passkeys.some(({ passkey }) => passkey === link.passkey)) return { outcome: 'passkey_exists', events: [] }
  return done({ type: 'PasskeyLinked', data: link })
}

/** A passkey that was removed meanwhile stays removed; one that is active already stays so. */
export function decideActivation(state: AccountState, passkey: string): AccountDecision {
  const pending = state.passkeys.some((one) => one.passkey === passkey && one.status === 'pending')
  return pending ? done({ type: 'PasskeyActivated', data: { passkey } }) : done()
}

/** What a good login with the passkey showed. It is a fact only where it is news; `installation` is null when the passkey came from another device. */
export function decideUse(state: AccountState, used: { passkey: string; counter: number; backedUp: boolean; installation: string | null }): AccountDecision {
  const known = find(state, used.passkey)
  const isNews = known && (used.counter > known.counter || used.backedUp !== known.backedUp || (used.installation !== null && !known.keptOn.includes(used.installation)))
  return isNews ? done({ type: 'PasskeyUsed', data: { ...used, counter: Math.max(used.counter, known.counter) } }) : done()
}

/** WebAuthn Level 3, 7.2, step 24: only with another factor beside it may user verification begin to count. */
export const decideUvInitialized = (state: AccountState, passkey: string): AccountDecision =>
  find(state, passkey)?.uvInitialized === false ? done({ type: 'PasskeyUvInitialized', data: { passkey } }) : done()

/** `same`: it is called so already. */
export const decideRename = (state: AccountState, passkey: string, name: Sealed, same: boolean): AccountDecision =>
  !find(state, passkey) ? unknown : same ? done() : done({ type: 'PasskeyRenamed', data: { passkey, name } })

/** Removed twice is removed. */
export function decideRemoval(state: AccountState, passkey: string): AccountDecision {
  if (find(state, passkey)) return done({ type: 'PasskeyRevoked', data: { passkey, reason: 'removed' } })
  return state.passkeys.some((one) => one.passkey === passkey) ? done() : unknown
}

const unknown: AccountDecision = { outcome: 'passkey_unknown', events: [] }
const find = (state: AccountState, id: string): Passkey | undefined => accepted(state).find(({ passkey }) => passkey === id)

/** What a login that is over leaves pending is revoked: a stolen password must not buy a passkey (NIST SP 800-63B-4, 4.1.2.1). */
export const decideUnfinished = (state: AccountState, session: string): AccountDecision =>
  done(
    ...state.passkeys
      .filter((one) => one.session === session && one.status === 'pending')
      .map(({ passkey }): AccountEvent => ({ type: 'PasskeyRevoked', data: { passkey, reason: 'login_unfinished' } })),
  )

/** Those that a device may keep: pending ones too. */
export const accepted = (state: AccountState): Passkey[] => state.passkeys.filter(({ status }) => status !== 'revoked')

/** As WebAuthn's options name them (PublicKeyCredentialDescriptor). */
export const descriptors = (passkeys: readonly Passkey[]): { id: string; transports: string[] }[] =>
  passkeys.map(({ passkey, transports }) => ({ id: passkey, transports: [...transports] }))

export const activePasskeys = (state: AccountState): Passkey[] => state.passkeys.filter(({ status }) => status === 'active')

export const hasPasskeyHere = (state: AccountState, installation: string): boolean =>
  activePasskeys(state).some(({ keptOn }) => keptOn.includes(installation))
