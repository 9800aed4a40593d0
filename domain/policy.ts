/**
 * Which steps a login has, in which order, and when a passkey is offered: data, not code. A session's first event holds the plan
 * that was resolved from it, so a running login keeps its plan and a replay needs no configuration.
 */
import { z } from 'zod'
import { lifetimes } from './session/tokens.ts'
import {
  AccountExistence, Channel, OfferMode, PinKeeper, PlanStep, Requirement, planSteps, type Action, type EntryPoint, type Platform, type Step, type WithheldReason,
} from './session/vocabulary.ts'

const Branch = z.strictObject({
  otp: Requirement.default('required'),
  pin: Requirement.default('optional'),
  biometrics: Requirement.default('optional'),
})
export type Branch = z.infer<typeof Branch>

const Order = z
  .array(PlanStep)
  .refine((order) => order.length === planSteps.length && new Set(order).size === planSteps.length, {
    error: `must name each of ${planSteps.join(', ')} once`,
  })

export const Policy = z.strictObject({
  /** Stands on every decision that was made under it. */
  version: z.string().min(1).max(64).default('1'),
  order: Order.default(['append', 'otp', 'pin', 'biometrics']),
  withPasskey: Branch.prefault({}),
  withoutPasskey: Branch.prefault({}),
  /** How codes may be sent. One by e-mail is no second factor (NIST SP 800-63B-4, 3.1.3.1): by SMS alone, a required one makes every login two factors. */
  codesBy: z.array(Channel).min(1).default([...Channel.options]),
  pinKeptOn: PinKeeper.default('device'),
  /** `hidden`: every start with an identifier is answered the same, whether somebody has it or not, with a passkey or without. */
  accountExistence: AccountExistence.default('shown'),
  append: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** `automatic`: the app opens the system's prompt without a screen of its own. */
      mode: OfferMode.exclude(['conditional']).default('manual'),
      /** Where the password was filled in by a credential manager: create the passkey without asking, if the platform can. */
      conditional: z.boolean().default(false),
    })
    .prefault({}),
  /** Seconds that somebody stays signed in without use, and in all (NIST SP 800-63B-4, 2.1.3, 2.2.3). */
  signedIn: z
    .strictObject({
      idle: z.int().min(300).max(lifetimes.absolute).default(lifetimes.idle),
      absolute: z.int().min(300).max(lifetimes.absolute).default(lifetimes.absolute),
    })
    .prefault({}),
})
export type Policy = z.infer<typeof Policy>

/** A policy resolved for one login. */
export const Plan = z.object({
  policy: z.string(),
  order: z.array(PlanStep),
  withPasskey: z.object({ otp: Requirement, pin: Requirement, biometrics: Requirement }),
  withoutPasskey: z.object({ otp: Requirement, pin: Requirement, biometrics: Requirement }),
  pinKeptOn: PinKeeper,
})
export type Plan = z.infer<typeof Plan>

/** The actions without which an app cannot take a step. */
const needs: Record<Step, readonly Action[]> = {
  // One that was refused or not there leaves only fresh options.
  passkey: ['passkey', 'passkey_options'],
  password: ['password'],
  append: ['append_options', 'append'],
  otp: ['otp_send', 'otp'],
  pin: ['pin'],
  biometrics: ['biometrics'],
}

export const supportsStep = (supports: readonly string[], step: Step): boolean => needs[step].every((action) => supports.includes(action))

/**
 * The plan of one login. A code that the account itself demands (MFA) is put before the offer, whatever the policy's order says.
 * An optional step that the app cannot take is off; a required one stays, and the start is refused with `upgrade_required`.
 */
export function resolvePlan(policy: Policy, login: { mfa: boolean; supports: readonly string[]; biometrics?: boolean | undefined }): Plan {
  const branch = (wanted: Branch): Branch => ({
    otp: within(login.supports, 'otp', wanted.otp),
    pin: within(login.supports, 'pin', wanted.pin),
    // Where the device has none enrolled there is nothing to switch on.
    biometrics: login.biometrics === false ? 'off' : within(login.supports, 'biometrics', wanted.biometrics),
  })
  const plan: Plan = {
    policy: policy.version,
    order: policy.order,
    withPasskey: branch(policy.withPasskey),
    withoutPasskey: branch(policy.withoutPasskey),
    pinKeptOn: policy.pinKeptOn,
  }
  return login.mfa ? demandCode(plan) : plan
}

/** Settings have the offer alone: the login before them gave what the policy demands. */
export function settingsPlan({ version, order, pinKeptOn }: Policy): Plan {
  const off: Branch = { otp: 'off', pin: 'off', biometrics: 'off' }
  return { policy: version, order, withPasskey: off, withoutPasskey: off, pinKeptOn }
}

/** The same plan for an account that demands a code: required in both branches, and before the offer. */
export const demandCode = (plan: Plan): Plan => ({
  ...plan,
  order: codeFirst(plan.order),
  withPasskey: { ...plan.withPasskey, otp: 'required' },
  withoutPasskey: { ...plan.withoutPasskey, otp: 'required' },
})

/** The required steps that the app does not support, `first` among them: the one that the session cannot begin without. */
export function unsupportedSteps({ withPasskey, withoutPasskey }: Plan, supports: readonly string[], first?: Step): Step[] {
  const required = (['otp', 'pin', 'biometrics'] as const).filter((step) => withPasskey[step] === 'required' || withoutPasskey[step] === 'required')
  return [...(first ? [first] : []), ...required].filter((step) => !supportsStep(supports, step))
}

const within = (supports: readonly string[], step: PlanStep, wanted: Requirement): Requirement =>
  wanted === 'optional' && !supportsStep(supports, step) ? 'off' : wanted

const codeFirst = (order: readonly PlanStep[]): PlanStep[] =>
  order.indexOf('otp') < order.indexOf('append') ? [...order] : order.flatMap((step) => (step === 'otp' ? [] : step === 'append' ? ['otp', 'append'] : [step]))

/** What is known of a person when an offer is decided. */
export type OfferFacts = {
  /** Offers made so far over all entry points, from a projection. */
  history: { offers: number } | 'unavailable'
  /** "Never again", said in any app of this account and not taken back. */
  never: boolean
  /** An active passkey was created or used on this installation. */
  passkeyHere: boolean
}

/** What the app says that the device can do; left out where it does not say. */
export type Device = {
  osVersion?: string | undefined
  screenLock?: boolean | undefined
  credentialManager?: boolean | undefined
  conditionalCreate?: boolean | undefined
}

/** Where an offer would be made. */
export type OfferPlace = {
  supports: readonly string[]
  platform: Platform
  device: Device
  entryPoint: EntryPoint
  /** A credential manager filled the password in, and every required factor was given. */
  maybeConditional: boolean
}

export type OfferDecision =
  | { offered: true; offer: number; mode: OfferMode; entryPoint: EntryPoint; variant: string | null; policy: string }
  | { offered: false; reason: WithheldReason; policy: string }

/** Whether to offer a passkey now. Without the history the offer is withheld: better one offer too few than a person asked every day. */
export function decideOffer(policy: Policy, person: OfferFacts, place: OfferPlace): OfferDecision {
  const withheld = (reason: WithheldReason): OfferDecision => ({ offered: false, reason, policy: policy.version })
  if (!policy.append.enabled) return withheld('switched_off')
  if (!supportsStep(place.supports, 'append')) return withheld('not_supported')
  if (!ableToKeep(place)) return withheld('device_not_able')
  const { history } = person
  // In the settings the person asks: nothing that spares them being asked counts there.
  const asked = place.entryPoint === 'settings'
  if (!asked && person.passkeyHere) return withheld('has_passkey_here')
  if (!asked && person.never) return withheld('never_again')
  if (!asked && history === 'unavailable') return withheld('history_unavailable')
  const offer = (history === 'unavailable' ? 0 : history.offers) + 1
  const mode = asked ? 'manual' : modeOf(policy, place)
  return { offered: true, offer, mode, entryPoint: place.entryPoint, variant: null, policy: policy.version }
}

const modeOf = ({ append }: Policy, { device, maybeConditional }: OfferPlace): OfferMode =>
  append.conditional && maybeConditional && device.conditionalCreate === true ? 'conditional' : append.mode

/** The first major versions that keep passkeys: iOS 16 (Apple, "Supporting passkeys"), Android 9 (Android, "Credential Manager"). */
const oldestAble: Partial<Record<Platform, number>> = { ios: 16, android: 9 }

/** What is not said is taken as able. */
function ableToKeep({ platform, device: { osVersion, screenLock, credentialManager } }: OfferPlace): boolean {
  const major = Number.parseInt(/\d+/.exec(osVersion ?? '')?.[0] ?? '', 10)
  return screenLock !== false && credentialManager !== false && !(major < (oldestAble[platform] ?? 0))
}
