/** Step 1: who the person says they are. The log alone answers: sign-in does not need Postgres. */
import { createHmac } from 'node:crypto'
import { activePasskeys } from '../domain/account/passkeys.ts'
import { decideStart } from '../domain/session/start.ts'
import type { Outcome } from '../domain/session/decision.ts'
import { sessionEvents, type SessionEvent } from '../domain/session/events.ts'
import { evolve } from '../domain/session/state.ts'
import type { EntryPoint, Platform } from '../domain/session/vocabulary.ts'
import { parseFact } from '../domain/event.ts'
import type { JsonObject } from '../eventlog/event-log.ts'
import type { Cause, Decided, Streams } from '../eventlog/transact.ts'
import { uuidOf } from '../vault/sealing.ts'
import type { Scope, Vault } from '../vault/vault.ts'
import { appOf, type Settings } from './apps.ts'
import { channelsOf, type Reachable } from './contacts.ts'
import { Fault } from './faults.ts'
import { parseIdentifier } from './identifier.ts'
import { findOwner } from './people.ts'
import { answerOf, sessions, sessionStream, type Answer } from './step.ts'

export type StartRequest = {
  key: string
  app: string
  installation: string
  /** SHA-256 of the app's flow token, base64url. */
  flowChallenge: string
  supports: string[]
  identifier: string
  entryPoint: EntryPoint
  device: {
    platform: Platform
    locale?: string | undefined
    osVersion?: string | undefined
    appVersion?: string | undefined
    model?: string | undefined
    screenLock?: boolean | undefined
  }
  /** As the listener saw them; sealed by period. */
  from: { address?: string | undefined; userAgent?: string | undefined }
  /** The body as it was parsed, for telling another request with the same key apart. */
  body: JsonObject
}

export function createStart(dependencies: {
  streams: Streams
  vault: Vault
  settings: () => Settings
  reachable: Reachable
  fingerprintSecret: Uint8Array
  now: () => Date
}) {
  const { streams, vault, settings, reachable, fingerprintSecret, now } = dependencies

  /** @throws Fault app_unknown, identifier_malformed, upgrade_required (nothing is written), key_reused */
  return async function start(request: StartRequest): Promise<Answer> {
    const app = appOf(settings(), request.app)
    if (!app) throw new Fault('app_unknown')
    const identifier = parseIdentifier(request.identifier)
    if (!identifier) throw new Fault('identifier_malformed')

    // The same app, key and challenge are the same session: a repeated start finds it.
    const session = uuidOf(`session ${request.app} ${request.key} ${request.flowChallenge}`)
    const fingerprint = createHmac('sha256', fingerprintSecret).update(`start\n${JSON.stringify(request.body)}`).digest('base64url')
    const cause: Cause = { actor: `app:${request.app}`, correlationId: session, causationId: request.key, fingerprint }

    const lookup = vault.lookup(identifier.value)
    const owner = await findOwner(streams, lookup, uuidOf(`decoy ${lookup}`))
    const account = owner?.account.state
    const scope: Scope = { period: now().toISOString().slice(0, 7), account: owner?.id }
    const sealed = async (value: string | undefined) => (value === undefined ? undefined : vault.seal(scope, value))
    const { device, from } = request
    const known = {
      identifier: await vault.seal(scope, identifier.value),
      deviceModel: await sealed(device.model),
      address: await sealed(from.address),
      userAgent: await sealed(from.userAgent),
    }

    const { result, folded, appended } = await streams.transact(sessions, sessionStream(session), cause, (existing, startedAt): Decided<SessionEvent, Outcome> => {
      if (existing) return { events: [], result: { done: true } }
      const { events, outcome } = decideStart(
        {
          app: app.id,
          platform: device.platform,
          installation: request.installation,
          flowTokenHash: request.flowChallenge,
          supports: request.supports,
          entryPoint: request.entryPoint,
          locale: device.locale ?? account?.locale ?? app.locale,
          osVersion: device.osVersion,
          appVersion: device.appVersion,
          screenLock: device.screenLock,
          ...known,
          account: owner && account ? { id: owner.id, mfa: account.mfa, passkeys: activePasskeys(account).length, contacts: channelsOf(account, reachable) } : null,
        },
        { policy: settings().policy, expiresAt: new Date(Date.parse(startedAt) + settings().flowSeconds * 1000).toISOString() },
      )
      return { events, result: outcome }
    })
    if (!folded) throw new Fault('upgrade_required', 'reason' in result && result.reason ? { reason: result.reason } : {})
    return appended > 0 ? answerOf(session, result, folded) : repeat(session, fingerprint)
  }

  /** As it was answered first, whatever has come since: this request has no flow token, so it is told nothing that came after. */
  async function repeat(session: string, fingerprint: string): Promise<Answer> {
    for await (const recorded of streams.log.read(sessionStream(session))) {
      if (recorded.metadata.fingerprint !== fingerprint) throw new Fault('key_reused')
      const fact = parseFact(sessionEvents, recorded)
      return answerOf(session, { done: true }, { state: evolve(undefined, fact), revision: recorded.revision, at: fact.at, keys: new Map() })
    }
    throw new Fault('session_unknown')
  }
}
