/** Step 1: who the person says they are. The log alone answers: sign-in does not need Postgres. */
import type { KeyObject } from 'node:crypto'
import { activePasskeys } from '../domain/account/passkeys.ts'
import type { AccountState } from '../domain/account/state.ts'
import type { Sealed } from '../domain/event.ts'
import type { OfferHistory } from '../domain/policy/history.ts'
import { decideStart, type Place, type Who } from '../domain/session/start.ts'
import type { Outcome } from '../domain/session/decision.ts'
import type { SessionEvent } from '../domain/session/events.ts'
import type { EntryPoint, Platform } from '../domain/session/vocabulary.ts'
import type { JsonObject } from '../eventlog/event-log.ts'
import type { Cause, Decided, Streams } from '../eventlog/transact.ts'
import { hmac, uuidOf } from '../vault/sealing.ts'
import type { Vault } from '../vault/vault.ts'
import { appOf, type Settings } from './apps.ts'
import { channelsOf, type Reachable } from './contacts.ts'
import { Fault } from './faults.ts'
import { parseIdentifier } from './identifier.ts'
import { decoyOf, findOwner } from './people.ts'
import type { createPasskeySteps } from './passkey.ts'
import { demandFreshLogin, signedInByPasskey } from './step-up.ts'
import { answerOf, answeredBefore, offerFacts, sessions, sessionStream, type Answer } from './step.ts'
import type { TokensOf } from './tokens.ts'

export type StartRequest = {
  key: string
  app: string
  installation: string
  /** SHA-256 of the app's flow token, base64url. */
  flowChallenge: string
  supports: string[]
  /** Without one, a passkey is to say who it is. */
  identifier?: string | undefined
  entryPoint: EntryPoint
  /** Of somebody who is signed in, where the entry point is the settings. */
  accessToken?: string | undefined
  device: {
    platform: Platform
    locale?: string | undefined
    osVersion?: string | undefined
    appVersion?: string | undefined
    model?: string | undefined
    screenLock?: boolean | undefined
    biometrics?: boolean | undefined
    credentialManager?: boolean | undefined
    conditionalCreate?: boolean | undefined
  }
  /** As the listener saw them; sealed by period. */
  from: { address?: string | undefined; userAgent?: string | undefined }
  /** The body as it was parsed, for telling another request with the same key apart. */
  body: JsonObject
}

/** Who starts, with what is known of the account. */
type Known = { who: (seal: (plaintext: string) => Sealed) => Who; id: string | undefined; account: AccountState | undefined }

export function createStart(dependencies: {
  streams: Streams
  vault: Vault
  tokensOf: TokensOf
  passkeyRequest: ReturnType<typeof createPasskeySteps>['request']
  settings: () => Settings
  reachable: Reachable
  history: (account: string) => Promise<OfferHistory | 'unavailable'>
  fingerprintSecret: KeyObject
  now: () => Date
}) {
  const { streams, vault, tokensOf, passkeyRequest, settings, reachable, history, fingerprintSecret, now } = dependencies

  /**
   * @throws Fault app_unknown, identifier_malformed, upgrade_required (nothing is written), key_reused; for settings also access_token_invalid,
   * session_over, insufficient_user_authentication
   */
  return async function start(request: StartRequest): Promise<Answer> {
    const app = appOf(settings(), request.app)
    if (!app) throw new Fault('app_unknown')

    // The same app, key and challenge are the same session: a repeated start finds it.
    const session = uuidOf(`session ${request.app} ${request.key} ${request.flowChallenge}`)
    const fingerprint = hmac(fingerprintSecret, `start\n${JSON.stringify(request.body)}`).toString('base64url')
    const cause: Cause = { actor: `app:${request.app}`, correlationId: session, causationId: request.key, fingerprint }
    if (await streams.load(sessions, sessionStream(session))) return repeat(session, request.key, fingerprint)

    const { who, id, account } = await whoStarts(request)
    const seal = await vault.sealer({ period: now().toISOString().slice(0, 7), account: id })
    const sealed = (value: string | undefined) => (value === undefined ? undefined : seal(value))
    const { device, from } = request
    const { model, ...said } = device
    const place: Place = {
      ...said,
      app: app.id,
      installation: request.installation,
      flowTokenHash: request.flowChallenge,
      supports: request.supports,
      entryPoint: request.entryPoint,
      locale: device.locale ?? account?.locale ?? app.locale,
      deviceModel: sealed(model),
      address: sealed(from.address),
      userAgent: sealed(from.userAgent),
      ...(app.test || account?.test ? { test: true as const } : {}),
    }
    const named = who(seal)
    const { policy, flowSeconds } = settings()
    // Which passkeys may answer tells that there are some.
    const passkey = passkeyRequest(named === 'unknown' || policy.accountExistence === 'hidden' ? undefined : account)

    const offer = offerFacts(request, account)
    // Only there an offer follows from the start alone. Nobody is spared it, but it has its number.
    if (request.entryPoint === 'settings' && id !== undefined) offer.history = await history(id)

    const { result, folded, appended } = await streams.transact(sessions, sessionStream(session), cause, (existing, at): Decided<SessionEvent, Outcome> => {
      if (existing) return { events: [], result: { done: true } }
      const expiresAt = new Date(Date.parse(at) + flowSeconds * 1000).toISOString()
      const { events, outcome } = decideStart(place, named, passkey, expiresAt, { now: at, policy, offer })
      return { events, result: outcome }
    }, { assumeNew: true })
    if (!folded) throw new Fault('upgrade_required', 'reason' in result && result.reason ? { reason: result.reason } : {})
    return appended > 0 ? answerOf(session, result, folded) : repeat(session, request.key, fingerprint)
  }

  async function whoStarts(request: StartRequest): Promise<Known> {
    if (request.entryPoint === 'settings') return signedIn(request)
    if (request.identifier === undefined) return { who: () => 'unknown', id: undefined, account: undefined }
    const identifier = parseIdentifier(request.identifier)
    if (!identifier) throw new Fault('identifier_malformed')
    const lookup = vault.lookup(identifier.value)
    const owner = await findOwner(streams, lookup)
    // What is sealed below takes the key of whoever owns it.
    if (!owner) await vault.readDecoy(decoyOf(lookup))
    const account = owner?.account.state
    return {
      id: owner?.id,
      account,
      who: (seal) => ({
        identifier: seal(identifier.value),
        account: owner && account ? { id: owner.id, mfa: account.mfa, passkeys: activePasskeys(account).length, contacts: channelsOf(account, reachable) } : null,
      }),
    }
  }

  /** A passkey is added by whoever gave a proof a moment ago. */
  async function signedIn({ accessToken = '', app, installation }: StartRequest): Promise<Known> {
    const access = await tokensOf.access(accessToken)
    if (access.app !== app || access.installation !== installation) throw new Fault('access_token_invalid')
    const account = await tokensOf.signedIn(access)
    demandFreshLogin(access, account, now())
    const { session: login, amr, authTime, account: id } = access
    return { id, account, who: () => ({ account: id, login, amr, authTime, accountRevision: account.revision, proof: signedInByPasskey(amr) ? 'passkey' : 'password' }) }
  }

  /** As it was answered first, whatever has come since: this request has no flow token, so it is told nothing that came after. */
  async function repeat(session: string, key: string, fingerprint: string): Promise<Answer> {
    return (await answeredBefore(streams, session, key, fingerprint)).answer
  }
}
