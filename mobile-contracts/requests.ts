/** The bodies that apps send. `http/` parses with these schemas; fields that are not named here are left out. */
import { z } from 'zod'
import { Channel, EntryPoint, PasswordReason, Platform, SkipReason } from '../domain/session/vocabulary.ts'

const short = z.string().min(1).max(64)
/** Stands in the log in clear, so it is no free text. */
const version = z.string().regex(/^[\w.+() -]{1,32}$/)

const locale = z.string().regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/).max(35).describe('BCP 47; codes and notices are written in it.')

export const Device = z.object({
  platform: Platform,
  locale: locale.optional(),
  osVersion: version.optional(),
  appVersion: version.optional(),
  model: z.string().min(1).max(48).optional(),
  screenLock: z.boolean().optional().describe('Whether the device has a screen lock: without one it cannot keep a passkey.'),
  biometrics: z.boolean().optional().describe('Whether local biometrics are enrolled: without them nobody is asked whether to unlock by them.'),
  credentialManager: z.boolean().optional().describe('Whether a credential manager that keeps passkeys is there and switched on.'),
  conditionalCreate: z
    .boolean()
    .optional()
    .describe('Whether the platform can create a passkey without a prompt (iOS 18, Credential Manager 1.6; WebAuthn Level 3: conditional create).'),
})

export const StartBody = z.object({
  app: short.describe("The app's id in the engine's registry."),
  installation: z.uuid().describe('Random, kept on this device, not backed up.'),
  flowChallenge: z.base64url().length(43).describe('base64url(SHA-256(flow token)), as the code challenge of PKCE (RFC 7636, 4.2).'),
  supports: z.array(short).max(32).describe('The actions that the app can take.'),
  identifier: z
    .string()
    .min(1)
    .max(254)
    .optional()
    .describe('Left out: a passkey is to say who it is. Not looked at in the settings, where the access token says it.'),
  entryPoint: EntryPoint.default('post_login').describe('`settings`: somebody who is signed in creates a passkey; the request carries the access token.'),
  device: Device,
})

const credential = z.record(z.string(), z.unknown())

export const PasskeyBody = z.object({
  credential: credential.describe("AuthenticationResponseJSON (WebAuthn Level 3, 5.1), as the platform's API gave it."),
})
export const ReportBody = z.object({
  platform: Platform,
  code: z.string().min(1).max(128).describe("The platform's own code or exception, such as `1001` or `CreateCredentialCancellationException`."),
  message: z.string().max(512).optional().describe('Read by people who look for a fault; not stored.'),
})
export const PasswordBody = z.object({
  password: z.string().min(1).max(1024),
  insteadOf: PasswordReason.optional().describe('Why not the passkey that was asked for.'),
  autofilled: z.boolean().optional().describe('Whether a credential manager filled the password in.'),
})
export const AppendBody = z.object({
  credential: credential.describe("RegistrationResponseJSON (WebAuthn Level 3, 5.1), as the platform's API gave it."),
})
export const AppendSkipBody = z.object({ reason: SkipReason })
export const OtpSendBody = z.object({ channel: Channel })
export const OtpBody = z.object({ code: z.string().min(1).max(32) })
export const PinBody = z.object({ pin: z.string().min(1).max(64).optional().describe('Left out: it was set on the device.') })
export const UnlockBody = z.object({ pin: z.string().min(1).max(64) })
export const BiometricsBody = z.object({ enabled: z.boolean() })
export const RefreshBody = z.object({ refreshToken: z.string().min(1).max(256) })
export const NoBody = z.object({})

export const PasskeyNameBody = z.object({ name: z.string().trim().min(1).max(64).describe("What the passkey is called in the person's list.") })

const newPassword = z
  .string()
  .min(1)
  .max(1024)
  .describe('At least 8 characters, at most 1024 bytes (NIST SP 800-63B-4, 3.1.1.2); what is refused is `password_unacceptable` with a reason.')
const passwordHash = z.string().min(1).max(512).describe('In place of `password`: a hash in PHC or modular crypt format (argon2id, bcrypt, scrypt, PBKDF2).')
const address = z.string().min(1).max(254)
const identifiers = z.array(z.string().min(1).max(254)).min(1).max(8).describe('As typed; the first one names the account on screens.')

export const OwnPasswordBody = z.object({ password: newPassword })
export const ContactBody = z.object({ channel: Channel, address })

/** One account as the company's backend creates it. */
export const NewAccountBody = z
  .object({
    identifiers,
    password: newPassword.optional(),
    passwordHash: passwordHash.optional(),
    contacts: z.array(ContactBody).max(8).optional().describe('Where codes and notices go. Without them, the identifiers that are an address or a number.'),
    mfa: z.boolean().optional().describe('Whether a second factor is demanded at every login.'),
    locale: locale.optional(),
    test: z.boolean().optional().describe('An account for tests.'),
  })
  .refine(({ password, passwordHash }) => password === undefined || passwordHash === undefined, 'give one of password and passwordHash')
export const ImportBody = z.object({ accounts: z.array(NewAccountBody).min(1).max(100) })
const why = z.string().min(3).max(512).describe('The reason that is kept with it, such as the number of a ticket; never who the person is.')
export const FindAccountBody = z.object({ identifier: z.string().min(1).max(254), why })
export const LookBody = z.object({
  stream: z.string().min(1).max(128),
  revision: z.int().nonnegative(),
  fields: z.array(z.string().min(1).max(128)).min(1).max(64).optional().describe('As they stand in `sealed`. Left out: all of the event that may be opened.'),
  why,
})
export const FindBody = z.object({ identifier: z.string().min(1).max(254) })
export const SetPasswordBody = z.union([z.object({ password: newPassword }), z.object({ passwordHash })])
export const MfaBody = z.object({ enabled: z.boolean() })
