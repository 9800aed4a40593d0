/** Commands that carry something sealed. What is sealed is made once, however often the account changes meanwhile. */
import type { AccountCommand } from '../domain/account/administration.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { Sealed } from '../domain/event.ts'
import type { Channel } from '../domain/session/vocabulary.ts'
import type { Passwords } from '../factors/password.ts'
import type { Vault } from '../vault/vault.ts'
import type { AccountView } from './account-view.ts'
import { Fault } from './faults.ts'
import { parseAddress } from './new-account.ts'
import { hashOf, type NewPassword } from './new-password.ts'
import type { PasswordFormats } from './password-formats.ts'

/** `address`: as typed. Nothing is sent there to prove it. */
export type NewContact = { channel: Channel; address: string }
export type CommandOf = (state: AccountState) => AccountCommand | Promise<AccountCommand>

export function createAccountCommands(dependencies: { vault: Vault; view: AccountView; passwords: Passwords; formats: PasswordFormats; newId: () => string }) {
  const { vault, view, passwords, formats, newId } = dependencies

  async function sealedHash(account: string, password: NewPassword, { identifiers }: AccountState): Promise<Sealed> {
    const opened = await Promise.all(identifiers.map(async ({ value }) => (await vault.open(value)) ?? ''))
    const hashed = await hashOf(passwords, password, opened)
    if ('unusable' in hashed) throw new Fault('password_unacceptable', { reason: hashed.flaw, detail: hashed.unusable })
    const sealed = await vault.seal({ account }, hashed.hash)
    formats.count(hashed.hash, 1)
    return sealed
  }

  return {
    /** A repeat of the request, which needs no command, costs no hash. @throws Fault password_unacceptable */
    setPassword(account: string, password: NewPassword): CommandOf {
      let hash: Promise<Sealed> | undefined
      return async (state) => ({ type: 'set_password', hash: await (hash ??= sealedHash(account, password, state)) })
    },

    /** @throws Fault contact_malformed */
    contact(type: 'add_contact' | 'replace_contact', account: string, { channel, address }: NewContact): CommandOf {
      const identifier = parseAddress(channel, address)
      if (!identifier) throw new Fault('contact_malformed')
      const contact = newId()
      let sealed: Promise<Sealed> | undefined
      return async (state) => {
        const same = (await view.contactsOf(state)).find((one) => one.channel === channel && one.address === identifier.value)?.id
        return { type, contact: { contact, channel, address: await (sealed ??= vault.seal({ account }, identifier.value)) }, same }
      }
    },
  }
}
export type AccountCommands = ReturnType<typeof createAccountCommands>
