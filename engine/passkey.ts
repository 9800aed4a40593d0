/** Step 2, with a passkey: from the request to the assertion, and the device's report why there is none. */
import { activePasskeys, decideUse, descriptors } from '../domain/account/passkeys.ts'
import type { AccountState } from '../domain/account/state.ts'
import { decidePasskey, decidePasskeyOptions, decidePasskeyReport, type PasskeyRequest, type PasskeyVerdict } from '../domain/session/passkey.ts'
import { meaningOf } from '../domain/session/reports.ts'
import type { SessionState } from '../domain/session/state.ts'
import type { Platform } from '../domain/session/vocabulary.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import { readAssertion, requestOptions, verifyRequest } from '../factors/passkey-request.ts'
import type { Settings } from './apps.ts'
import { accountSaid, type Reachable } from './contacts.ts'
import { accountStream, accounts } from './people.ts'
import { newChallenge, relyingParty } from './relying-party.ts'
import type { Answer, Step } from './step.ts'

/** More than these are not named in a request: the newest are the likeliest. */
const maxAllowed = 10

/** `counter`: the new one, for the record. */
type Judged = PasskeyVerdict & { counter?: number }

export function createPasskeySteps(dependencies: {
  streams: Streams
  reachable: Reachable
  settings: () => Settings
  randomBytes: (size: number) => Uint8Array
  now: () => Date
  inBackground: (work: Promise<unknown>) => void
}) {
  const { streams, reachable, settings, randomBytes, now, inBackground } = dependencies

  /** A request for any passkey of the account; without one, for any passkey at all. */
  const request = (account: AccountState | undefined): PasskeyRequest => ({
    ...newChallenge({ randomBytes, now }),
    allow: account ? descriptors(activePasskeys(account).slice(-maxAllowed)) : [],
  })

  const options: Step<PasskeyRequest> = {
    action: 'passkey_options',
    judge: async ({ view }, person) => request(view.hidden ? undefined : person?.state),
    decide: decidePasskeyOptions,
  }

  function verify(response: unknown): Step<Judged> {
    const claimed = readAssertion(response)
    return {
      action: 'passkey',
      // Without an identifier the answer alone leads to an account, by its userHandle (design: section 8).
      account: claimed?.account,
      signals: true,
      async judge(state, person): Promise<Judged> {
        const challenge = state.request?.challenge ?? null
        const bad = (reason: string, retryable: boolean): Judged => ({ verdict: 'bad', challenge, reason, passkey: claimed?.credentialId ?? null, retryable })
        const { view, request } = state
        if (!claimed) return bad('malformed', false)
        if (!request || now().toISOString() >= request.expiresAt) return bad('challenge_expired', true)
        // The options named nobody's passkeys, so the answer must (WebAuthn Level 3, 7.2, step 6).
        if ((view.usernameless || view.hidden) && claimed.account === undefined) return bad('user_handle_missing', false)
        // Also where nobody owns the identifier: a passkey signs in whoever has it under a name of theirs, or under none.
        if (!view.usernameless && claimed.account !== undefined && claimed.account !== view.account) return bad('wrong_account', true)
        const id = view.account ?? claimed.account
        if (!person || id === undefined) return bad('account_unknown', true)
        const stored = person.state.passkeys.find(({ passkey }) => passkey === claimed.credentialId)
        if (!stored || stored.status === 'revoked' || person.state.status === 'erased') {
          // Said only of the account that the answer itself names: that device may forget the passkey.
          return bad(claimed.account === undefined ? 'not_of_this_account' : 'credential_unknown', true)
        }
        // Made in a login that was not finished: it may not vouch for itself.
        if (stored.status === 'pending') return bad('not_active', true)

        const verdict = await verifyRequest({ rp: relyingParty(settings(), view.app), challenge: request.challenge, passkey: stored, response })
        if (verdict.verdict === 'bad') return bad(verdict.reason, verdict.retryable)
        const { counter, userVerified, backedUp, crossDevice, passkey } = verdict
        const { uvInitialized, backupEligible } = stored
        const verified = { passkey, account: id, userVerified, uvInitialized, backupEligible, backedUp, crossDevice, ...accountSaid(person, state, reachable), ...(person.state.test && { test: true as const }) }
        return { verdict: 'good', challenge, disabled: person.state.status !== 'active', verified, counter }
      },
      decide: decidePasskey,
      async then(answer, cause, judged) {
        if (judged?.verdict === 'good' && 'done' in answer.outcome) inBackground(use(answer.state, judged, cause))
        return answer
      },
    }
  }

  /** Losing it is harmless: the next login brings it again. */
  async function use(state: SessionState, { verified, counter = 0 }: Judged & { verdict: 'good' }, cause: Cause): Promise<void> {
    const { passkey, backedUp, crossDevice, account } = verified
    const used = { passkey, backedUp, counter, installation: crossDevice ? null : state.installation }
    const because = { ...cause, causationId: `${cause.correlationId}/use` }
    await streams.transact(accounts, accountStream(account), because, (folded) => ({
      events: folded?.state.status === 'active' ? decideUse(folded.state, used).events : [],
      result: undefined,
    }))
  }

  const report = (platform: Platform, code: string): Step<undefined> => ({
    action: 'passkey_report',
    judge: async () => undefined,
    decide(state, _, circumstances) {
      const { outcome, reason, retryable } = meaningOf(platform, 'get', code)
      return decidePasskeyReport(state, { platform, code, outcome, reason, retryable }, circumstances)
    },
  })

  return {
    request,
    options,
    verify,
    report,
    /** The options that a session's present request belongs to; the same whenever they are asked for. */
    requestOptions({ state: { request, view } }: Answer) {
      return request ? requestOptions({ rp: relyingParty(settings(), view.app), challenge: request.challenge, allow: request.allow }) : undefined
    },
  }
}
