/**
 * Given these events, when this command, then these events: the form of the tests in this folder. Whoever signs in here does everything
 * right unless a test says otherwise; every login starts at `at(0)`, and a command comes a minute later unless it says when.
 */
import { expect } from 'vitest'
import type { Fact, Sealed } from '../event.ts'
import { Policy, resolvePlan } from '../policy.ts'
import { decideAppend, decideAppendOptions, decideAppendReport, decideAppendSkip } from './append.ts'
import { decideBiometrics, decideBiometricsSkip } from './biometrics.ts'
import type { Circumstances, Decision, Outcome } from './decision.ts'
import type { SessionEvent } from './events.ts'
import { limits } from './flow.ts'
import { decideOtp, decideOtpSend, decideOtpSkip } from './otp.ts'
import { decidePassword } from './password.ts'
import { decidePin, decidePinSkip } from './pin.ts'
import type { Start } from './start.ts'
import { evolve, type SessionState } from './state.ts'
import { actions, type Action, type Channel, type EndReason, type OtpRejection, type Refusal, type SkipReason, type WithheldReason } from './vocabulary.ts'

type Data<T extends SessionEvent['type']> = Extract<SessionEvent, { type: T }>['data']
export type Command = (state: SessionState, circumstances: Circumstances) => Decision

/** Seconds after the start of the login. */
export const at = (seconds: number): string => new Date(Date.parse('2026-03-02T08:00:00.000Z') + seconds * 1000).toISOString()

export const account = '5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42'
const sealed = (text: string): Sealed => text as Sealed
const policyOf = (policy: Partial<Policy>): Policy => Policy.parse(policy)
export const usual: Circumstances = { now: at(60), policy: policyOf({}), offer: { history: { offers: 0 }, never: false, passkeyHere: false } }

export const start: Start = {
  app: 'shop',
  platform: 'ios',
  installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60',
  flowTokenHash: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
  supports: actions,
  entryPoint: 'post_login',
  locale: 'de',
  identifier: sealed('sealed identifier'),
  account: { id: account, mfa: false, passkeys: 0, contacts: ['email'] },
}

type Entered = { policy?: Partial<Policy>; mfa?: boolean; contacts?: Channel[]; supports?: readonly string[] }

/** One fact of each kind, as it would stand in a usual login. */
export const facts = {
  entered({ policy = {}, mfa = false, contacts = ['email'], supports = actions }: Entered = {}): SessionEvent {
    const plan = resolvePlan(policyOf(policy), { mfa, supports })
    return { type: 'IdentifierEntered', data: { ...start, account, supports: [...supports], passkeys: 0, mfa, contacts, plan, expiresAt: at(900) } }
  },
  verified: (says: Partial<Data<'PasswordVerified'>> = {}): SessionEvent => ({
    type: 'PasswordVerified',
    data: { accountRevision: 3, mfa: false, contacts: ['email'], pinHere: false, biometricsHere: false, ...says },
  }),
  wrongPassword: (attemptsLeft = limits.refusals - 1): SessionEvent => ({ type: 'PasswordRejected', data: { reason: 'wrong_password', attemptsLeft } }),
  offered: (number = 1): SessionEvent => ({ type: 'AppendOffered', data: { offer: number, mode: 'manual', entryPoint: 'post_login', variant: null, policy: '1' } }),
  withheld: (reason: WithheldReason = 'switched_off'): SessionEvent => ({ type: 'AppendWithheld', data: { reason, policy: '1' } }),
  started: (number = 1): SessionEvent => ({ type: 'AppendStarted', data: { challenge: `challenge-${number}`, mode: 'manual', excludes: [], expiresAt: at(300) } }),
  appended: (number = 1): SessionEvent => ({ type: 'PasskeyAppended', data: { ...newPasskey, passkey: 'passkey-01', challenge: `challenge-${number}` } }),
  skipped: (reason: SkipReason = 'declined'): SessionEvent => ({ type: 'AppendSkipped', data: { reason } }),
  cancelled: (): SessionEvent => ({ type: 'AppendCancelled', data: { platform: 'ios', code: '1001', reason: 'dismissed_or_timed_out' } }),
  notShown: (): SessionEvent => ({ type: 'AppendNotShown', data: { platform: 'ios', code: '1003', reason: 'not_handled' } }),
  failedThere: (retryable = true): SessionEvent => ({ type: 'AppendFailed', data: { by: 'device', platform: 'ios', code: '1004', reason: 'failed', retryable } }),
  failedHere: (retryable = true): SessionEvent => ({ type: 'AppendFailed', data: { by: 'engine', reason: 'wrong_origin', retryable } }),
  issued: (issue = 1, sentAt = 0): SessionEvent => ({ type: 'OtpIssued', data: { issue, ...codeOf('email', sentAt) } }),
  sent: (issue = 1): SessionEvent => ({ type: 'OtpSent', data: { issue } }),
  undelivered: (issue = 1): SessionEvent => ({ type: 'OtpDeliveryFailed', data: { issue, reason: 'timeout', retryable: true } }),
  codeVerified: (channel: Channel = 'email'): SessionEvent => ({ type: 'OtpVerified', data: { issue: 1, channel } }),
  codeRejected: (attemptsLeft = 4, reason: OtpRejection = attemptsLeft > 0 ? 'wrong_code' : 'too_many_attempts', issue = 1): SessionEvent => ({
    type: 'OtpRejected',
    data: { issue, reason, attemptsLeft },
  }),
  codeSkipped: (reason: Data<'OtpSkipped'>['reason'] = 'declined'): SessionEvent => ({ type: 'OtpSkipped', data: { reason } }),
  pinSet: (keptOn: 'device' | 'server' = 'device'): SessionEvent => ({ type: 'PinSet', data: { keptOn } }),
  pinSkipped: (): SessionEvent => ({ type: 'PinSkipped', data: {} }),
  biometrics: (enabled = true): SessionEvent => ({ type: 'BiometricToggled', data: { enabled } }),
  biometricsSkipped: (): SessionEvent => ({ type: 'BiometricSkipped', data: {} }),
  completed: (passkey: string | null = null, amr = ['pwd']): SessionEvent => ({ type: 'SessionCompleted', data: { amr, authTime: at(0), passkey } }),
  expired: (): SessionEvent => ({ type: 'SessionExpired', data: {} }),
  ended: (reason: EndReason): SessionEvent => ({ type: 'SessionEnded', data: { reason } }),
}

const newPasskey = { aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', backupEligible: true, backedUp: true }
const codeOf = (channel: Channel, sentAt: number) => ({
  channel,
  destination: sealed(`sealed ${channel}`),
  expiresAt: at(sentAt + 300),
  resendAt: at(sentAt + 30),
})

/** Each action as it is taken by who does it right. */
export const doing = {
  password: (state, circumstances) => {
    const account = { accountRevision: 3, mfa: false, contacts: ['email' as const], pinHere: false, biometricsHere: false }
    return decidePassword(state, { verdict: 'right', disabled: false, account }, circumstances)
  },
  append_options: (state, circumstances) =>
    decideAppendOptions(state, { challenge: `challenge-${state.view.append.starts + 1}`, excludes: [], expiresAt: at(300) }, circumstances),
  append: (state, circumstances) =>
    decideAppend(state, { verdict: 'good', challenge: state.ceremony?.challenge ?? '', passkey: { credentialId: 'passkey-01', ...newPasskey } }, circumstances),
  append_skip: (state, circumstances) => decideAppendSkip(state, 'declined', circumstances),
  append_report: (state, circumstances) =>
    decideAppendReport(state, { outcome: 'cancelled', platform: 'ios', code: '1001', reason: 'dismissed_or_timed_out' }, circumstances),
  otp_send: (state, circumstances) => decideOtpSend(state, codeOf('email', seconds(circumstances.now)), circumstances),
  otp: (state, circumstances) => decideOtp(state, { matches: true, issue: state.view.otp.issues }, circumstances),
  otp_skip: decideOtpSkip,
  pin: (state, circumstances) =>
    decidePin(state, state.view.plan.pinKeptOn === 'server' ? { given: true, weakness: undefined } : { given: false }, circumstances),
  pin_skip: decidePinSkip,
  biometrics: (state, circumstances) => decideBiometrics(state, true, circumstances),
  biometrics_skip: decideBiometricsSkip,
} satisfies Record<Action, Command>

const seconds = (instant: string): number => (Date.parse(instant) - Date.parse(at(0))) / 1000

export const folded = (events: readonly SessionEvent[], now = at(0)): SessionState =>
  events.reduce<SessionState | undefined>((state, event) => evolve(state, { ...event, at: now } as Fact<SessionEvent>), undefined) as SessionState

/** `then` and `refused` both assert the whole decision: its outcome and exactly these events. */
export const given = (...events: SessionEvent[]) => ({
  when(command: Command, circumstances: Partial<Circumstances> = {}) {
    const decision = command(folded(events), { ...usual, ...circumstances })
    const decides = (outcome: Outcome, expected: SessionEvent[]): void => expect(decision).toStrictEqual({ outcome, events: expected })
    return {
      then: (...expected: SessionEvent[]) => decides({ done: true }, expected),
      refused: (outcome: Refusal | Outcome, ...expected: SessionEvent[]) => decides(typeof outcome === 'string' ? { refused: outcome } : outcome, expected),
    }
  },
})
