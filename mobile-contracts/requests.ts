/** The bodies that apps send. `http/` parses with these schemas; fields that are not named here are left out. */
import { z } from 'zod'
import { Channel, EntryPoint, Platform, SkipReason } from '../domain/session/vocabulary.ts'

const short = z.string().min(1).max(64)
/** Stands in the log in clear, so it is no free text. */
const version = z.string().regex(/^[\w.+() -]{1,32}$/)

export const Device = z.object({
  platform: Platform,
  /** BCP 47; codes and notices are written in it. */
  locale: z.string().regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/).max(35).optional(),
  osVersion: version.optional(),
  appVersion: version.optional(),
  model: z.string().min(1).max(48).optional(),
  /** Whether the device has a screen lock: without one it cannot keep a passkey. */
  screenLock: z.boolean().optional(),
})

export const StartBody = z.object({
  app: short,
  /** Random, kept on this device, not backed up. */
  installation: z.uuid(),
  /** base64url(SHA-256(flow token)), as the code challenge of PKCE (RFC 7636, 4.2). */
  flowChallenge: z.base64url().length(43),
  /** The actions that the app can take. */
  supports: z.array(short).max(32),
  identifier: z.string().min(1).max(254),
  entryPoint: EntryPoint.default('post_login'),
  device: Device,
})

export const PasswordBody = z.object({ password: z.string().min(1).max(1024) })
/** What the platform's API gave, as RegistrationResponseJSON (WebAuthn Level 3, 5.1). */
export const AppendBody = z.object({ credential: z.record(z.string(), z.unknown()) })
export const AppendSkipBody = z.object({ reason: SkipReason })
export const AppendReportBody = z.object({
  platform: Platform,
  /** The platform's own code or exception, such as `1001` or `CreateCredentialCancellationException`. */
  code: z.string().min(1).max(128),
  /** Read by people who look for a fault; not stored. */
  message: z.string().max(512).optional(),
})
export const OtpSendBody = z.object({ channel: Channel })
export const OtpBody = z.object({ code: z.string().min(1).max(32) })
/** Without a PIN: it was set on the device. */
export const PinBody = z.object({ pin: z.string().min(1).max(64).optional() })
export const UnlockBody = z.object({ pin: z.string().min(1).max(64) })
export const BiometricsBody = z.object({ enabled: z.boolean() })
export const RefreshBody = z.object({ refreshToken: z.string().min(1).max(256) })
export const NoBody = z.object({})
