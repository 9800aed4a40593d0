/** What somebody who is signed in changes of their own: password and contacts. It takes a login of a moment ago. */
import type { AccountCommands, CommandOf, NewContact } from './account-commands.ts'
import { requestOf, type AccountChanges, type Asking } from './account-changes.ts'
import type { AccountView, ShownContact } from './account-view.ts'
import { demandFreshLogin } from './step-up.ts'
import type { Access, TokensOf } from './tokens.ts'

export function createOwnAccount(dependencies: {
  changes: AccountChanges
  commands: AccountCommands
  view: AccountView
  signedIn: TokensOf['signedIn']
  now: () => Date
}) {
  const { changes, commands, view, signedIn, now } = dependencies

  // Not kept here, and alone with the app: as good a key for the fingerprint as the flow token is during a login.
  const askingOf = ({ account, session, token }: Access, key: string): Asking => ({ actor: `account:${account}`, secret: token, key, session })

  /** The login is looked at for a new request alone: what it did may have ended this very session, and its repeat is answered all the same. */
  const freshly = (access: Access, command: CommandOf): CommandOf => async (state) => {
    demandFreshLogin(access, await signedIn(access), now())
    return command(state)
  }

  return {
    /** @throws Fault session_over */
    contacts: async (access: Access): Promise<ShownContact[]> => view.contactsOf(await signedIn(access)),

    /**
     * Ends every session of the account, this one too.
     * @returns the contacts @throws Fault password_unacceptable, insufficient_user_authentication, session_over, key_reused
     */
    async setPassword(access: Access, key: string, plain: string): Promise<ShownContact[]> {
      const asking = askingOf(access, key)
      const command = commands.setPassword(access.account, { plain })
      return view.contactsOf(await changes.change(access.account, asking, requestOf(asking, 'password', plain), freshly(access, command), ['password']))
    },

    /**
     * The address takes the place of what the account has of its channel.
     * @returns the contacts @throws Fault contact_malformed, insufficient_user_authentication, session_over, key_reused
     */
    async replaceContact(access: Access, key: string, contact: NewContact): Promise<ShownContact[]> {
      const asking = askingOf(access, key)
      const command = commands.contact('replace_contact', access.account, contact)
      return view.contactsOf(await changes.change(access.account, asking, requestOf(asking, 'contact', contact), freshly(access, command)))
    },
  }
}
