/** Step 3: the passkey, from the options to the link. */
import { excluded } from '../domain/account/passkeys.ts'
import { decideAppend, decideAppendOptions, decideAppendReport, decideAppendSkip, type AppendReport, type AppendVerdict } from '../domain/session/append.ts'
import { limits } from '../domain/session/flow.ts'
import type { SessionState } from '../domain/session/state.ts'
import type { SkipReason } from '../domain/session/vocabulary.ts'
import { creationOptions, verifyCreation, type NewPasskey, type RelyingParty } from '../factors/passkey.ts'
import type { Vault } from '../vault/vault.ts'
import { appOf, originsOf, type Settings } from './apps.ts'
import { Fault } from './faults.ts'
import type { Answer, Step } from './step.ts'

type Judged = AppendVerdict & { passkey?: NewPasskey }
type Options = { challenge: string; excludes: { id: string; transports: string[] }[]; expiresAt: string }

export function createAppendSteps(dependencies: { vault: Vault; settings: () => Settings; randomBytes: (size: number) => Uint8Array; now: () => Date }) {
  const { vault, settings, randomBytes, now } = dependencies

  function relyingParty({ view }: SessionState): RelyingParty {
    const app = appOf(settings(), view.app)
    if (!app) throw new Fault('app_unknown')
    return { rpId: app.rpId, rpName: app.name, origins: originsOf(app) }
  }

  const options: Step<Options> = {
    action: 'append_options',
    judge: async (_, person) => ({
      challenge: Buffer.from(randomBytes(32)).toString('base64url'),
      excludes: person ? excluded(person.state) : [],
      expiresAt: new Date(now().getTime() + limits.ceremonySeconds * 1000).toISOString(),
    }),
    decide: decideAppendOptions,
  }

  const append = (response: unknown): Step<Judged> => ({
    action: 'append',
    async judge(state) {
      const { ceremony } = state
      if (!ceremony) return { verdict: 'bad', challenge: '', reason: 'no_challenge', retryable: true }
      const { challenge, mode, expiresAt } = ceremony
      // The challenge lives as long as the options, not longer (WebAuthn Level 3, 13.4.3).
      if (now().toISOString() >= expiresAt) return { verdict: 'bad', challenge, reason: 'challenge_expired', retryable: true }
      return verifyCreation({ rp: relyingParty(state), challenge, mode, response })
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

  const report = (reported: AppendReport): Step<AppendReport> => ({ action: 'append_report', judge: async () => reported, decide: decideAppendReport })

  return {
    options,
    append,
    skip,
    report,
    /** The options that a session's present challenge belongs to; the same whenever they are asked for. */
    async creationOptions({ state }: Answer) {
      const { ceremony, view } = state
      if (!ceremony || view.account === null) return undefined
      const name = (await vault.open(state.identifier)) ?? view.account
      return creationOptions({
        rp: relyingParty(state),
        user: { account: view.account, name, displayName: name },
        challenge: ceremony.challenge,
        excludes: ceremony.excludes,
        mode: ceremony.mode,
      })
    },
  }
}
