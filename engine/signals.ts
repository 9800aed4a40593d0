/** What a device needs to bring its credential manager up to date (WebAuthn Level 3, 5.1.10: signal methods; the platforms' own in their words). */
import { accepted } from '../domain/account/passkeys.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { Vault } from '../vault/vault.ts'
import { userHandleOf } from '../factors/user-handle.ts'
import { appOf, type Settings } from './apps.ts'

/** For signalAllAcceptedCredentials and signalCurrentUserDetails. A pending passkey counts as accepted: its login may still be finished. */
export type Signals = { rpId: string; userId: string; acceptedCredentialIds: string[]; name: string; displayName: string }

/** `account` is as it was just read from its stream. Undefined for an app that is no longer registered. */
export async function signalsOf({ vault, settings }: { vault: Vault; settings: Settings }, app: string, id: string, account: AccountState): Promise<Signals | undefined> {
  const registered = appOf(settings, app)
  if (!registered) return undefined
  const name = await nameOf(vault, id, account)
  return { rpId: registered.rpId, userId: userHandleOf(id), acceptedCredentialIds: accepted(account).map(({ passkey }) => passkey), name, displayName: name }
}

/** What the account is called on screens: its first identifier. The same at creation and in every signal, so that no device shows two names. */
export async function nameOf(vault: Vault, id: string, account: AccountState): Promise<string> {
  const [first] = account.identifiers
  return (first && (await vault.open(first.value))) ?? id
}
