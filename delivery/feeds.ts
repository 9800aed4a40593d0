/** Where security events go: a file that a collector follows, or a webhook. */
import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { parseReceiver, parseSecret, signedHeaders } from './standard-webhooks.ts'

/** `secret`: of the webhook, `whsec_` and the Base64 of 24 to 64 random bytes. */
export type FeedConfig = { file: string } | { webhook: string; secret: string }
/** `events`: a line of JSON each, with the id by which a receiver knows a repeat. Resolves when they are kept; otherwise they are sent again. */
export type FeedTarget = { name: string; send(events: readonly { id: string; line: string }[], signal: AbortSignal): Promise<void> }

/** ms, for one request. */
const timeoutMs = 10_000

/** @throws TypeError for a webhook that is no https URL, or a secret that is none */
export function createFeedTarget(config: FeedConfig, { plaintext = false, now }: { plaintext?: boolean; now: () => number }): FeedTarget {
  return 'file' in config ? toFile(config.file) : toWebhook(config, plaintext, now)
}

/** Lines are on disk before the next ones. The file may be moved away at any time: the next line begins a new one. */
const toFile = (file: string): FeedTarget => ({
  name: `file ${file}`,
  async send(events) {
    const handle = await open(file, 'a+', 0o640)
    try {
      await handle.truncate(await wholeLines(handle))
      await handle.appendFile(events.map(({ line }) => `${line}\n`).join(''))
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
})

const newLine = 0x0a

/** Bytes, up to the end of the last whole line: what a crash left of a line is sent again. */
async function wholeLines(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat()
  const byte = Buffer.alloc(1)
  let end = size
  while (end > 0) {
    await handle.read(byte, 0, 1, end - 1)
    if (byte[0] === newLine) break
    end -= 1
  }
  return end
}

/**
 * Posts NDJSON, signed as Standard Webhooks 1.0.0 demand (see `sms.ts` for what the receiver does). `webhook-id` is that of the batch, which may be cut
 * differently when it is sent again: what tells a repeat is `metadata.uid` of each event. 2xx is taken for kept.
 */
function toWebhook({ webhook, secret }: { webhook: string; secret: string }, plaintext: boolean, now: () => number): FeedTarget {
  const url = parseReceiver(webhook, plaintext, 'the webhook of a feed')
  const key = parseSecret(secret, 'the secret of the feeds')
  return {
    // A query may hold a token, and tells one place from another.
    name: `webhook ${url.origin}${url.pathname}${url.search === '' ? '' : ` ${createHash('sha256').update(url.search).digest('base64url').slice(0, 8)}`}`,
    async send(events, signal) {
      const body = events.map(({ line }) => `${line}\n`).join('')
      const id = createHash('sha256').update(events.map((event) => event.id).join()).digest('base64url')
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', ...signedHeaders(key, id, body, now()) },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      await response.body?.cancel().catch(() => undefined)
      if (!response.ok) throw new Error(`the receiver of the feed answered ${response.status}`)
    },
  }
}
