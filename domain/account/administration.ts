/** What is done to an account outside of a login, by the company's backend or by the person. */
import type { Sealed } from '../event.ts'
import { done, type AccountDecision } from './decision.ts'
import type { AccountEvent } from './events.ts'
import { decideRemoval } from './passkeys.ts'
import type { AccountState, Contact } from './state.ts'

export type AccountCommand =
  | { type: 'set_password'; hash: Sealed }
  | { type: 'switch_mfa'; enabled: boolean }
  | { type: 'disable' | 'enable' | 'end_sessions' | 'erase' }
  /** `same`: the id of the contact that has this channel and address already; only the vault can tell. */
  | { type: 'add_contact' | 'replace_contact'; contact: Contact; same: string | undefined }
  | { type: 'remove_contact'; contact: string }
  | { type: 'remove_passkey'; passkey: string }

/** What is so already is no fact. Of somebody who was forgotten nothing is written any more. */
export function decideAdministration(state: AccountState, command: AccountCommand): AccountDecision {
  if (state.status === 'erased') return command.type === 'erase' ? done() : { outcome: 'account_gone', events: [] }
  switch (command.type) {
    case 'set_password':
      // One append: who knew the old password must not stay signed in with it, whatever happens next.
      return done({ type: 'PasswordSet', data: { hash: command.hash, reason: 'set' } }, { type: 'SessionsRevoked', data: {} })
    case 'switch_mfa':
      return state.mfa === command.enabled ? done() : done({ type: 'MfaSwitched', data: { enabled: command.enabled } })
    case 'disable':
      // To enable the account again must not sign in again who was signed in before (OWASP ASVS 5.0, 7.4.2).
      return state.status === 'disabled' ? done() : done({ type: 'AccountDisabled', data: {} }, { type: 'SessionsRevoked', data: {} })
    case 'enable':
      return state.status === 'active' && state.disabledFactors.length === 0 ? done() : done({ type: 'AccountEnabled', data: {} })
    case 'end_sessions':
      return done({ type: 'SessionsRevoked', data: {} })
    case 'add_contact':
      return command.same === undefined ? done({ type: 'ContactAdded', data: command.contact }) : done()
    case 'replace_contact':
      return decideReplacement(state, command.contact, command.same)
    case 'remove_contact':
      return state.contacts.some(({ contact }) => contact === command.contact)
        ? done({ type: 'ContactRemoved', data: { contact: command.contact } })
        : { outcome: 'contact_unknown', events: [] }
    case 'remove_passkey':
      return decideRemoval(state, command.passkey)
    case 'erase':
      return done({ type: 'AccountErased', data: {} })
  }
}

/** One contact of the channel is left. */
function decideReplacement({ contacts }: AccountState, wanted: Contact, same: string | undefined): AccountDecision {
  const others = contacts.filter(({ channel, contact }) => channel === wanted.channel && contact !== same)
  return done(
    ...others.map(({ contact }): AccountEvent => ({ type: 'ContactRemoved', data: { contact } })),
    ...(same === undefined ? [{ type: 'ContactAdded', data: wanted } satisfies AccountEvent] : []),
  )
}
