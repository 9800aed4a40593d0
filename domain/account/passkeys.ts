/** The passkeys of an account: linked while pending, activated by the codes of the login that made them, revoked when it was not finished. */
import type { AccountEvent } from './events.ts'
import type { AccountState, Passkey } from './state.ts'

export type NewLink = (AccountEvent & { type: 'PasskeyLinked' })['data']

/** `done` with no events: it was done before, go on. */
export type AccountDecision = { outcome: 'done' | 'challenge_used' | 'passkey_exists' | 'account_gone'; events: readonly AccountEvent[] }

const done = (...events: AccountEvent[]): AccountDecision => ({ outcome: 'done', events })

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

/** What a login that is over leaves pending is revoked: a stolen password must not buy a passkey (NIST SP 800-63B-4, 4.1.2.1). */
export const decideUnfinished = (state: AccountState, session: string): AccountDecision =>
  done(
    ...state.passkeys
      .filter((one) => one.session === session && one.status === 'pending')
      .map(({ passkey }): AccountEvent => ({ type: 'PasskeyRevoked', data: { passkey, reason: 'login_unfinished' } })),
  )

/** Those that an authenticator must not create again: pending ones too. */
export const excluded = (state: AccountState): { id: string; transports: string[] }[] =>
  state.passkeys.filter(({ status }) => status !== 'revoked').map(({ passkey, transports }) => ({ id: passkey, transports: [...transports] }))

export const activePasskeys = (state: AccountState): Passkey[] => state.passkeys.filter(({ status }) => status === 'active')

export const hasPasskeyHere = (state: AccountState, installation: string): boolean =>
  activePasskeys(state).some((passkey) => passkey.installation === installation)
