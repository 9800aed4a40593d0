/** What each of our events is to a SIEM: which activity of OCSF's classes Authentication and Account Change, or why it is in neither. Held to the events by the compiler. */
import type { DataOf, EventType } from '../domain/all-events.ts'

export const authenticationActivities = { Logon: 1, Logoff: 2, 'Authentication Ticket': 3, 'Service Ticket Renew': 5, Preauth: 6, Other: 99 } as const
export const accountActivities = { Create: 1, Enable: 2, 'Password Change': 3, 'Password Reset': 4, Disable: 5, Delete: 6, Lock: 9, 'MFA Factor Enable': 10, 'MFA Factor Disable': 11, Other: 99 } as const
/** As the dictionary of OCSF numbers them. */
export const factors = { SMS: 1, Email: 8, WebAuthn: 10, Password: 11 } as const
export const severities = { Informational: 1, Low: 2, Medium: 3, High: 4 } as const

type Happened = {
  status: 'Success' | 'Failure'
  severity?: keyof typeof severities
  /** What it is called, where OCSF has no name for it. */
  called?: string
  reason?: string
  factors?: readonly (keyof typeof factors)[]
  mfa?: boolean
}
export type Security = Happened & ({ class: 'Authentication'; activity: keyof typeof authenticationActivities } | { class: 'Account Change'; activity: keyof typeof accountActivities })

/** `settings`: the session is of somebody who was signed in and came to create a passkey: it is no login. */
export type Around = { settings: boolean }
/** A text: why the event is not in the feed. */
export type Mapping<T extends EventType> = string | ((data: DataOf<T>, around: Around) => Security | undefined)

const auth = (activity: keyof typeof authenticationActivities, happened: Happened): Security => ({ class: 'Authentication', activity, ...happened })
const account = (activity: keyof typeof accountActivities, happened: Partial<Happened> = {}): Security => ({ class: 'Account Change', activity, status: 'Success', ...happened })
/** Of a login that did not come to its end. In the settings there was none. */
const notLoggedOn = (reason: string, { settings }: Around, severity: Happened['severity'] = 'Informational'): Security | undefined =>
  settings ? undefined : auth('Logon', { status: 'Failure', reason, severity })

const begins = 'nothing is proved yet: a login is told by its proofs and by its end'
const offers = 'the offer of a passkey proves nothing; a passkey that is linked is told by the account'
const codes = 'a code is told when it comes back'
const local = 'it protects the app on one installation and is no login factor'
const notices = 'it tells people of what is in the feed itself'
const elsewhere = 'neither an authentication nor a change of an account; auditors read it in the log'

/** RFC 8176, as far as tokens have it. */
const factorsOf = (amr: readonly string[]): (keyof typeof factors)[] => [
  ...(amr.includes('pwd') ? (['Password'] as const) : []),
  ...(amr.includes('swk') || amr.includes('hwk') ? (['WebAuthn'] as const) : []),
  ...(amr.includes('sms') ? (['SMS'] as const) : []),
]
const channels = { email: 'Email', sms: 'SMS' } as const

export const securityOf: { readonly [T in EventType]: Mapping<T> } = {
  IdentifierEntered: begins,
  UsernamelessLoginStarted: begins,
  SettingsEntered: begins,
  PasskeyRequested: begins,
  PasskeyVerified: ({ userVerified, uvInitialized }) => auth('Preauth', { status: 'Success', factors: ['WebAuthn'], mfa: userVerified && uvInitialized }),
  PasskeyRejected: ({ reason }) => auth('Logon', { status: 'Failure', reason, factors: ['WebAuthn'], severity: 'Low' }),
  PasskeyNotUsed: 'a report of the device: no proof was judged',
  PasswordChosen: 'it does not say that the password is right',
  PasswordVerified: () => auth('Preauth', { status: 'Success', factors: ['Password'] }),
  PasswordRejected: ({ reason }) => auth('Logon', { status: 'Failure', reason, factors: ['Password'], severity: 'Low' }),
  AppendOffered: offers,
  AppendWithheld: offers,
  AppendStarted: offers,
  PasskeyAppended: offers,
  AppendSkipped: offers,
  AppendCancelled: offers,
  AppendNotShown: offers,
  AppendFailed: offers,
  OtpIssued: codes,
  OtpSent: codes,
  OtpDeliveryFailed: codes,
  OtpVerified: ({ channel }) => auth('Preauth', { status: 'Success', factors: [channels[channel]] }),
  OtpRejected: ({ reason }) => auth('Logon', { status: 'Failure', reason, severity: 'Low' }),
  OtpSkipped: codes,
  PinSet: local,
  PinSkipped: local,
  BiometricToggled: local,
  BiometricSkipped: local,
  SessionCompleted: ({ amr }, { settings }) => (settings ? undefined : auth('Logon', { status: 'Success', factors: factorsOf(amr), mfa: amr.includes('mfa') })),
  SessionExpired: (_, around) => notLoggedOn('expired', around),
  SessionEnded: ({ reason }, around) => notLoggedOn(reason, around, reason === 'too_many_refusals' ? 'Medium' : 'Informational'),

  TokensIssued: () => auth('Authentication Ticket', { status: 'Success' }),
  TokensRefreshed: () => auth('Service Ticket Renew', { status: 'Success' }),
  RefreshReused: () => auth('Other', { called: 'Refresh Token Reuse', status: 'Failure', reason: 'refresh_token_reused', severity: 'High' }),
  SignedOut: () => auth('Logoff', { status: 'Success' }),

  AccountRegistered: ({ source }) => account('Create', { reason: source }),
  PasswordSet: ({ reason }) => (reason === 'set' ? account('Password Change') : undefined),
  ContactAdded: () => account('Other', { called: 'Contact Added' }),
  ContactRemoved: () => account('Other', { called: 'Contact Removed' }),
  MfaSwitched: ({ enabled }) => account(enabled ? 'MFA Factor Enable' : 'MFA Factor Disable', { severity: enabled ? 'Informational' : 'Low' }),
  AccountDisabled: () => account('Disable', { severity: 'Low' }),
  AccountEnabled: () => account('Enable', { severity: 'Low' }),
  FactorDisabled: ({ factor }) => account('Lock', { reason: `${factor}_guessed`, severity: 'Medium', ...(factor === 'password' ? { factors: ['Password'] as const } : {}) }),
  PasskeyLinked: () => account('Other', { called: 'Passkey Linked', factors: ['WebAuthn'] }),
  PasskeyActivated: () => account('MFA Factor Enable', { factors: ['WebAuthn'] }),
  PasskeyUsed: 'that it signed in is told by the login',
  PasskeyUvInitialized: () => account('Other', { called: 'User Verification Initialized', factors: ['WebAuthn'] }),
  PasskeyRenamed: 'the name is for the person alone',
  PasskeyRevoked: ({ reason }) => account('MFA Factor Disable', { factors: ['WebAuthn'], reason }),
  NoticeSent: notices,
  NoticeFailed: notices,
  InstallationPinSet: local,
  InstallationPinRejected: local,
  InstallationPinVerified: local,
  InstallationBiometricToggled: local,
  AppendPreferenceChanged: offers,
  SessionsRevoked: () => auth('Logoff', { status: 'Success', reason: 'sessions_revoked', severity: 'Low' }),
  AccountErased: () => account('Delete', { severity: 'Low' }),

  IdentifierClaimed: 'the account says which identifiers it has',
  IdentifierReleased: 'the account says that it was erased',
  PasswordFormatCounted: 'it says nothing of anybody',
  PolicyAdopted: elsewhere,
  OperatorActed: elsewhere,
  KeysRewrapped: elsewhere,
  PeriodDropped: elsewhere,
  LedgerOpened: elsewhere,
  CheckpointSigned: elsewhere,
  LedgerKeyChanged: elsewhere,
}
