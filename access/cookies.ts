/** What the console keeps in the browser: encrypted and authenticated (JWE, `dir`, A256GCM), so that it is neither read nor made elsewhere. */
import { hkdfSync, type KeyObject } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { EncryptJWT, jwtDecrypt } from 'jose'
import type { z } from 'zod'

/** `purpose` stands in the cookie too: one that was made for something else does not open. `seconds`: how long it holds. */
export type CookieKind<T> = { purpose: string; seconds: number; schema: z.ZodType<T> }
export type Cookies = ReturnType<typeof createCookies>

/**
 * `of`: what the sessions rest on. With another provider, or another console key, they are over. `secure`: the console is reached by https alone;
 * `maybe` where it may be reached by http on this machine too.
 */
export function createCookies({ secret, of, secure, now }: { secret: KeyObject; of: string; secure: boolean | 'maybe'; now: () => Date }) {
  const key = new Uint8Array(hkdfSync('sha256', secret, of, 'keyledger console cookies', 32))
  const nameOf = (purpose: string): string => `keyledger-${purpose}`
  const byHttps = (c: Context): boolean => (secure === 'maybe' ? (c.req.header('origin')?.startsWith('https:') ?? false) : secure)
  // RFC 6265bis, 4.1.3.2: with this prefix no other host and no plain http can have set it.
  const attributes = (https: boolean) => ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: https, ...(https && { prefix: 'host' as const }) }) as const

  return {
    async set<T extends object>(c: Context, { purpose, seconds }: CookieKind<T>, value: T): Promise<void> {
      const at = Math.floor(now().getTime() / 1000)
      const token = await new EncryptJWT({ value }).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).setAudience(purpose).setIssuedAt(at).setExpirationTime(at + seconds).encrypt(key)
      // Lax: the way back from the provider is a navigation from elsewhere, and must find it.
      setCookie(c, nameOf(purpose), token, { ...attributes(byHttps(c)), maxAge: seconds })
    },

    /** Undefined where there is none that holds. */
    async get<T>(c: Context, { purpose, schema }: CookieKind<T>): Promise<T | undefined> {
      const token = (secure ? getCookie(c, nameOf(purpose), 'host') : undefined) ?? (secure === true ? undefined : getCookie(c, nameOf(purpose)))
      if (token === undefined) return undefined
      const opened = await jwtDecrypt(token, key, {
        audience: purpose,
        currentDate: now(),
        requiredClaims: ['exp'],
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      }).catch(() => undefined)
      const parsed = schema.safeParse(opened?.payload['value'])
      return parsed.success ? parsed.data : undefined
    },

    drop(c: Context, { purpose }: CookieKind<unknown>): void {
      for (const https of [true, false]) if (secure === 'maybe' || secure === https) deleteCookie(c, nameOf(purpose), attributes(https))
    },
  }
}
