/**
 * Given these events, when this command, then these events: the form of the tests in this folder. Whoever signs in here does everything
 * right unless a test says otherwise; every login starts at `at(0)`, and a command comes a minute later unless it says when.
 */
import { expect } from 'vitest'
import type { Fact, Sealed } from '../event.ts'
import { Policy, resolvePlan, settingsPlan } from '../policy.ts'
import { noOffers } from '../policy/history.ts'
import { decideAppend, decideAppendOptions, decideAppendReport, decideAppendSkip } from './append.ts'
import { decideBiometrics, decideBiometricsSkip } from './biometrics.ts'
import type { Circumstances, Decision, Outcome } from './decision.ts'
import type { SessionEvent } from './events.ts'
import { limits } from './flow.ts'
import { decideOtp, decideOtpSend, decideOtpSkip } from './otp.ts'
import { decidePasskey, decidePasskeyOptions, decidePasskeyReport } from './passkey.ts'
import { decidePassword } from './password.ts'
import { decidePin, decidePinSkip } from './pin.ts'
import type { Place } from './start.ts'
import { evolve, type SessionState } from './state.ts'
import { actions, type Action, type Channel, type EndReason, type EntryPoint, type OfferMode, type OtpRejection, type PasswordReason, type Refusal, type SkipReason, type WithheldReason } from './vocabulary.ts'

type Data<T extends SessionEvent['type']> = Extract<SessionEvent, { type: T }>['data']
export type Command = (state: SessionState, circumstances: Circumstances) => Decision

/** Seconds after the start of the login. */
export const at = (seconds: number): string => new Date(Date.parse('2026-03-02T08:00:00.000Z') + seconds * 1000).toISOString()

export const account = '5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42'
const sealed = (text: string): Sealed => text as Sealed
const policyOf = (policy: Partial<Policy>): Policy => Policy.parse(policy)
export const usual: Circumstances = { now: at(60), policy: policyOf({}), offer: { history: noOffers, never: false, passkeyHere: false } }

export const place: Place = {
  app: 'shop',
  platform: 'ios',
  installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60',
  flowTokenHash: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
  supports: actions,
  entryPoint: 'post_login',
  locale: 'de',
}
export const identifier = sealed('sealed identifier')
/** Of a session in the settings: the login that came before it. */
export const login = 'a8d1c5de-32a6-5a0c-8a8e-0b6c1b4e7f10'

type Entered = { policy?: Partial<Policy>; mfa?: boolean; contacts?: Channel[]; supports?: readonly string[]; passkeys?: number }

/** One fact of each kind, as it would stand in a usual login. */
export const facts = {
  entered({ policy = {}, mfa = false, contacts = ['email'], supports = actions, passkeys = 0 }: Entered = {}): SessionEvent {
    const plan = resolvePlan(policyOf(policy), { mfa, supports })
    return { type: 'IdentifierEntered', data: { ...place, identifier, account, supports: [...supports], passkeys, mfa, contacts, plan, expiresAt: at(900) } }
  },
  usernameless({ policy = {}, supports = actions }: Pick<Entered, 'policy' | 'supports'> = {}): SessionEvent {
    const plan = resolvePlan(policyOf(policy), { mfa: false, supports })
    return { type: 'UsernamelessLoginStarted', data: { ...place, supports: [...supports], plan, expiresAt: at(900) } }
  },
  settings: (): SessionEvent => ({
    type: 'SettingsEntered',
    data: {
      ...place, supports: [...actions], entryPoint: 'settings', account, login, proof: 'password', amr: ['pwd'], authTime: at(-60), plan: settingsPlan(policyOf({})),
      expiresAt: at(900),
    },
  }),
  requested: (number = 1): SessionEvent => ({ type: 'PasskeyRequested', data: requestOf(number) }),
  passkeyVerified: (says: Partial<Data<'PasskeyVerified'>> = {}): SessionEvent => ({
    type: 'PasskeyVerified',
    data: { ...assertion, challenge: 'request-01', ...says },
  }),
  passkeyRejected: (says: Partial<Data<'PasskeyRejected'>> = {}): SessionEvent => ({
    type: 'PasskeyRejected',
    data: { challenge: 'request-01', reason: 'wrong_origin', passkey: 'passkey-00', retryable: true, attemptsLeft: limits.refusals - 1, ...says },
  }),
  notUsed: (says: Partial<Data<'PasskeyNotUsed'>> = {}): SessionEvent => ({ type: 'PasskeyNotUsed', data: { ...noCredential, ...says } }),
  passwordChosen: (reason: PasswordReason = 'chosen'): SessionEvent => ({ type: 'PasswordChosen', data: { reason } }),
  verified: (says: Partial<Data<'PasswordVerified'>> = {}): SessionEvent => ({
    type: 'PasswordVerified',
    data: { accountRevision: 3, mfa: false, contacts: ['email'], pinHere: false, biometricsHere: false, ...says },
  }),
  wrongPassword: (attemptsLeft = limits.refusals - 1): SessionEvent => ({ type: 'PasswordRejected', data: { reason: 'wrong_password', attemptsLeft } }),
  offered: (offer = 1, entryPoint: EntryPoint = 'post_login', mode: OfferMode = 'manual'): SessionEvent => ({
    type: 'AppendOffered',
    data: { offer, mode, entryPoint, variant: null, policy: '1' },
  }),
  withheld: (reason: WithheldReason = 'switched_off'): SessionEvent => ({ type: 'AppendWithheld', data: { reason, policy: '1' } }),
  started: (number = 1): SessionEvent => ({ type: 'AppendStarted', data: { challenge: `challenge-${number}`, mode: 'manual', excludes: [], expiresAt: at(300) } }),
  appended: (number = 1): SessionEvent => ({ type: 'PasskeyAppended', data: { ...newPasskey, passkey: 'passkey-01', challenge: `challenge-${number}` } }),
  skipped: (reason: SkipReason = 'declined'): SessionEvent => ({ type: 'AppendSkipped', data: { reason } }),
  cancelled: (): SessionEvent => ({ type: 'AppendCancelled', data: { platform: 'ios', code: '1001', reason: 'dismissed_or_timed_out' } }),
  notShown: (retryable = false): SessionEvent => ({ type: 'AppendNotShown', data: { platform: 'ios', code: '1003', reason: 'not_handled', retryable } }),
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

export const requestOf = (number: number) => ({ challenge: `request-0${number}`, allow: [{ id: 'passkey-00', transports: ['internal'] }], expiresAt: at(300) })
/** A passkey that counts as two factors, and that is kept on this device. */
export const assertion = {
  passkey: 'passkey-00', account, userVerified: true, uvInitialized: true, backupEligible: true, backedUp: true, crossDevice: false,
  accountRevision: 5, mfa: false, contacts: ['email' as const], pinHere: false, biometricsHere: false,
}
export const noCredential = { platform: 'android' as const, code: 'NoCredentialException', reason: 'no_credential', outcome: 'not_shown' as const, retryable: true }
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
    return decidePassword(state, { verdict: 'right', disabled: false, account }, {}, circumstances)
  },
  passkey: (state, circumstances) => decidePasskey(state, { verdict: 'good', challenge: state.request?.challenge ?? null, disabled: false, verified: assertion }, circumstances),
  passkey_options: (state, circumstances) => decidePasskeyOptions(state, requestOf(state.view.assertion.requests + 1), circumstances),
  passkey_report: (state, circumstances) => decidePasskeyReport(state, noCredential, circumstances),
  append_options: (state, circumstances) =>
    decideAppendOptions(state, { challenge: `challenge-${state.view.append.starts + 1}`, excludes: [], expiresAt: at(300) }, circumstances),
  append: (state, circumstances) =>
    decideAppend(state, { verdict: 'good', challenge: state.ceremony?.challenge ?? '', passkey: { credentialId: 'passkey-01', ...newPasskey } }, circumstances),
  append_skip: (state, circumstances) => decideAppendSkip(state, 'declined', circumstances),
  append_report: (state, circumstances) =>
    decideAppendReport(state, { outcome: 'cancelled', platform: 'ios', code: '1001', reason: 'dismissed_or_timed_out' }, circumstances),
  otp_send: (state, circumstances) => decideOtpSend(state, { channel: 'email', destination: sealed('sealed email') }, circumstances),
  otp: (state, circumstances) => decideOtp(state, { matches: true, issue: state.view.otp.issues }, circumstances),
  otp_skip: decideOtpSkip,
  pin: (state, circumstances) =>
    decidePin(state, state.view.plan.pinKeptOn === 'server' ? { given: true, weakness: undefined } : { given: false }, circumstances),
  pin_skip: decidePinSkip,
  biometrics: (state, circumstances) => decideBiometrics(state, true, circumstances),
  biometrics_skip: decideBiometricsSkip,
} satisfies Record<Action, Command>


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
