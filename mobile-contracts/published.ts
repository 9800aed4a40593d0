/** What the engine publishes beside the API: for verifiers of its tokens, for the platforms, and for whoever runs it. */
import { z } from 'zod'

export const JsonWebKeys = z
  .object({
    keys: z.array(
      z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), kid: z.string(), alg: z.literal('ES256'), use: z.literal('sig') }),
    ),
  })
  .describe('A JWK Set (RFC 7517). Verifiers may keep it for five minutes, and look again for a key that they do not know.')

export const AppleAppSiteAssociation = z
  .object({ webcredentials: z.object({ apps: z.array(z.string()) }) })
  .describe('Apple, "Supporting associated domains": the iOS apps that share credentials with the domain.')
export const AssetLinks = z
  .array(
    z.object({
      relation: z.array(z.string()),
      target: z.object({ namespace: z.literal('android_app'), package_name: z.string(), sha256_cert_fingerprints: z.array(z.string()) }),
    }),
  )
  .describe('Google, "Statement List Syntax": the Android apps that share credentials with the domain.')
export const RelatedOrigins = z.object({ origins: z.array(z.string()) }).describe('WebAuthn Level 3, 5.11: the pages of other domains that may use its passkeys.')

export const Liveness = z.object({ live: z.literal(true) })
export const Readiness = z.looseObject({ ready: z.boolean() }).describe('What is ready, and what is missing. The other fields are for people.')
