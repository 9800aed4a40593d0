/** What an account has, opened for somebody who may read it. Never a hash or a verifier. */
import type { IdentifierKind } from '../domain/account/events.ts'
import { accepted } from '../domain/account/passkeys.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { Sealed } from '../domain/event.ts'
import type { Channel, Factor } from '../domain/session/vocabulary.ts'
import { Forgotten, type Vault } from '../vault/vault.ts'
import { shown, type ShownPasskey } from './own-passkeys.ts'

export type ShownContact = { id: string; channel: Channel; address: string }
export type ShownAccount = {
  account: string
  status: AccountState['status']
  registeredAt: string
  identifiers: { kind: IdentifierKind; value: string }[]
  contacts: ShownContact[]
  hasPassword: boolean
  mfa: boolean
  /** Guessed wrong too often: enabling the account, or a new password, takes them again. */
  disabledFactors: Factor[]
  locale: string | null
  passkeys: ShownPasskey[]
}

export function createAccountView({ vault }: { vault: Vault }) {
  /** @throws Forgotten */
  async function open(sealed: Sealed): Promise<string> {
    const text = await vault.open(sealed)
    if (text === undefined) throw new Forgotten('the account was erased')
    return text
  }

  const contactsOf = ({ contacts }: AccountState): Promise<ShownContact[]> =>
    Promise.all(contacts.map(async ({ contact, channel, address }) => ({ id: contact, channel, address: await open(address) })))

  return {
    open,
    contactsOf,

    /** Of an erased one nothing is told but that it was. @throws Forgotten when it was erased a moment ago */
    async accountOf(account: string, state: AccountState): Promise<ShownAccount> {
      const { status, registeredAt } = state
      if (status === 'erased') return { account, status, registeredAt, identifiers: [], contacts: [], hasPassword: false, mfa: false, disabledFactors: [], locale: null, passkeys: [] }
      return {
        account,
        status,
        registeredAt,
        identifiers: await Promise.all(state.identifiers.map(async ({ kind, value }) => ({ kind, value: await open(value) }))),
        contacts: await contactsOf(state),
        hasPassword: state.password !== null,
        mfa: state.mfa,
        disabledFactors: [...state.disabledFactors],
        locale: state.locale ?? null,
        passkeys: await Promise.all(accepted(state).map((one) => shown(vault, one))),
      }
    },
  }
}
export type AccountView = ReturnType<typeof createAccountView>
