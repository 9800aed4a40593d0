/** Step 3: the passkey, from the options to the link. */
import { accepted, descriptors } from '../domain/account/passkeys.ts'
import { decideAppend, decideAppendOptions, decideAppendReport, decideAppendSkip, type AppendReport, type AppendVerdict } from '../domain/session/append.ts'
import { classifyReport } from '../domain/session/reports.ts'
import type { Platform, SkipReason } from '../domain/session/vocabulary.ts'
import type { Streams } from '../eventlog/transact.ts'
import { creationOptions, verifyCreation, type NewPasskey } from '../factors/passkey.ts'
import type { Vault } from '../vault/vault.ts'
import type { Settings } from './apps.ts'
import { accountStream, accounts } from './people.ts'
import { newChallenge, relyingParty } from './relying-party.ts'
import { nameOf } from './signals.ts'
import type { Answer, Step } from './step.ts'

type Judged = AppendVerdict & { passkey?: NewPasskey }
type Options = { challenge: string; excludes: { id: string; transports: string[] }[]; expiresAt: string }

export function createAppendSteps(dependencies: { streams: Streams; vault: Vault; settings: () => Settings; randomBytes: (size: number) => Uint8Array; now: () => Date }) {
  const { streams, vault, settings, randomBytes, now } = dependencies

  const options: Step<Options> = {
    action: 'append_options',
    judge: async (_, person) => ({
      ...newChallenge({ randomBytes, now }),
      excludes: person ? descriptors(accepted(person.state)) : [],
    }),
    decide: decideAppendOptions,
  }

  const append = (response: unknown): Step<Judged> => ({
    action: 'append',
    signals: true,
    async judge(state) {
      const { ceremony } = state
      if (!ceremony) return { verdict: 'bad', challenge: '', reason: 'no_challenge', retryable: true }
      const { challenge, mode, expiresAt } = ceremony
      // The challenge lives as long as the options, not longer (WebAuthn Level 3, 13.4.3).
      if (now().toISOString() >= expiresAt) return { verdict: 'bad', challenge, reason: 'challenge_expired', retryable: true }
      return verifyCreation({ rp: relyingParty(settings(), state.view.app), challenge, mode, response })
    },
    decide: decideAppend,
    leaves(judged, events, state, session) {
      if (!judged.passkey || !events.some(({ type }) => type === 'PasskeyAppended')) return {}
      const { credentialId, attachment: _, ...passkey } = judged.passkey
      return { link: { passkey: credentialId, ...passkey, challenge: judged.challenge, session, installation: state.installation, app: state.view.app } }
    },
  })

  const skip = (reason: SkipReason): Step<SkipReason> => ({
    action: 'append_skip',
    judge: async () => reason,
    decide: decideAppendSkip,
    leaves: () => (reason === 'never' ? { neverOffer: true } : {}),
  })

  const report = (platform: Platform, code: string): Step<AppendReport> => ({
    action: 'append_report',
    judge: async () => classifyReport(platform, code),
    decide: decideAppendReport,
  })

  return {
    options,
    append,
    skip,
    report,
    /** The options that a session's present challenge belongs to; the same whenever they are asked for. */
    async creationOptions({ state }: Answer) {
      const { ceremony, view } = state
      const account = ceremony && view.account !== null && (await streams.load(accounts, accountStream(view.account)))
      if (!ceremony || !account || view.account === null) return undefined
      const name = await nameOf(vault, view.account, account.state)
      return creationOptions({
        rp: relyingParty(settings(), view.app),
        user: { account: view.account, name, displayName: name },
        challenge: ceremony.challenge,
        excludes: ceremony.excludes,
        mode: ceremony.mode,
      })
    },

    /** A refusal names the passkey that the device made and nobody here will take, so that the device may forget it; not one that the account has. */
    async namingUnknown(answer: Answer, response: unknown): Promise<Answer> {
      const { outcome, state: { view } } = answer
      const id = (response as { id?: unknown } | null)?.id
      if (!('refused' in outcome) || view.account === null || typeof id !== 'string' || !/^[\w-]{1,1364}$/.test(id)) return answer
      const account = await streams.load(accounts, accountStream(view.account))
      const isUnknown = account && !accepted(account.state).some(({ passkey }) => passkey === id)
      return isUnknown ? { ...answer, outcome: { ...outcome, unknownCredentialId: id } } : answer
    },
  }
}
