/** Step 1: the identifier, or none, where a passkey is to say who it is; and the way in from the settings of somebody who is signed in. */
import type { Sealed } from '../event.ts'
import { resolvePlan, settingsPlan, unsupportedSteps, type Plan } from '../policy.ts'
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
}

/** Who it is, as far as that is said. */
export type Who =
  /** `account`: the one that owns the identifier, as it was read; null when nobody does. */
  | { identifier: Sealed; account: { id: string; mfa: boolean; passkeys: number; contacts: readonly Channel[] } | null }
  | 'unknown'
  /** Signed in by `login`, so long ago and with such proofs that a passkey may be added. */
  | { account: string; login: string; proof: Proof; amr: readonly string[]; authTime: string }

/** A start that asks for steps which the app cannot take writes nothing. `request`: for a passkey, if one is to be asked for. */
export function decideStart(place: Place, who: Who, request: PasskeyRequest, expiresAt: string, circumstances: Circumstances): Decision {
  const { policy } = circumstances
  // Words that this release does not know are left out: what an app sends does not stand in the log unread.
  const at = { ...place, supports: actions.filter((action) => place.supports.includes(action)) }
  // What the account demands is looked at after its proof: the answer to a stranger must not show it.
  const demanded = (plan: Plan, first: Step): string => unsupportedSteps(plan, place.supports, first).join(', ')
  const planFor = (mfa: boolean): Plan => resolvePlan(policy, { mfa, supports: place.supports, biometrics: place.biometrics })

  if (who === 'unknown') {
    const plan = planFor(false)
    const lacking = demanded(plan, 'passkey')
    return lacking ? refuse('upgrade_required', { reason: lacking }) : begun({ type: 'UsernamelessLoginStarted', data: { ...at, plan, expiresAt } }, request, circumstances)
  }
  if ('login' in who) {
    const plan = settingsPlan(policy)
    const lacking = demanded(plan, 'append')
    return lacking ? refuse('upgrade_required', { reason: lacking }) : begun({ type: 'SettingsEntered', data: { ...at, ...who, amr: [...who.amr], plan, expiresAt } }, request, circumstances)
  }
  const lacking = demanded(planFor(false), 'password')
  if (lacking) return refuse('upgrade_required', { reason: lacking })
  const { identifier, account } = who
  const entered: SessionEvent = {
    type: 'IdentifierEntered',
    data: {
      ...at,
      identifier,
      account: account?.id ?? null,
      passkeys: account?.passkeys ?? 0,
      mfa: account?.mfa ?? false,
      contacts: [...(account?.contacts ?? [])],
      plan: planFor(account?.mfa ?? false),
      expiresAt,
    },
  }
  return begun(entered, request, circumstances)
}

/** With the request for a passkey, where one may answer; so the app needs no round trip for it. */
function begun(first: SessionEvent, request: PasskeyRequest, circumstances: Circumstances): Decision {
  const state = evolve(undefined, { ...first, at: circumstances.now })
  const requested: SessionEvent[] = currentStep(state.view) === 'passkey' ? [{ type: 'PasskeyRequested', data: request }] : []
  const { outcome, events } = decided(state, requested, circumstances)
  return { outcome, events: [first, ...events] }
}
