/** The company's OpenID provider: what it says of somebody who signs in (OpenID Connect Core 1.0), and of a bearer token (RFC 9068). */
import { createRemoteJWKSet, customFetch as joseFetch, errors, jwtVerify, type JWTPayload } from 'jose'
import * as oidc from 'openid-client'
import { AccessDenied, ProviderAway, SignInRefused } from './access-denied.ts'
import { rolesIn, type Identity } from './roles.ts'
import type { AccessSettings } from './settings.ts'

/** What ties the answer to the browser that asked. */
export type Asked = { verifier: string; state: string; nonce: string }
export type Provider = ReturnType<typeof createProvider>

/** Those that a public key verifies. `none` and HMAC, for which the public key would be the secret, are not among them (RFC 8725, 3.1 and 2.1). */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** ms. A provider seldom moves its endpoints, and its keys are fetched when one is not known. */
const discoveryLivesMs = 60 * 60_000
/** ms. A provider that is away is not asked again for each request. */
const awayMs = 1_000
const timeoutMs = 5_000
/** Seconds that the clocks may differ by. */
const clockTolerance = 30

export function createProvider({ settings, clientSecret, redirectUri, now }: { settings: AccessSettings; clientSecret: string | undefined; redirectUri: string; now: () => Date }) {
  const insecure = settings.issuer.startsWith('http:')
  let known: { at: number; discovered: ReturnType<typeof discover> } | undefined

  async function discover() {
    const client = await oidc.discovery(new URL(settings.issuer), settings.clientId, { [oidc.clockTolerance]: clockTolerance }, clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret), {
      timeout: timeoutMs / 1000,
      [oidc.customFetch]: reach,
      // The settings let http through on this machine alone. The signature is checked though the token came by TLS.
      execute: [oidc.enableNonRepudiationChecks, ...(insecure ? [oidc.allowInsecureRequests] : [])],
    })
    const { jwks_uri: jwksUri, issuer } = client.serverMetadata()
    if (!jwksUri) throw new ProviderAway('the provider publishes no keys')
    return { client, issuer, keys: createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: timeoutMs, [joseFetch]: reach }) }
  }

  /** Once for all who ask at the same time. @throws ProviderAway */
  function discovered() {
    const at = now().getTime()
    if (known && at - known.at < discoveryLivesMs) return known.discovered
    const before = known
    const asking = discover().catch(async (error: unknown) => {
      const retry = { at: now().getTime() - discoveryLivesMs + awayMs }
      // What was known still holds: people who are signed in at the provider are not sent away because it restarts.
      if (before) {
        known = { ...retry, discovered: before.discovered }
        return before.discovered
      }
      if (known?.discovered === asking) known = { ...retry, discovered: asking }
      throw error instanceof ProviderAway ? error : new ProviderAway('the provider cannot be read', { cause: error })
    })
    asking.catch(() => {})
    known = { at, discovered: asking }
    return asking
  }

  const identityIn = (claims: JWTPayload | oidc.IDToken): Identity => {
    const { sub = '', preferred_username: username, email, name } = claims as Record<string, unknown>
    const shown = [name, username, email].find((one): one is string => typeof one === 'string' && one.length > 0 && one.length <= 255)
    return { subject: String(sub), ...(shown !== undefined && { name: shown }), roles: rolesIn(claims, settings.roleClaim, settings.roles) }
  }

  return {
    /** Where the browser goes to sign in. @throws ProviderAway */
    async askAt({ verifier, state, nonce }: Asked): Promise<string> {
      const { client } = await discovered()
      const code_challenge = await oidc.calculatePKCECodeChallenge(verifier)
      return oidc.buildAuthorizationUrl(client, { redirect_uri: redirectUri, scope: settings.scope, code_challenge, code_challenge_method: 'S256', state, nonce }).href
    },

    /** `search`: what the browser brought back. @throws SignInRefused, ProviderAway */
    async answered(search: string, { verifier, state, nonce }: Asked): Promise<Identity> {
      const { client } = await discovered()
      try {
        const tokens = await oidc.authorizationCodeGrant(client, new URL(`${redirectUri}${search}`), { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true })
        const claims = tokens.claims()
        if (claims) return identityIn(claims)
      } catch (error) {
        throw awayIn(error) ?? new SignInRefused(error instanceof Error ? error.message : 'not an error', { cause: error })
      }
      throw new SignInRefused('there is no ID token')
    },

    /** @throws AccessDenied operator_token_invalid, ProviderAway */
    async bearer(token: string): Promise<Identity> {
      const { issuer, keys } = await discovered()
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience: settings.audience,
          algorithms,
          typ: settings.tokenType,
          requiredClaims: ['sub', 'exp'],
          currentDate: now(),
          clockTolerance,
        })
        return identityIn(payload)
      } catch (error) {
        const away = awayIn(error)
        if (away) throw away
        if (error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC') throw new AccessDenied('operator_token_invalid')
        throw new ProviderAway('the keys of the provider cannot be read', { cause: error })
      }
    },
  }
}

/** A provider that does not answer, or says that it cannot, is away, whatever was asked of it. */
async function reach(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request).catch((error: unknown) => {
    throw new ProviderAway('the provider does not answer', { cause: error })
  })
  if (response.status >= 500 || response.status === 429) throw new ProviderAway(`the provider answers ${response.status}`)
  return response
}

function awayIn(error: unknown): ProviderAway | undefined {
  if (error instanceof ProviderAway) return error
  if (error instanceof errors.JWKSTimeout) return new ProviderAway('the provider does not answer', { cause: error })
  return error instanceof Error && error.cause !== undefined ? awayIn(error.cause) : undefined
}
