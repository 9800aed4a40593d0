/** Step 2: the password. It is judged once, against the hash as it was read, and is never kept. */
import type { AccountEvent } from '../domain/account/events.ts'
import type { Sealed } from '../domain/event.ts'
import { decidePassword, type PasswordGiven, type PasswordVerdict } from '../domain/session/password.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import type { Passwords } from '../factors/password.ts'
import type { Vault } from '../vault/vault.ts'
import { accountSaid, type Reachable } from './contacts.ts'
import { accountStream, accounts } from './people.ts'
import type { Step } from './step.ts'

/** `outdated`: the sealed hash that the password was right for, and that a better one should replace. */
type Judged = PasswordVerdict & { outdated?: Sealed }

export function createPasswordStep(dependencies: {
  streams: Streams
  vault: Vault
  passwords: Passwords
  reachable: Reachable
  inBackground: (work: Promise<unknown>) => void
}) {
  const { streams, vault, passwords, reachable, inBackground } = dependencies

  return (password: string, given: PasswordGiven): Step<Judged> => ({
    action: 'password',

    async judge(state, person) {
      const hash = person?.state.password
      const stored = hash ? await vault.open(hash) : undefined
      if (!person || !hash || stored === undefined) {
        // Nobody's identifier, or an account without a password, costs the same verification.
        const typed = (state.identifier && (await vault.open(state.identifier))) ?? ''
        await passwords.verify(passwords.decoy(Buffer.from(vault.lookup(typed), 'hex')), password)
        return { verdict: 'wrong', reason: person ? 'no_password' : 'unknown_identifier' }
      }
      const verdict = await passwords.verify(stored, password)
      if (verdict.verdict === 'wrong') return { verdict: 'wrong', reason: 'wrong_password' }
      return { verdict: 'right', disabled: person.state.status !== 'active', account: accountSaid(person, state, reachable), ...(verdict.rehash ? { outdated: hash } : {}) }
    },

    decide: (state, verdict, circumstances) => decidePassword(state, verdict, given, circumstances),

    async then(answer, cause, judged) {
      const { account } = answer.state.view
      if (judged?.outdated && account !== null) inBackground(rehash(account, judged.outdated, password, cause))
      return answer
    },
  })

  /** The same password under today's parameters. Losing it is harmless: the next good login does it. */
  async function rehash(account: string, outdated: Sealed, password: string, cause: Cause): Promise<void> {
    const hash = await vault.seal({ account }, await passwords.hash(password))
    const because = { ...cause, causationId: `${cause.correlationId}/rehash` }
    await streams.transact(accounts, accountStream(account), because, (folded) => {
      const rehashed: AccountEvent = { type: 'PasswordSet', data: { hash, reason: 'rehashed' } }
      return { events: folded?.state.password === outdated ? [rehashed] : [], result: undefined }
    })
  }
}
