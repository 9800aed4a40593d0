/**
 * The storage formats of `account-<uuid>` (what a person has), `identifier-<hmac>` (who owns an identifier) and `password-formats`.
 * A name written to disk stays for ever; review this file as one reviews a migration.
 */
import { z } from 'zod'
import { Base64Url, clear, event, sealedByAccount, type EventOf } from '../event.ts'
import { Channel, Factor, PinKeeper } from '../session/vocabulary.ts'

export const IdentifierKind = z.enum(['email', 'phone', 'username'])
export type IdentifierKind = z.infer<typeof IdentifierKind>

const id = clear(z.string().max(64))
const installation = clear(z.uuid())
const passkey = clear(Base64Url)

export const Notice = z.enum(['passkey_activated', 'passkey_removed'])
export type Notice = z.infer<typeof Notice>
const notice = { notice: clear(Notice), passkey, contact: id }

export const accountEvents = {
  AccountRegistered: event('An account exists from here on. It can sign in once its identifiers are claimed and a password is set.', {
    source: clear(z.enum(['import', 'added'])),
    /** `lookup` names the stream `identifier-<lookup>`: a keyed hash, no use without the key. */
    identifiers: z.array(z.object({ kind: clear(IdentifierKind), lookup: clear(z.string()), value: sealedByAccount })),
    mfa: clear(z.boolean()),
    locale: clear(z.string().optional()),
    test: clear(z.boolean().optional()),
  }),
  PasswordSet: event('The password has this hash from here on. A rehash is the same password under today’s parameters.', {
    hash: sealedByAccount,
    reason: clear(z.enum(['imported', 'set', 'rehashed'])),
  }),
  ContactAdded: event('Codes and notices may go to this address. It does not imply that the address was proved.', {
    contact: id,
    channel: clear(Channel),
    address: sealedByAccount,
  }),
  ContactRemoved: event('Nothing goes to this address any more.', { contact: id }),
  MfaSwitched: event('The account demands a code at every login, or no longer does.', { enabled: clear(z.boolean()) }),
  AccountDisabled: event('Nobody signs in to this account until it is enabled.', {}),
  AccountEnabled: event('The account may be signed in to again, by every factor that it has.', {}),
  FactorDisabled: event('It was guessed wrong too often in a row: nobody signs in by it until the account is enabled, or for the password until another one is set. It does not imply that it became known.', {
    factor: clear(Factor),
  }),
  PasskeyLinked: event('A passkey belongs to the account. It is pending: it cannot sign in until it is activated.', {
    passkey,
    publicKey: clear(Base64Url),
    algorithm: clear(z.int()),
    aaguid: clear(z.guid()),
    counter: clear(z.int().nonnegative()),
    transports: clear(z.array(z.string())),
    backupEligible: clear(z.boolean()),
    backedUp: clear(z.boolean()),
    uvInitialized: clear(z.boolean()),
    challenge: clear(Base64Url),
    session: clear(z.uuid()),
    installation,
    app: clear(z.string()),
  }),
  PasskeyActivated: event('Every code that the login demanded was given: the passkey signs in from here on.', { passkey }),
  PasskeyUsed: event('The passkey signed in, and something about it is new: its counter, its backup state, or the installation. Most uses leave no such fact here.', {
    passkey,
    counter: clear(z.int().nonnegative()),
    backedUp: clear(z.boolean()),
    /** The installation that it was used on, where it is kept there; null when it came from another device. */
    installation: installation.nullable(),
  }),
  PasskeyUvInitialized: event('A verified login with the passkey and a code vouch for it: its user verification counts as a factor from here on (WebAuthn Level 3, 7.2).', {
    passkey,
  }),
  PasskeyRenamed: event('The person calls the passkey by this name.', { passkey, name: sealedByAccount }),
  PasskeyRevoked: event('The passkey signs in no more.', { passkey, reason: clear(z.enum(['login_unfinished', 'removed'])) }),
  NoticeSent: event('The carrier took the notice for this contact. It does not imply that it arrived.', { ...notice, carrierId: clear(z.string().max(256).optional()) }),
  NoticeFailed: event('The carrier did not take the notice. `final`: it is not tried again.', {
    ...notice,
    reason: clear(z.string().max(64)),
    final: clear(z.boolean()),
  }),
  InstallationPinSet: event('The app on this installation has a PIN. `verifier` stands only where the engine keeps it.', {
    installation,
    keptOn: clear(PinKeeper),
    verifier: sealedByAccount.optional(),
  }),
  InstallationPinRejected: event('A wrong PIN for the one kept here. Five in a row lock it.', { installation, attemptsLeft: clear(z.int().nonnegative()) }),
  InstallationPinVerified: event('The PIN kept here was given after wrong ones: they no longer count.', { installation }),
  InstallationBiometricToggled: event('Local biometric unlock is on or off on this installation.', { installation, enabled: clear(z.boolean()) }),
  AppendPreferenceChanged: event('The person wants never to be offered a passkey again, or wants it again.', { never: clear(z.boolean()) }),
  SessionsRevoked: event('Every session that was signed in before this moment is over: no refresh is honoured.', {}),
  AccountErased: event('The person is forgotten: every step and refresh is refused from here on. The keys follow.', {}),
}
export type AccountEvent = EventOf<typeof accountEvents>

export const identifierEvents = {
  IdentifierClaimed: event('The identifier belongs to this account, if the account lists it too.', { account: clear(z.uuid()) }),
  IdentifierReleased: event('The identifier belongs to nobody and may be claimed.', { account: clear(z.uuid()) }),
}
export type IdentifierEvent = EventOf<typeof identifierEvents>

/** Of the one stream `password-formats`. It says nothing about anybody. */
export const passwordFormatEvents = {
  PasswordFormatCounted: event('About so many more passwords, or fewer, are kept as hashes of this format. Written for every eighth or so of them, so the sum is near, not exact.', {
    /** Scheme and parameters, such as `$argon2id$v=19$m=19456,t=2,p=1` or `$2b$12`. */
    format: clear(z.string().max(64)),
    more: clear(z.int()),
  }),
}
export type PasswordFormatEvent = EventOf<typeof passwordFormatEvents>
