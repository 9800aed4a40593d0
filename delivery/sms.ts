/** SMS through a webhook of yours, since every SMS provider has an API of its own. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Carrier, defaultTimeoutMs, fault, type Receipt, withinLimit } from './delivery.ts'
import { parseReceiver, parseRetryAfter, parseSecret, signedHeaders } from './standard-webhooks.ts'
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
  const receiver = parseReceiver(url, plaintext, 'the SMS webhook')
  const key = parseSecret(secret, 'the SMS webhook secret')

  async function attempt(id: string, body: string, signal: AbortSignal): Promise<{ receipt: Receipt; retryAfterMs?: number | undefined }> {
    const headers = { 'content-type': 'application/json', ...signedHeaders(key, id, body, now()) }
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
