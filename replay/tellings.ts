/** Every event in words. An event that the table lacks does not compile. */
import { factOf, type AnyEvent, type EventType } from '../domain/all-events.ts'
import type { AccountEvent, IdentifierEvent, PasswordFormatEvent } from '../domain/account/events.ts'
import type { AuditEvent } from '../domain/audit/events.ts'
import type { LedgerEvent } from '../domain/ledger/events.ts'
import type { PolicyEvent } from '../domain/policy/events.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { sessionTellings, tokensTellings } from './session-tellings.ts'
import { counted, inWords, type Decided, type Proved, type Telling, type Tellings } from './telling.ts'

const accountTellings: Tellings<AccountEvent['type']> = {
  AccountRegistered: {
    says: ({ source, identifiers, mfa }) => `The account was ${source === 'import' ? 'imported' : 'added'} with ${counted(identifiers.length, 'identifier')}${mfa ? ', and demands two factors' : ''}`,
  },
  PasswordSet: { says: ({ reason }) => (reason === 'rehashed' ? "The same password was hashed anew, under today's parameters" : `A password was ${reason}`) },
  ContactAdded: { says: ({ channel, contact }) => `Contact ${contact} was added, for ${channel}` },
  ContactRemoved: { says: ({ contact }) => `Contact ${contact} was removed` },
  MfaSwitched: { says: ({ enabled }) => (enabled ? 'Two factors are demanded at every login' : 'Two factors are no longer demanded') },
  AccountDisabled: { says: 'The account was disabled' },
  AccountEnabled: { says: 'The account was enabled' },
  FactorDisabled: {
    says: ({ factor }) => `${factor === 'otp' ? 'Codes were' : 'The password was'} disabled`,
    decides: ({ factor }) => ({ what: `nobody signs in by ${factor === 'otp' ? 'a code' : 'the password'} for now`, why: 'it was guessed wrong too often in a row', policy: null }),
  },
  PasskeyLinked: { says: ({ app, aaguid, backedUp }) => `A passkey of provider ${aaguid} was linked in ${app}, pending, ${backedUp ? '' : 'not '}backed up` },
  PasskeyActivated: { says: 'The passkey may sign in', decides: () => ({ what: 'the passkey is active', why: 'every code that the login demanded was given', policy: null }) },
  PasskeyUsed: { says: ({ counter, backedUp }) => `The passkey signed in: counter ${counter}, ${backedUp ? '' : 'not '}backed up` },
  PasskeyUvInitialized: { says: 'User verification by the passkey counts as a factor from here on' },
  PasskeyRenamed: { says: 'The passkey was given a name' },
  PasskeyRevoked: {
    says: ({ reason }) => `The passkey was revoked: ${inWords(reason)}`,
    decides: ({ reason }) => ({ what: 'the passkey signs in no more', why: reason === 'removed' ? 'it was removed' : 'the login that created it was not finished', policy: null }),
  },
  NoticeSent: { says: ({ notice, contact }) => `Contact ${contact} was told: ${inWords(notice)}` },
  NoticeFailed: { says: ({ notice, contact, reason, final }) => `Contact ${contact} could not be told ${inWords(notice)}: ${inWords(reason)}${final ? '; it is not tried again' : ''}` },
  InstallationPinSet: { says: ({ installation, keptOn }) => `The app on installation ${installation} has a PIN, kept on the ${keptOn}` },
  InstallationPinRejected: {
    says: ({ attemptsLeft }) => `A wrong PIN was given; ${counted(attemptsLeft, 'attempt')} left`,
    proves: ({ installation }) => ({ what: 'pin', holds: false, how: `it is not that of installation ${installation}` }),
  },
  InstallationPinVerified: {
    says: 'The PIN was given, after wrong ones',
    proves: ({ installation }) => ({ what: 'pin', holds: true, how: `it is that of installation ${installation}` }),
  },
  InstallationBiometricToggled: { says: ({ installation, enabled }) => `Local biometrics are ${enabled ? 'on' : 'off'} on installation ${installation}` },
  AppendPreferenceChanged: { says: ({ never }) => (never ? 'The person wants never to be offered a passkey again' : 'The person may be offered a passkey again') },
  SessionsRevoked: { says: 'Every session that was signed in before is over' },
  AccountErased: { says: 'The person was forgotten' },
}

const identifierTellings: Tellings<IdentifierEvent['type']> = {
  IdentifierClaimed: { says: ({ account }) => `The identifier belongs to account ${account}` },
  IdentifierReleased: { says: ({ account }) => `Account ${account} gave the identifier up` },
}

const passwordFormatTellings: Tellings<PasswordFormatEvent['type']> = {
  PasswordFormatCounted: { says: ({ format, more }) => `Some ${Math.abs(more)} passwords ${more < 0 ? 'fewer' : 'more'} are kept as ${format}` },
}

const policyTellings: Tellings<PolicyEvent['type']> = {
  PolicyAdopted: {
    says: ({ version, by }) => `Policy ${version} was taken${by === undefined ? '' : ` from ${by}`}`,
    decides: ({ version, why }) => ({ what: `offers and plans are decided by policy ${version}`, why: why ?? 'no reason was given', policy: version }),
  },
}

const auditTellings: Tellings<AuditEvent['type']> = {
  OperatorActed: {
    says: ({ who, what, subject, revision, fields }) =>
      `${who}: ${what}${subject === undefined ? '' : `, ${subject}`}${revision === undefined ? '' : `, revision ${revision}`}${fields === undefined ? '' : `, ${fields.join(', ')}`}`,
    decides: ({ what, why }) => ({ what, why, policy: null }),
  },
  KeysRewrapped: { says: ({ master, rewrapped }) => `All keys are wrapped under master key ${master}; ${rewrapped} of them were not before` },
  PeriodDropped: { says: ({ period }) => `What aged in ${period} is no longer kept`, decides: ({ months }) => ({ what: 'the key of the month goes', why: `it is kept for ${counted(months, 'month')}`, policy: null }) },
}

const ledgerTellings: Tellings<LedgerEvent['type']> = {
  LedgerOpened: { says: ({ origin }) => `The ledger ${origin} was opened` },
  CheckpointSigned: { says: ({ size }) => `A checkpoint of ${counted(size, 'event')} was signed` },
  LedgerKeyChanged: { says: ({ vkey }) => `Another key signs for the ledger: ${vkey}` },
}

export const tellings: Tellings<EventType> = {
  ...sessionTellings,
  ...tokensTellings,
  ...accountTellings,
  ...identifierTellings,
  ...passwordFormatTellings,
  ...policyTellings,
  ...auditTellings,
  ...ledgerTellings,
}

export type Told = { sentence: string; proved: Proved | null; decided: Decided | null }

/** @throws UnknownEvent */
export const tell = (recorded: Pick<Recorded, 'type' | 'data' | 'metadata'>): Told => toldOf(factOf(recorded))

function toldOf({ type, data }: AnyEvent): Told {
  // Each type has its own data: the table pairs them, which this line cannot say.
  const { says, proves, decides } = tellings[type] as Telling<EventType>
  const of = data as Parameters<Extract<typeof says, (...args: never[]) => unknown>>[0]
  return { sentence: typeof says === 'string' ? says : says(of), proved: proves?.(of) ?? null, decided: decides?.(of) ?? null }
}
