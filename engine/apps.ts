/** The registry of apps: the one place that says which apps sign in here, and from which origins their ceremonies come (design: section 8). */
import { z } from 'zod'
import type { Policy } from '../domain/policy.ts'

/** SHA-256 of a signing certificate, as colon hex (what `keytool` prints) or base64url. */
const Fingerprint = z.string().transform((text, context) => {
  const bytes = /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/i.test(text) ? Buffer.from(text.replaceAll(':', ''), 'hex') : Buffer.from(text, 'base64url')
  if (bytes.length === 32) return bytes.toString('base64url')
  context.issues.push({ code: 'custom', input: text, message: 'must be the SHA-256 of a certificate: 32 bytes as colon hex or base64url' })
  return z.NEVER
})

export const App = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, ".", "_" and "-"'),
  name: z.string().min(1).max(64),
  /** The domain that passkeys are bound to (WebAuthn: relying party identifier). */
  rpId: z.hostname(),
  ios: z.array(z.strictObject({ teamId: z.string(), bundleId: z.string() })).default([]),
  android: z.array(z.strictObject({ package: z.string(), fingerprints: z.array(Fingerprint).min(1), smsHash: z.string().length(11).optional() })).default([]),
  /** Origins of web pages, such as `https://example.com`. */
  web: z.array(z.url().refine((url) => new URL(url).origin === url, 'must be an origin: scheme, host and port alone')).default([]),
  locale: z.string().default('en'),
})
export type App = z.infer<typeof App>

/** What a ceremony's `origin` may be. From the configuration only, never from a request. */
export const originsOf = (app: App): string[] => [
  ...(app.ios.length > 0 ? [`https://${app.rpId}`] : []),
  ...app.android.flatMap(({ fingerprints }) => fingerprints.map((fingerprint) => `android:apk-key-hash:${fingerprint}`)),
  ...app.web,
]

export type Settings = {
  /** `iss` of the tokens: the public address of this engine. */
  issuer: string
  apps: readonly App[]
  policy: Policy
  /** Seconds that a login may take. */
  flowSeconds: number
}

export const appOf = (settings: Settings, id: string): App | undefined => settings.apps.find((app) => app.id === id)
