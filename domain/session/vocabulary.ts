/**
 * The words that the wire, the log and the rules share: what an app may do next, and the reasons that facts carry.
 * Apps tolerate unknown words, the log does not: a release that reads a new one ships before the release that writes it, as with a new
 * event. Taking one away or changing its meaning is never safe.
 */
import { z } from 'zod'

/** What an app may do next. A name stands for one HTTP request (`mobile-contracts/actions.ts`). */
export const actions = [
  'passkey',
  'passkey_options',
  'passkey_report',
  'password',
  'append_options',
  'append',
  'append_skip',
  'append_report',
  'otp_send',
  'otp',
  'otp_skip',
  'pin',
  'pin_skip',
  'biometrics',
  'biometrics_skip',
] as const
export const Action = z.enum(actions)
export type Action = z.infer<typeof Action>

/** The steps that a policy puts in order. The password always comes first, completion always last. */
export const planSteps = ['append', 'otp', 'pin', 'biometrics'] as const
export const PlanStep = z.enum(planSteps)
export type PlanStep = z.infer<typeof PlanStep>
export const Step = z.enum(['passkey', 'password', ...planSteps])
export type Step = z.infer<typeof Step>

export const Requirement = z.enum(['off', 'optional', 'required'])
export type Requirement = z.infer<typeof Requirement>

export const Platform = z.enum(['ios', 'android', 'web'])
export type Platform = z.infer<typeof Platform>

/** How a code reaches a person. */
export const Channel = z.enum(['email', 'sms'])
export type Channel = z.infer<typeof Channel>

export const SessionStatus = z.enum(['running', 'completed', 'expired', 'ended'])
export type SessionStatus = z.infer<typeof SessionStatus>

export const EndReason = z.enum([
  'too_many_refusals',
  'account_disabled',
  'no_contact',
  'upgrade_required',
  'identifier_needed',
  'signed_out',
])
export type EndReason = z.infer<typeof EndReason>

/** Whether answers tell who has an account here. */
export const AccountExistence = z.enum(['shown', 'hidden'])
export type AccountExistence = z.infer<typeof AccountExistence>

export const PasswordRejection = z.enum(['wrong_password', 'unknown_identifier', 'no_password', 'factor_disabled'])
export type PasswordRejection = z.infer<typeof PasswordRejection>

/** Why the password, although a passkey was asked for. */
export const PasswordReason = z.enum(['no_credential', 'cancelled', 'failed', 'chosen'])
export type PasswordReason = z.infer<typeof PasswordReason>

/** How a login was proved, or is to be. */
export const Proof = z.enum(['password', 'passkey'])
export type Proof = z.infer<typeof Proof>

/** What can be guessed, and is disabled when it was guessed too often. */
export const Factor = z.enum(['password', 'otp'])
export type Factor = z.infer<typeof Factor>

export const OfferMode = z.enum(['manual', 'automatic', 'conditional'])
export type OfferMode = z.infer<typeof OfferMode>

export const EntryPoint = z.enum(['post_login', 'login_error', 'cross_device', 'settings'])
export type EntryPoint = z.infer<typeof EntryPoint>

/** Why no offer was made. */
export const WithheldReason = z.enum([
  'has_passkey_here',
  'never_again',
  'history_unavailable',
  'not_supported',
  'device_not_able',
  'no_contact',
  'switched_off',
  'kill_switch',
  'os_not_eligible',
  'app_not_eligible',
  'no_screen_lock',
  'not_rolled_out',
  'capped_lifetime',
  'capped_in_a_row',
  'capped_per_week',
  'paused',
  'cool_down',
])
export type WithheldReason = z.infer<typeof WithheldReason>

export const SkipReason = z.enum(['declined', 'never'])
export type SkipReason = z.infer<typeof SkipReason>

/** What became of an offer. Declined, dismissed, never shown and failed are four different facts. */
export const AppendOutcome = z.enum([
  'due',
  'withheld',
  'offered',
  'started',
  'appended',
  'skipped',
  'cancelled',
  'not_shown',
  'failed',
])
export type AppendOutcome = z.infer<typeof AppendOutcome>

/** What a device reports of a ceremony that brought no passkey. Declined is none of them: that is said in the app's own screen. */
export const ReportOutcome = z.enum(['cancelled', 'not_shown', 'failed'])
export type ReportOutcome = z.infer<typeof ReportOutcome>

export const OtpRejection = z.enum(['wrong_code', 'expired', 'too_many_attempts'])
export type OtpRejection = z.infer<typeof OtpRejection>

export const PinKeeper = z.enum(['device', 'server'])
export type PinKeeper = z.infer<typeof PinKeeper>

/** Why a step was refused. The wire carries it as the `code` of a problem (RFC 9457); it never changes its meaning. */
export const refusals = [
  'passkey_rejected',
  'credential_unknown',
  'identifier_needed',
  'password_rejected',
  'guessing_delayed',
  'factor_disabled',
  'account_disabled',
  'append_rejected',
  'challenge_used',
  'otp_rejected',
  'otp_resend_too_soon',
  'otp_sends_exhausted',
  'otp_channel_unavailable',
  'delivery_failed',
  'delivery_refused',
  'pin_too_weak',
  'pin_expected_here',
  'pin_belongs_on_device',
  'no_contact',
  'upgrade_required',
  'session_expired',
  'session_ended',
  'session_completed',
  'step_not_legal',
] as const
export const Refusal = z.enum(refusals)
export type Refusal = z.infer<typeof Refusal>

/** What an app may do once the login is completed, with a token instead of the flow token. */
export const signedInActions = ['refresh', 'unlock', 'switch_biometrics', 'sign_out'] as const
export const SignedInAction = z.enum(signedInActions)
export type SignedInAction = z.infer<typeof SignedInAction>
