/** SMS through a webhook of yours, since every SMS provider has an API of its own. */
import { createHmac } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Carrier, defaultTimeoutMs, fault, type Receipt, withinLimit } from './delivery.ts'
import type { Templates } from './templates.ts'

export type SmsOptions = {
  /** Where to POST: https, or http where `plaintext` allows it. */
  url: string
  /** `whsec_` and the Base64 of 24 to 64 random bytes. */
  secret: string
  templates: Templates
  /** For one message, all attempts together. */
  timeoutMs?: number
  /** Attempts after the first. */
  retries?: number
  /** Lets codes travel in the clear: for a receiver on the same host or network. */
  plaintext?: boolean
  /** Milliseconds since 1970. */
  now: () => number
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/**
 * Posts `{ id, to, text, locale, template }` as JSON, signed as Standard Webhooks 1.0.0 demand. The receiver
 *
 * 1. takes the raw body, before any parsing, and the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`;
 * 2. computes HMAC-SHA-256 over `<id>.<timestamp>.<body>`; the key is the Base64-decoded rest of the secret after `whsec_`;
 * 3. compares `v1,<Base64 of it>` in constant time with each of the space-separated signatures: one must match;
 * 4. refuses a timestamp (seconds) that is more than five minutes from its own clock;
 * 5. sends the text once per `webhook-id`, and answers a repeat with 2xx too.
 *
 * 2xx is taken for delivered. 429, 5xx and a broken connection are tried again, after `Retry-After` where given; every other answer is final.
 * @throws TypeError for a bad `url` or `secret`, here and not when a message is sent
 */
export function createSms(options: SmsOptions): Carrier {
  const { url, secret, templates, timeoutMs = defaultTimeoutMs, retries = 2, plaintext = false, now, sleep = wait } = options
  const receiver = parseReceiver(url, plaintext)
  const key = parseSecret(secret)

  async function attempt(id: string, body: string, signal: AbortSignal): Promise<{ receipt: Receipt; retryAfterMs?: number | undefined }> {
    // The attempt's own time, so that a late retry is not taken for a replay.
    const timestamp = Math.floor(now() / 1000)
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': `${timestamp}`,
      'webhook-signature': `v1,${signature}`,
    }
    try {
      const response = await fetch(receiver, { method: 'POST', headers, body, signal, redirect: 'manual' })
      // The status says it all. A body that breaks off must not turn a yes into a second SMS.
      await response.body?.cancel().catch(() => undefined)
      return { receipt: judge(response.status), retryAfterMs: parseRetryAfter(response.headers.get('retry-after'), now()) }
    } catch {
      return { receipt: fault('unreachable') }
    }
  }

  return (message, signal) =>
    withinLimit(timeoutMs, signal, async limit => {
      const { locale, text } = templates.sms(message)
      const body = JSON.stringify({ id: message.id, to: message.to, text, locale, template: message.template })
      const endsAt = now() + timeoutMs
      for (let retry = 0; ; retry++) {
        const { receipt, retryAfterMs = 200 * 2 ** retry } = await attempt(message.id, body, limit)
        const final = receipt.delivered || !receipt.retryable || retry === retries
        if (final || now() + retryAfterMs >= endsAt) return receipt
        await sleep(retryAfterMs, limit)
      }
    })
}

const wait = (ms: number, signal: AbortSignal) => pause(ms, undefined, { signal })

/** A redirect is not followed: it says that the URL is wrong (Standard Webhooks, "Delivery success and failure"). */
function judge(status: number): Receipt {
  if (status >= 200 && status < 300) return { delivered: true }
  if (status === 401 || status === 403) return fault('rejected_credentials')
  return fault(status === 429 || status >= 500 ? 'busy' : 'refused')
}

/** Seconds or a date (RFC 9110, section 10.2.3); anything else is as good as none. */
function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (!value) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

// Neither error repeats its input: a URL may hold a token, and both end up in the log of a failed start.

function parseReceiver(text: string, plaintext: boolean): URL {
  const url = URL.parse(text)
  const safe = url?.protocol === 'https:' || (plaintext && url?.protocol === 'http:')
  if (!url || !safe || url.username || url.password) throw new TypeError('the SMS webhook must be an https URL without user and password')
  return url
}

function parseSecret(text: string): Buffer {
  const key = Buffer.from(/^whsec_([A-Za-z0-9+/]+=*)$/.exec(text)?.[1] ?? '', 'base64')
  if (key.length < 24 || key.length > 64) throw new TypeError('the SMS webhook secret must be whsec_ and 24 to 64 bytes in Base64')
  return key
}
