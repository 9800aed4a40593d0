/** A company's OpenID provider, over HTTP on this machine: a certified one, with people of given roles, whose keys the tests have. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose'
import Provider from 'oidc-provider'
import { AccessSettings } from './settings.ts'

export const clientSecret = 'the secret of the console'
export const audience = 'https://keyledger.example/v1'
const script = { id: 'nightly', secret: 'the secret of a script' }
export type CompanyProvider = Awaited<ReturnType<typeof startProvider>>

/** `people`: what each has in the claim `groups`. `consoles`: the origins from which they may sign in. */
export async function startProvider({ people, consoles }: { people: Record<string, readonly string[]>; consoles: readonly string[] }) {
  const pair = await generateKeyPair('ES256', { extractable: true })
  const key = { ...(await exportJWK(pair.privateKey)), kid: 'one', alg: 'ES256', use: 'sig' }
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  // It warns of its settings for development, which these are.
  const { warn, info } = console
  Object.assign(console, { warn: () => {}, info: () => {} })
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: [
      {
        client_id: 'console',
        client_secret: clientSecret,
        redirect_uris: consoles.map((one) => `${one}/console/callback`),
        grant_types: ['authorization_code'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
      { client_id: script.id, client_secret: script.secret, redirect_uris: [], response_types: [], grant_types: ['client_credentials'], id_token_signed_response_alg: 'ES256' },
    ],
    claims: { openid: ['sub', 'groups'], profile: ['name'] },
    conformIdTokenClaims: false,
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 60, IdToken: 60, ClientCredentials: 60 },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: `${id} of Northwind`, groups: people[id] ?? [] }) }),
    // The company's own console: nobody is asked for consent.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client?.clientId ?? '', accountId: ctx.oidc.session?.accountId ?? '' })
      grant.addOIDCScope('openid profile')
      await grant.save()
      return grant
    },
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({ scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: 60, jwt: { sign: { alg: 'ES256' } } }),
      },
      clientCredentials: { enabled: true },
    },
    extraTokenClaims: () => ({ groups: ['product-analytics'] }),
  })
  const serve = provider.callback()
  Object.assign(console, { warn, info })
  const stranger = { ...(await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
  let away = false
  let otherKeys = false
  let asked = 0
  server.on('request', (request, response) => {
    asked += 1
    if (away) response.writeHead(503).end()
    else if (otherKeys && request.url === '/jwks') response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys: [stranger] }))
    else void serve(request, response)
  })

  return {
    issuer,
    /** A configuration that fits it. */
    settings: (some: Partial<AccessSettings> = {}): AccessSettings =>
      AccessSettings.parse({ issuer, clientId: 'console', audience, roleClaim: 'groups', roles: { analyst: ['product-analytics'], auditor: ['internal-audit'], admin: ['platform'] }, ...some }),
    /** It answers 503 to everything, or no longer. */
    isAway: (yes: boolean) => void (away = yes),
    /** It publishes a key of the same name that it does not sign with, or no longer. */
    publishesOtherKeys: (yes: boolean) => void (otherKeys = yes),
    /** Requests that it had. */
    asked: () => asked,

    /** One that it issues to a script of the company. */
    async accessToken(): Promise<string> {
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${script.id}:${encodeURIComponent(script.secret)}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
      if (!answer.ok) throw new Error(await answer.text())
      return ((await answer.json()) as { access_token: string }).access_token
    },
    /** As it would sign one; with another header or key what nobody should believe. */
    sign: (claims: JWTPayload, header: Partial<JWTHeaderParameters> = {}, by = pair.privateKey): Promise<string> =>
      new SignJWT({ iss: issuer, aud: audience, sub: 'ada', groups: ['product-analytics'], exp: Math.floor(Date.now() / 1000) + 60, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt', ...header }).sign(by),

    /** Goes where a browser would go and signs in there, without one. @returns where it is sent back to */
    async signIn(url: string, login: string): Promise<string> {
      const cookies = new Map<string, string>()
      let [next, body]: [string, URLSearchParams | undefined] = [url, undefined]
      for (let hops = 0; hops < 12; hops += 1) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
        const answer = await fetch(next, { redirect: 'manual', headers: { cookie }, ...(body && { method: 'POST', body }) })
        for (const one of answer.headers.getSetCookie()) cookies.set(...(/^([^=]+)=([^;]*)/.exec(one)?.slice(1) as [string, string]))
        const location = answer.headers.get('location')
        if (location === null) body = new URLSearchParams({ prompt: 'login', login, password: 'any will do' })
        else [next, body] = [new URL(location, next).href, undefined]
        if (!next.startsWith(issuer)) return next
      }
      throw new Error(`the provider does not let ${login} through`)
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
