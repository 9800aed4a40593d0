/**
 * The storage format of `session-<uuid>`: one login. A name written to disk stays for ever; review this file as one reviews a migration.
 * A new shape of an event gets a new name (`PasskeyAppended.v2`) and an upcast beside `evolve`.
 */
import { z } from 'zod'
import { Base64Url, Instant, clear, event, sealedByAccount, sealedByPeriod, type EventOf } from '../event.ts'
import { Plan } from '../policy.ts'
import {
  AccountExistence, Channel, EndReason, EntryPoint, OfferMode, OtpRejection, PasswordReason, PasswordRejection, PinKeeper, Platform, Proof, ReportOutcome, SkipReason, WithheldReason,
} from './vocabulary.ts'

const policy = clear(z.string())
const issue = clear(z.int().positive())
const report = { platform: clear(Platform), code: clear(z.string().max(128)), reason: clear(z.string().max(64)) }
const credentials = clear(z.array(z.object({ id: Base64Url, transports: z.array(z.string()) })))

/** Where a session begins: the app, and what it says of the device. */
const app = {
  app: clear(z.string()),
  platform: clear(Platform),
  installation: clear(z.uuid()),
  flowTokenHash: clear(Base64Url),
  supports: clear(z.array(z.string())),
  entryPoint: clear(EntryPoint),
  locale: clear(z.string()),
  osVersion: clear(z.string().optional()),
  appVersion: clear(z.string().optional()),
  screenLock: clear(z.boolean().optional()),
  deviceModel: sealedByPeriod.optional(),
  address: sealedByPeriod.optional(),
  userAgent: sealedByPeriod.optional(),
}
const ability = {
  /** Local biometrics are enrolled. */
  biometrics: clear(z.boolean().optional()),
  /** A credential manager that keeps passkeys is there. */
  credentialManager: clear(z.boolean().optional()),
  /** The platform can create a passkey without a prompt. */
  conditionalCreate: clear(z.boolean().optional()),
}
/** Left out: it counts among everybody else's. */
const test = clear(z.literal(true).optional())
const planned = { plan: clear(Plan), expiresAt: clear(Instant) }

/** What the account said at the moment of a good proof. */
const account = {
  accountRevision: clear(z.int().nonnegative()),
  mfa: clear(z.boolean()),
  contacts: clear(z.array(Channel)),
  pinHere: clear(z.boolean()),
  biometricsHere: clear(z.boolean()),
}

export const sessionEvents = {
  IdentifierEntered: event('A login was started with an identifier. Nothing is proved yet; the identifier may belong to nobody (`account` is null).', {
    ...app,
    identifier: sealedByPeriod,
    account: clear(z.uuid().nullable()),
    passkeys: clear(z.int().nonnegative()),
    mfa: clear(z.boolean()),
    contacts: clear(z.array(Channel)),
    ...planned,
    ...ability,
    /** Whether the answers of this login may tell what stands here. Left out: they may. */
    accountExistence: clear(AccountExistence.optional()),
    /** The app or the account is marked as a test. */
    test,
  }),
  UsernamelessLoginStarted: event('A login was started without an identifier: the passkey is to say whose it is. Nobody is named yet.', {
    ...app,
    ...planned,
    ...ability,
    /** The app is marked as a test. */
    test,
  }),
  SettingsEntered: event('Somebody who is signed in came to create a passkey. `login` is the session that signed them in, and how; it gives no tokens again.', {
    ...app,
    account: clear(z.uuid()),
    login: clear(z.uuid()),
    proof: clear(Proof),
    amr: clear(z.array(z.string())),
    authTime: clear(Instant),
    /** The account's revision that `login` was looked at by. Left out by releases that went by `authTime` alone. */
    accountRevision: clear(z.int().nonnegative().optional()),
    ...planned,
    ...ability,
    /** The app or the account is marked as a test. */
    test,
  }),
  PasskeyRequested: event('Request options were issued. The challenge is good once, for this session and for signing in only.', {
    challenge: clear(Base64Url),
    /** The passkeys that may answer; none are named where the passkey is to say whose it is. */
    allow: credentials,
    expiresAt: clear(Instant),
  }),
  PasskeyVerified: event('A passkey of the account signed the challenge. The last fields are what the account said at that moment.', {
    passkey: clear(Base64Url),
    challenge: clear(Base64Url),
    account: clear(z.uuid()),
    userVerified: clear(z.boolean()),
    /** Whether user verification counted before this login: otherwise it does not stand for a second factor. */
    uvInitialized: clear(z.boolean()),
    backupEligible: clear(z.boolean()),
    backedUp: clear(z.boolean()),
    /** It came from another device. */
    crossDevice: clear(z.boolean()),
    ...account,
    /** The account is marked as a test: known no sooner where the passkey says whose it is. */
    test,
  }),
  PasskeyRejected: event('A passkey was refused here. `passkey` is the id that the answer claimed; it need not exist.', {
    challenge: clear(Base64Url.nullable()),
    reason: clear(z.string().max(64)),
    passkey: clear(Base64Url.max(1364).nullable()),
    retryable: clear(z.boolean()),
    attemptsLeft: clear(z.int().nonnegative()),
  }),
  PasskeyNotUsed: event("The device's report why no passkey came: dismissed, never shown or failed there. It is not a wrong proof.", {
    ...report,
    outcome: clear(ReportOutcome),
    retryable: clear(z.boolean()),
  }),
  PasswordChosen: event('The password was used although a passkey was asked for. It does not imply that the password is right.', { reason: clear(PasswordReason) }),
  PasswordVerified: event('The password is that of the account. The other fields are what the account said at that moment.', {
    ...account,
    /** The app says that a credential manager filled it in. */
    autofilled: clear(z.boolean().optional()),
  }),
  PasswordRejected: event('A wrong password, or one for an identifier that nobody owns. The log tells the truth; the answer does not show which.', {
    reason: clear(PasswordRejection),
    attemptsLeft: clear(z.int().nonnegative()),
  }),
  AppendOffered: event('The person was offered to create a passkey. It does not imply that any screen was seen.', {
    offer: clear(z.int().positive()),
    mode: clear(OfferMode),
    entryPoint: clear(EntryPoint),
    variant: clear(z.string().nullable()),
    policy,
  }),
  AppendWithheld: event('No passkey was offered, and why.', { reason: clear(WithheldReason), policy }),
  AppendStarted: event('Creation options were issued: the offer was taken. The challenge is good once, for this session and for creating only.', {
    challenge: clear(Base64Url),
    mode: clear(OfferMode),
    excludes: credentials,
    expiresAt: clear(Instant),
  }),
  PasskeyAppended: event('A passkey was created and linked to the account. It cannot sign in before every code that the plan requires was given.', {
    passkey: clear(Base64Url),
    challenge: clear(Base64Url),
    aaguid: clear(z.guid()),
    backupEligible: clear(z.boolean()),
    backedUp: clear(z.boolean()),
  }),
  AppendSkipped: event("The person said no in the app's own screen: not now, or never again.", { reason: clear(SkipReason) }),
  AppendCancelled: event("The system's prompt was dismissed or timed out; the platforms do not tell which.", report),
  AppendNotShown: event('No prompt appeared: no provider, interrupted, not supported or misconfigured. The person was not asked.', {
    ...report,
    /** Left out: it may not. */
    retryable: clear(z.boolean().optional()),
  }),
  AppendFailed: event('A prompt was accepted and the ceremony failed, on the device or here. It is not a no.', {
    by: clear(z.enum(['device', 'engine'])),
    reason: clear(z.string().max(64)),
    platform: clear(Platform.optional()),
    code: clear(z.string().max(128).optional()),
    retryable: clear(z.boolean()),
  }),
  OtpIssued: event('A code was made for this destination. It does not imply that it was sent. The code is derived and stored nowhere.', {
    issue,
    channel: clear(Channel),
    destination: sealedByAccount,
    expiresAt: clear(Instant),
    resendAt: clear(Instant),
  }),
  OtpSent: event('The carrier took the code. It does not imply that it arrived.', { issue, carrierId: clear(z.string().max(256).optional()) }),
  OtpDeliveryFailed: event('The carrier said no, or nothing in time. The code may be asked for again at once.', {
    issue,
    reason: clear(z.string().max(64)),
    retryable: clear(z.boolean()),
  }),
  OtpVerified: event('The code that was sent came back. By e-mail it proves an address and never counts as a second factor (NIST SP 800-63B-4, 3.1.3.1).', {
    issue,
    channel: clear(Channel),
  }),
  OtpRejected: event('A code was refused: wrong, too late, or the last of too many. It does not imply that it was that of the newest issue.', {
    issue: clear(z.int().nonnegative()),
    reason: clear(OtpRejection),
    attemptsLeft: clear(z.int().nonnegative()),
  }),
  OtpSkipped: event('The optional code was passed over: by the person, or because there is no contact that a code could go to.', {
    reason: clear(z.enum(['declined', 'no_contact'])),
  }),
  PinSet: event('An app PIN was set on this installation. It protects the app after sign-in and is no login factor.', { keptOn: clear(PinKeeper) }),
  PinSkipped: event('The optional PIN was passed over.', {}),
  BiometricToggled: event('Local biometric unlock was switched on or off on this installation. It is no login factor.', { enabled: clear(z.boolean()) }),
  BiometricSkipped: event('The optional question for biometrics was passed over.', {}),
  SessionCompleted: event('Every step of the plan was taken: tokens were due. It does not imply that the app received them.', {
    amr: clear(z.array(z.string())),
    authTime: clear(Instant),
    passkey: clear(Base64Url.nullable()),
  }),
  SessionExpired: event('The login was not finished in time. Written by the sweeper, so later than the moment at which the steps ceased to be legal.', {}),
  SessionEnded: event('The login was ended before completion, for a reason.', { reason: clear(EndReason) }),
}

export type SessionEvent = EventOf<typeof sessionEvents>
