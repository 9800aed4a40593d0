/**
 * Which steps a login has, in which order, and when a passkey is offered (`policy/`): data, not code. A session's first event holds the
 * plan that was resolved from it, so a running login keeps its plan and a replay needs no configuration.
 */
import { z } from 'zod'
import { AppendPolicy } from './policy/append.ts'
import { lifetimes } from './session/tokens.ts'
import { AccountExistence, Channel, PinKeeper, PlanStep, Requirement, planSteps, type Action, type Step } from './session/vocabulary.ts'

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
  /** Who wants it so, such as a team, and why: kept with the policy when it is taken, in clear, and compared with nothing. */
  by: z.string().min(1).max(64).optional(),
  why: z.string().min(1).max(500).optional(),
  order: Order.default(['append', 'otp', 'pin', 'biometrics']),
  withPasskey: Branch.prefault({}),
  withoutPasskey: Branch.prefault({}),
  /** How codes may be sent. One by e-mail is no second factor (NIST SP 800-63B-4, 3.1.3.1): by SMS alone, a required one makes every login two factors. */
  codesBy: z.array(Channel).min(1).default([...Channel.options]),
  pinKeptOn: PinKeeper.default('device'),
  /** `hidden`: every start with an identifier is answered the same, whether somebody has it or not, with a passkey or without. */
  accountExistence: AccountExistence.default('shown'),
  append: AppendPolicy.prefault({}),
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
