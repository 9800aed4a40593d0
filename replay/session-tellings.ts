/** The steps of a login in words: one table, which the compiler holds to the events. */
import type { Branch, Plan } from '../domain/policy.ts'
import type { SessionEvent } from '../domain/session/events.ts'
import type { TokensEvent } from '../domain/session/tokens.ts'
import type { WithheldReason } from '../domain/session/vocabulary.ts'
import { counted, inWords, listed, type Decided, type Tellings } from './telling.ts'

const branch = (of: Branch): string => (['otp', 'pin', 'biometrics'] as const).map((step) => `${step === 'otp' ? 'code' : step} ${of[step]}`).join(', ')

const planned = ({ plan }: { plan: Plan }, because: string): Decided => ({
  what: `the steps are ${listed(plan.order.map((step) => (step === 'append' ? 'offer of a passkey' : step === 'otp' ? 'code' : step)))}; with a passkey: ${branch(plan.withPasskey)}; without: ${branch(plan.withoutPasskey)}`,
  why: because,
  policy: plan.policy,
})

/** What the account said at the moment of a proof, as far as it changes the plan. */
const demanded = ({ mfa, pinHere, biometricsHere }: { mfa: boolean; pinHere: boolean; biometricsHere: boolean }): Decided => ({
  what: mfa ? 'a code is required, and before any offer of a passkey' : 'the plan stays as it was',
  why: [
    mfa ? 'the account demands two factors' : 'the account demands no second factor',
    ...(pinHere ? ['the installation has a PIN already'] : []),
    ...(biometricsHere ? ['the installation was asked for biometrics already'] : []),
  ].join('; '),
  policy: null,
})

const withheld: Record<WithheldReason, string> = {
  has_passkey_here: 'a passkey is kept on this installation',
  never_again: 'the person wants never to be asked again',
  history_unavailable: 'the history of offers was out of reach: better one offer too few than one too many',
  not_supported: 'the app cannot take the step',
  device_not_able: 'the device cannot keep passkeys',
  no_contact: 'there is no contact that the code, which comes first, could go to',
  switched_off: 'the policy makes no offers',
  kill_switch: 'the kill switch is on',
  os_not_eligible: 'the version of the operating system is not among those that are offered it',
  app_not_eligible: 'the app, or its version, is not among those that are offered it',
  no_screen_lock: 'the device has no screen lock',
  not_rolled_out: 'the roll-out does not reach this person yet',
  capped_lifetime: 'the person was offered it as often as the policy allows',
  capped_in_a_row: 'the person said no as often in a row as the policy allows',
  capped_per_week: 'the person was offered it this week as often as the policy allows',
  paused: 'the policy makes a pause after several offers',
  cool_down: 'the last offer is not long enough ago',
}

export const sessionTellings: Tellings<SessionEvent['type']> = {
  IdentifierEntered: {
    says: ({ app, platform, account, passkeys }) =>
      `A login to ${app} on ${platform} began with an identifier ${account === null ? 'that nobody owns' : `of an account with ${counted(passkeys, 'passkey')}`}`,
    decides: (data) => planned(data, data.mfa ? 'the policy, and the account demands two factors' : 'the policy'),
  },
  UsernamelessLoginStarted: {
    says: ({ app, platform }) => `A login to ${app} on ${platform} began without an identifier`,
    decides: (data) => planned(data, 'the policy'),
  },
  SettingsEntered: {
    says: ({ app, platform, login }) => `Somebody who was signed in to ${app} on ${platform} by login ${login} came to create a passkey`,
    decides: (data) => planned(data, 'in the settings there is the offer alone'),
  },
  PasskeyRequested: {
    says: ({ allow }) => (allow.length === 0 ? 'A passkey was asked for, any of this domain' : `A passkey was asked for, one of ${allow.length} of the account`),
  },
  PasskeyVerified: {
    says: ({ crossDevice }) => `A passkey signed the challenge${crossDevice ? ', from another device' : ''}`,
    proves: ({ passkey, challenge, userVerified, uvInitialized, backedUp }) => ({
      what: 'passkey',
      holds: true,
      how:
        `passkey ${passkey} signed challenge ${challenge}; the user was ${userVerified ? '' : 'not '}verified` +
        `${userVerified && !uvInitialized ? ', which does not count yet' : ''}: ${userVerified && uvInitialized ? 'two factors' : 'one factor'}; ${backedUp ? 'it is backed up' : 'it is not backed up'}`,
    }),
    decides: demanded,
  },
  PasskeyRejected: {
    says: ({ reason, attemptsLeft }) => `A passkey was refused: ${inWords(reason)}; ${counted(attemptsLeft, 'attempt')} left`,
    proves: ({ passkey, reason }) => ({ what: 'passkey', holds: false, how: `${passkey === null ? 'no passkey was named' : `the answer claims passkey ${passkey}`}; refused: ${inWords(reason)}` }),
  },
  PasskeyNotUsed: { says: ({ outcome, reason, code, platform }) => `The device brought no passkey: ${inWords(outcome)}, ${inWords(reason)} (${platform} says ${code})` },
  PasswordChosen: { says: ({ reason }) => `The password was used although a passkey was asked for: ${inWords(reason)}` },
  PasswordVerified: {
    says: ({ autofilled }) => `The password is that of the account${autofilled ? '; a credential manager filled it in' : ''}`,
    proves: ({ accountRevision }) => ({ what: 'password', holds: true, how: `it fits the hash that the account had at its revision ${accountRevision}` }),
    decides: demanded,
  },
  PasswordRejected: {
    says: ({ reason, attemptsLeft }) => `A password was refused: ${inWords(reason)}; ${counted(attemptsLeft, 'attempt')} left`,
    proves: ({ reason }) => ({ what: 'password', holds: false, how: inWords(reason) }),
  },
  AppendOffered: {
    says: ({ offer, entryPoint }) => `A passkey was offered, offer ${offer} to this account, at ${inWords(entryPoint)}`,
    decides: ({ offer, mode, variant, policy }) => ({
      what: `offer number ${offer}, ${mode}${variant === null ? '' : `, variant ${variant}`}`,
      why: mode === 'conditional' ? 'nothing stood against it, and the password was filled in by a credential manager' : 'nothing stood against it',
      policy,
    }),
  },
  AppendWithheld: {
    says: ({ reason }) => `No passkey was offered: ${withheld[reason]}`,
    decides: ({ reason, policy }) => ({ what: 'no offer', why: withheld[reason], policy }),
  },
  AppendStarted: { says: ({ mode, excludes }) => `The offer was taken: creation options were issued, ${mode}, with ${counted(excludes.length, 'passkey')} excluded` },
  PasskeyAppended: { says: ({ aaguid, backedUp }) => `A passkey was created by provider ${aaguid} and linked to the account, ${backedUp ? '' : 'not '}backed up` },
  AppendSkipped: { says: ({ reason }) => (reason === 'never' ? 'The person said: never again' : 'The person declined the offer') },
  AppendCancelled: { says: ({ platform, code }) => `The system's prompt was dismissed or timed out (${platform} says ${code})` },
  AppendNotShown: { says: ({ reason, platform, code }) => `No prompt appeared: ${inWords(reason)} (${platform} says ${code})` },
  AppendFailed: {
    says: ({ by, reason, platform, code }) => `The ceremony failed ${by === 'engine' ? 'here' : 'on the device'}: ${inWords(reason)}${code === undefined ? '' : ` (${platform ?? 'the platform'} says ${code})`}`,
  },
  OtpIssued: { says: ({ issue, channel }) => `Code ${issue} was made, to go by ${channel}` },
  OtpSent: { says: ({ issue }) => `The carrier took code ${issue}` },
  OtpDeliveryFailed: { says: ({ issue, reason }) => `Code ${issue} could not be sent: ${inWords(reason)}` },
  OtpVerified: {
    says: ({ issue }) => `Code ${issue} came back`,
    proves: ({ issue, channel }) => ({ what: 'code', holds: true, how: `code ${issue}, sent by ${channel}${channel === 'email' ? ': it proves an address and is no second factor' : ''}` }),
  },
  OtpRejected: {
    says: ({ reason, attemptsLeft }) => `A code was refused: ${inWords(reason)}; ${counted(attemptsLeft, 'attempt')} left`,
    proves: ({ reason }) => ({ what: 'code', holds: false, how: inWords(reason) }),
  },
  OtpSkipped: { says: ({ reason }) => `The code was passed over: ${reason === 'no_contact' ? 'there is no contact that it could go to' : 'the person declined'}` },
  PinSet: { says: ({ keptOn }) => `An app PIN was set, kept on the ${keptOn}` },
  PinSkipped: { says: 'The PIN was passed over' },
  BiometricToggled: { says: ({ enabled }) => `Local biometrics were switched ${enabled ? 'on' : 'off'}` },
  BiometricSkipped: { says: 'Biometrics were passed over' },
  SessionCompleted: {
    says: ({ passkey, amr }) => `The login was completed ${passkey === null ? 'without a new passkey' : 'with a new passkey'}; authentication methods: ${listed(amr)}`,
    decides: ({ amr }) => ({ what: 'tokens are due', why: `every step of the plan was taken or passed over; ${amr.includes('mfa') ? 'two factors were given' : 'one factor was given'}`, policy: null }),
  },
  SessionExpired: { says: 'The login was not finished in time', decides: () => ({ what: 'the login is over', why: 'its time ran out', policy: null }) },
  SessionEnded: { says: ({ reason }) => `The login was ended: ${inWords(reason)}`, decides: ({ reason }) => ({ what: 'the login is over', why: inWords(reason), policy: null }) },
}

export const tokensTellings: Tellings<TokensEvent['type']> = {
  TokensIssued: { says: ({ expiresAt }) => `Tokens were issued; the session ends by ${expiresAt}` },
  TokensRefreshed: {
    says: ({ generation }) => `Refresh token ${generation - 1} was exchanged for ${generation}`,
    proves: ({ generation }) => ({ what: 'refresh token', holds: true, how: `it was generation ${generation - 1}, the one that was good` }),
  },
  RefreshReused: {
    says: 'A refresh token came back that had long been replaced',
    proves: ({ generation }) => ({ what: 'refresh token', holds: false, how: `it was older than generation ${generation}: stolen, or copied` }),
    decides: () => ({ what: 'the signed-in session is over', why: 'a token that is used twice is not with its owner alone (RFC 9700, 4.14.2)', policy: null }),
  },
  SignedOut: { says: 'The person signed out' },
}
