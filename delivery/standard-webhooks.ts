/** The signature of Standard Webhooks 1.0.0, and what its receivers answer. */
import { createHmac } from 'node:crypto'

export type WebhookKey = Uint8Array

// Neither error repeats its input: a URL may hold a token, and both end up in the log of a failed start.

/** https, or http where `plaintext` allows it. @throws TypeError */
export function parseReceiver(text: string, plaintext: boolean, what: string): URL {
  const url = URL.parse(text)
  const safe = url?.protocol === 'https:' || (plaintext && url?.protocol === 'http:')
  if (!url || !safe || url.username || url.password) throw new TypeError(`${what} must be an https URL without user and password`)
  return url
}

/** `whsec_` and the Base64 of 24 to 64 bytes. @throws TypeError */
export function parseSecret(text: string, what: string): WebhookKey {
  const key = Buffer.from(/^whsec_([A-Za-z0-9+/]+=*)$/.exec(text)?.[1] ?? '', 'base64')
  if (key.length < 24 || key.length > 64) throw new TypeError(`${what} must be whsec_ and 24 to 64 bytes in Base64`)
  return key
}

/** `now`: ms since 1970; the attempt's own time, so that a late retry is not taken for a replay. */
export function signedHeaders(key: WebhookKey, id: string, body: string, now: number): Record<string, string> {
  const timestamp = Math.floor(now / 1000)
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': `v1,${signature}` }
}

/** ms, of seconds or a date (RFC 9110, section 10.2.3); anything else is as good as none. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (!value) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
