/** Who may look from within the company: by the provider's word, by the console key of the embedded default, or nobody. */
import { randomBytes, type KeyObject } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { AccessDenied, SignInRefused } from './access-denied.ts'
import { isConsoleKey, keyHolder } from './console-key.ts'
import { createCookies, type CookieKind } from './cookies.ts'
import { createProvider } from './provider.ts'
import { Identity, may, type Role } from './roles.ts'
import type { AccessSettings } from './settings.ts'

declare module 'hono' {
  interface ContextVariableMap {
    identity: Identity
  }
}

export type AccessDependencies = {
  /** Undefined where no provider is configured. */
  settings?: AccessSettings | undefined
  clientSecret?: string | undefined
  /** Undefined in production: without a provider nobody may look there. */
  consoleKey?: string | undefined
  /** Where the console is reached: an origin. The provider sends people back to it. */
  consoleUrl: string
  /** What the keys of its cookies are derived from. */
  secret: KeyObject
  now: () => Date
}
export type Access = ReturnType<typeof createAccess>

/** 8 hours: a day at work. What the provider takes from somebody meanwhile, the console gives until then. */
const session: CookieKind<Identity> = { purpose: 'console', seconds: 8 * 3600, schema: Identity }
/** Ten minutes to sign in at the provider. */
const Asking = z.object({ verifier: z.string(), state: z.string(), nonce: z.string(), returnTo: z.string() })
const asking: CookieKind<z.infer<typeof Asking>> = { purpose: 'sign-in', seconds: 600, schema: Asking }

export function createAccess({ settings, clientSecret, consoleKey, consoleUrl, secret, now }: AccessDependencies) {
  const provider = settings && createProvider({ settings, clientSecret, redirectUri: `${consoleUrl}/console/callback`, now })
  const key = provider ? undefined : consoleKey
  const cookies = createCookies({ secret, of: provider ? `provider ${settings.issuer} ${settings.clientId}` : `key ${key}`, secure: provider ? consoleUrl.startsWith('https:') : 'maybe', now })
  const by: 'provider' | 'key' | 'nobody' = provider ? 'provider' : key === undefined ? 'nobody' : 'key'

  async function holderOf(token: string): Promise<Identity> {
    if (provider) return provider.bearer(token)
    if (key !== undefined && isConsoleKey(token, key)) return keyHolder
    throw new AccessDenied('operator_token_invalid')
  }

  /** Who asks, by a bearer token or by the console's cookie; undefined where there is neither. @throws AccessDenied, ProviderAway */
  async function identify(c: Context): Promise<Identity | undefined> {
    if (by === 'nobody') throw new AccessDenied('access_not_configured')
    const authorization = c.req.header('authorization')
    if (authorization !== undefined) {
      const [, token] = /^bearer ([\w.~+/=-]{1,16384})$/i.exec(authorization) ?? []
      if (token === undefined) throw new AccessDenied('operator_token_invalid')
      return holderOf(token)
    }
    // A page elsewhere can make a browser send a cookie along. To change something takes one that comes from here.
    return isSafe(c) || isFromHere(c) ? cookies.get(c, session) : undefined
  }

  return {
    by,
    identify,

    /** For routes of the API. What it throws `http/problems.ts` answers. */
    requireRole: (role: Role): MiddlewareHandler =>
      async (c, next) => {
        const identity = await identify(c)
        if (!identity) throw new AccessDenied('token_missing')
        if (!may(identity, role)) throw new AccessDenied('role_missing', role)
        c.set('identity', identity)
        await next()
      },

    /** Where the browser goes to sign in; it comes back to `/console/callback`. @throws ProviderAway */
    async askProvider(c: Context, returnTo: string): Promise<string> {
      if (!provider) throw new AccessDenied('access_not_configured')
      const random = (): string => randomBytes(32).toString('base64url')
      const asked = { verifier: random(), state: random(), nonce: random() }
      const url = await provider.askAt(asked)
      await cookies.set(c, asking, { ...asked, returnTo })
      return url
    },

    /** The browser is back: signed in from here on. @returns where it was going @throws SignInRefused, ProviderAway */
    async takeAnswer(c: Context): Promise<string> {
      if (!provider) throw new AccessDenied('access_not_configured')
      const asked = await cookies.get(c, asking)
      if (!asked) throw new SignInRefused('no sign-in was begun in this browser, or it took too long')
      const identity = await provider.answered(new URL(c.req.url).search, asked)
      // One answer for one question. While the provider is away it may be given again.
      cookies.drop(c, asking)
      await cookies.set(c, session, identity)
      return asked.returnTo
    },

    /** Signed in from here on, if this is the key. */
    async takeKey(c: Context, given: string): Promise<boolean> {
      if (key === undefined || !isConsoleKey(given, key)) return false
      await cookies.set(c, session, keyHolder)
      return true
    },

    signOut: (c: Context): void => cookies.drop(c, session),
  }
}

/** Who asks, of a request that came through `requireRole`. */
export function whoIs(c: Context): Identity {
  const identity = c.get('identity')
  if (!identity) throw new Error('nobody was asked for a role here')
  return identity
}

const isSafe = (c: Context): boolean => ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)

/** Fetch Metadata, or from a browser without it the origin of the page. A cookie belongs to a host, so that of the request is the one to compare with. */
export function isFromHere(c: Context): boolean {
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin'
  const origin = URL.parse(c.req.header('origin') ?? '')
  return origin !== null && origin.host === c.req.header('host')
}
