/** Step 2: the password. It is judged once, against the hash as it was read, and is never kept. */
import type { AccountEvent } from '../domain/account/events.ts'
import type { Sealed } from '../domain/event.ts'
import { decidePassword, type PasswordGiven, type PasswordVerdict } from '../domain/session/password.ts'
import type { SessionState } from '../domain/session/state.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import type { Passwords } from '../factors/password.ts'
import type { Vault } from '../vault/vault.ts'
import { accountSaid, type Reachable } from './contacts.ts'
import type { PasswordFormats } from './password-formats.ts'
import { accountStream, accounts, decoyOf } from './people.ts'
import type { Step } from './step.ts'

/** `outdated`: the sealed hash that the password was right for, and that a better one should replace; `stored`: the hash itself. */
type Judged = PasswordVerdict & { outdated?: { hash: Sealed; stored: string } }

export function createPasswordStep(dependencies: {
  streams: Streams
  vault: Vault
  passwords: Passwords
  formats: PasswordFormats
  reachable: Reachable
  inBackground: (work: Promise<unknown>) => void
}) {
  const { streams, vault, passwords, formats, reachable, inBackground } = dependencies

  /** Of the identifier. Where that was forgotten meanwhile, the login stands for it. */
  const lookupOf = async ({ identifier, flowTokenHash }: SessionState): Promise<string> => vault.lookup((identifier && (await vault.open(identifier))) ?? flowTokenHash)

  return (password: string, given: PasswordGiven): Step<Judged> => ({
    action: 'password',
    factor: 'password',

    // By the identifier, somebody's or nobody's: who has an account is not to be seen by how guesses of its password are answered.
    async guessedBy(state) {
      const lookup = await lookupOf(state)
      if (state.view.account === null) await vault.readDecoy(decoyOf(lookup))
      return lookup
    },

    async judge(state, person) {
      formats.refresh()
      const disabled = person?.state.disabledFactors.includes('password') ?? false
      const hash = disabled ? undefined : person?.state.password
      const stored = hash ? await vault.open(hash) : undefined
      if (!person || !hash || stored === undefined) {
        // Nobody's identifier, or an account without a password that is taken, costs the same verification.
        await passwords.verify(passwords.decoy(Buffer.from(await lookupOf(state), 'hex'), formats.counts()), password)
        return { verdict: 'wrong', reason: disabled ? 'factor_disabled' : person ? 'no_password' : 'unknown_identifier' }
      }
      const verdict = await passwords.verify(stored, password)
      if (verdict.verdict === 'wrong') return { verdict: 'wrong', reason: 'wrong_password' }
      return { verdict: 'right', disabled: person.state.status !== 'active', account: accountSaid(person, state, reachable), ...(verdict.rehash ? { outdated: { hash, stored } } : {}) }
    },

    decide: (state, verdict, circumstances) => decidePassword(state, verdict, given, circumstances),

    async then(answer, cause, judged) {
      const { account } = answer.state.view
      if (judged?.outdated && account !== null) inBackground(rehash(account, judged.outdated, password, cause))
      return answer
    },
  })

  /** The same password under today's parameters. Losing it is harmless: the next good login does it. */
  async function rehash(account: string, outdated: { hash: Sealed; stored: string }, password: string, cause: Cause): Promise<void> {
    const stored = await passwords.hash(password)
    const hash = await vault.seal({ account }, stored)
    const because = { ...cause, causationId: `${cause.correlationId}/rehash` }
    const { appended } = await streams.transact(accounts, accountStream(account), because, (folded) => {
      const rehashed: AccountEvent = { type: 'PasswordSet', data: { hash, reason: 'rehashed' } }
      return { events: folded?.state.password === outdated.hash ? [rehashed] : [], result: undefined }
    })
    if (appended === 0) return
    formats.count(outdated.stored, -1)
    formats.count(stored, 1)
  }
}
