/** What somebody who is signed in does with their passkeys: see them, name them, remove them. Each answer is of the revision just read or written. */
import type { KeyObject } from 'node:crypto'
import type { AccountDecision } from '../domain/account/decision.ts'
import { accepted, decideRemoval, decideRename } from '../domain/account/passkeys.ts'
import type { AccountState, Passkey } from '../domain/account/state.ts'
import { hmac } from '../vault/sealing.ts'
import type { Vault } from '../vault/vault.ts'
import type { AccountChanges, Request } from './account-changes.ts'
import type { Settings } from './apps.ts'
import { Fault } from './faults.ts'
import { providerOf } from './providers.ts'
import { signalsOf, type Signals } from './signals.ts'
import { demandFreshLogin } from './step-up.ts'
import type { Access, TokensOf } from './tokens.ts'

/** `createdAt`: ISO 8601. */
export type ShownPasskey = { id: string; name: string; provider: string | null; aaguid: string; status: 'pending' | 'active'; createdAt: string; backedUp: boolean }
/** `here`: it was created or used on the installation that asks. */
export type OwnPasskeys = { passkeys: (ShownPasskey & { here: boolean })[]; signals: Signals }

const unnamed = 'Passkey'

/** A passkey as people see it. */
export async function shown(vault: Vault, { passkey, name, aaguid, status, linkedAt, backedUp }: Passkey): Promise<ShownPasskey> {
  const provider = providerOf(aaguid)
  const called = name === null ? undefined : await vault.open(name)
  return { id: passkey, name: called ?? provider ?? unnamed, provider, aaguid, status: status === 'active' ? 'active' : 'pending', createdAt: linkedAt, backedUp }
}

export function createOwnPasskeys(dependencies: {
  changes: AccountChanges
  vault: Vault
  settings: () => Settings
  signedIn: TokensOf['signedIn']
  fingerprintSecret: KeyObject
  now: () => Date
}) {
  const { changes, vault, settings, signedIn, fingerprintSecret, now } = dependencies

  async function answer({ account, app, installation }: Access, state: AccountState): Promise<OwnPasskeys> {
    const signals = await signalsOf({ vault, settings: settings() }, app, account, state)
    if (!signals) throw new Fault('access_token_invalid')
    const passkeys = await Promise.all(accepted(state).map(async (one) => ({ ...(await shown(vault, one)), here: one.keptOn.includes(installation) })))
    return { passkeys, signals }
  }

  /** `what` tells the request from another one with the same key. It holds no secret, so its repeat may come with a newer access token. */
  async function change(access: Access, key: string, what: string, decide: (state: AccountState) => AccountDecision | Promise<AccountDecision>): Promise<OwnPasskeys> {
    await signedIn(access)
    const { account, session } = access
    const request: Request = { causationId: `${session}/${key}`, fingerprint: hmac(fingerprintSecret, what).toString('base64url') }
    const { present } = await changes.write(account, { actor: `account:${account}`, session }, request, (state) => {
      if (state.status !== 'active') throw new Fault('session_over')
      return decide(state)
    })
    return answer(access, present.state)
  }

  return {
    /** @throws Fault session_over */
    list: async (access: Access): Promise<OwnPasskeys> => answer(access, await signedIn(access)),

    /** @throws Fault passkey_unknown, also for one that was removed; session_over, key_reused */
    rename: (access: Access, passkey: string, name: string, key: string): Promise<OwnPasskeys> =>
      change(access, key, `passkey name\n${passkey}\n${name}`, async (state) => {
        const before = accepted(state).find((one) => one.passkey === passkey)?.name
        return decideRename(state, passkey, await vault.seal({ account: access.account }, name), before != null && (await vault.open(before)) === name)
      }),

    /** Safe to repeat. @throws Fault insufficient_user_authentication, passkey_unknown, session_over, key_reused */
    remove: (access: Access, passkey: string, key: string): Promise<OwnPasskeys> =>
      change(access, key, `passkey removal\n${passkey}`, (state) => {
        demandFreshLogin(access, state, now())
        return decideRemoval(state, passkey)
      }),
  }
}
