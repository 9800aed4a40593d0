/** The registry of apps: the one place that says which apps sign in here, and from which origins their ceremonies come (design: section 8). */
import { z } from 'zod'
import type { Policy } from '../domain/policy.ts'
import type { Backend } from './backends.ts'
import { sha256Of } from './sha256.ts'

/** SHA-256 of a signing certificate, as colon hex (what `keytool` prints) or base64url. */
const Fingerprint = sha256Of('a certificate', { hex: /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/i, called: 'colon hex' })

/** A domain in lower case, no address: the hash of an rpId is that of its bytes (WebAuthn Level 3, 4, "RP ID": a valid domain string). */
const domain = /^(?=.{1,253}$)(localhost|([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?)$/
const hostOf = (origin: string): string | undefined => URL.parse(origin)?.hostname
const isLocal = (origin: string): boolean => hostOf(origin) === 'localhost'

/** Where a passkey may be used in a browser (WebAuthn Level 3, 4, "RP ID"): https, or http on localhost. */
const WebOrigin = z
  .string()
  .refine((text) => URL.parse(text)?.origin === text, { error: 'must be an origin: scheme, host and port alone', abort: true })
  .refine((text) => (text.startsWith('https:') ? domain.test(hostOf(text) ?? '') : text.startsWith('http:') && isLocal(text)), 'must be https on a domain; http on localhost alone')

/** Apple, Developer Account Help: "Team ID", "bundle ID". */
const TeamId = z.string().regex(/^[A-Z0-9]{10}$/, 'must be 10 of A-Z and 0-9')
const BundleId = z.string().regex(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'must be of letters, digits and "-", with dots between, such as com.example.app')
/** Android, "Set the application ID". */
const Package = z.string().regex(/^[A-Za-z]\w*(\.[A-Za-z]\w*)+$/, 'must be two or more names of letters, digits and "_", with dots between, such as com.example.app')

export const App = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, ".", "_" and "-"'),
    name: z.string().min(1).max(64),
    /** The domain that passkeys are bound to (WebAuthn: relying party identifier). */
    rpId: z.string().regex(domain, 'must be a domain in lower case, such as example.com: no address, port or path'),
    ios: z.array(z.strictObject({ teamId: TeamId, bundleId: BundleId })).default([]),
    android: z.array(z.strictObject({ package: Package, fingerprints: z.array(Fingerprint).min(1), smsHash: z.string().length(11).optional() })).default([]),
    /** Origins of web pages, such as `https://example.com`. */
    web: z.array(WebOrigin).default([]),
    locale: z.string().default('en'),
    /** The company's own page or deep link where a password is recovered. */
    recoverUrl: z.url().optional(),
    /** Its logins are recorded as tests, and count in no figure unless they are asked for. */
    test: z.boolean().optional(),
  })
  // No browser lets a page of this machine use the passkeys of a domain, and no domain should say that it may.
  .refine(({ rpId, web }) => rpId === 'localhost' || !web.some(isLocal), { path: ['web'], error: 'must not be on localhost unless the rpId is' })
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
  /** Who may use the service API. */
  backends: readonly Backend[]
}

export const appOf = (settings: Settings, id: string): App | undefined => settings.apps.find((app) => app.id === id)
