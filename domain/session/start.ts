/** Step 1: the identifier, or none, where a passkey is to say who it is; and the way in from the settings of somebody who is signed in. */
import type { Sealed } from '../event.ts'
import { resolvePlan, settingsPlan, unsupportedSteps, type Plan, type Policy } from '../policy.ts'
import { decided, refuse, type Circumstances, type Decision } from './decision.ts'
import type { SessionEvent } from './events.ts'
import { currentStep } from './flow.ts'
import type { PasskeyRequest } from './passkey.ts'
import { evolve } from './state.ts'
import { actions, type Channel, type EntryPoint, type Platform, type Proof, type Step } from './vocabulary.ts'

/** The app, and what it says of the device. */
export type Place = {
  app: string
  platform: Platform
  installation: string
  /** SHA-256 of the app's flow token, base64url (as in PKCE, RFC 7636). */
  flowTokenHash: string
  supports: readonly string[]
  entryPoint: EntryPoint
  locale: string
  osVersion?: string | undefined
  appVersion?: string | undefined
  screenLock?: boolean | undefined
  biometrics?: boolean | undefined
  credentialManager?: boolean | undefined
  conditionalCreate?: boolean | undefined
  deviceModel?: Sealed | undefined
  address?: Sealed | undefined
  userAgent?: Sealed | undefined
  /** The app, or the account as far as it is known, is marked as a test. */
  test?: true | undefined
}

/** Who it is, as far as that is said. */
export type Who =
  /** `account`: the one that owns the identifier, as it was read; null when nobody does. */
  | { identifier: Sealed; account: { id: string; mfa: boolean; passkeys: number; contacts: readonly Channel[] } | null }
  | 'unknown'
  /** Signed in by `login`, so long ago and with such proofs that a passkey may be added. */
  | { account: string; login: string; proof: Proof; amr: readonly string[]; authTime: string; accountRevision: number }

/** A start that asks for steps which the app cannot take writes nothing. `request`: for a passkey, if one is to be asked for. */
export function decideStart(place: Place, who: Who, request: PasskeyRequest, expiresAt: string, circumstances: Circumstances): Decision {
  const { first, step, demands } = beginning(place, who, expiresAt, circumstances.policy)
  const lacking = unsupportedSteps(demands, place.supports, step)
  return lacking.length > 0 ? refuse('upgrade_required', { reason: lacking.join(', ') }) : begun(first, request, circumstances)
}

/** The first event; the step that the session cannot begin without, and the plan that the app must be able to follow. */
function beginning(place: Place, who: Who, expiresAt: string, policy: Policy): { first: SessionEvent; step: Step; demands: Plan } {
  // Words that this release does not know are left out: what an app sends does not stand in the log unread.
  const at = { ...place, supports: actions.filter((action) => place.supports.includes(action)), expiresAt }
  const planFor = (mfa: boolean): Plan => resolvePlan(policy, { mfa, supports: place.supports, biometrics: place.biometrics })
  // What the account demands is looked at after its proof: the answer to a stranger must not show it.
  const demands = planFor(false)

  if (who === 'unknown') return { first: { type: 'UsernamelessLoginStarted', data: { ...at, plan: demands } }, step: 'passkey', demands }
  if ('login' in who) {
    const plan = settingsPlan(policy)
    return { first: { type: 'SettingsEntered', data: { ...at, ...who, amr: [...who.amr], plan } }, step: 'append', demands: plan }
  }
  const { identifier, account } = who
  const data = {
    ...at,
    identifier,
    account: account?.id ?? null,
    passkeys: account?.passkeys ?? 0,
    mfa: account?.mfa ?? false,
    contacts: [...(account?.contacts ?? [])],
    plan: planFor(account?.mfa ?? false),
    ...(policy.accountExistence === 'hidden' ? { accountExistence: 'hidden' as const } : {}),
  }
  return { first: { type: 'IdentifierEntered', data }, step: 'password', demands }
}

/** With the request for a passkey, where one may answer; so the app needs no round trip for it. */
function begun(first: SessionEvent, request: PasskeyRequest, circumstances: Circumstances): Decision {
  const state = evolve(undefined, { ...first, at: circumstances.now })
  const requested: SessionEvent[] = currentStep(state.view) === 'passkey' ? [{ type: 'PasskeyRequested', data: request }] : []
  const { outcome, events } = decided(state, requested, circumstances)
  return { outcome, events: [first, ...events] }
}
