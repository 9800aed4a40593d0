/** Places that the operator does not control, to which checkpoints are sent: who keeps them can later say what the log was. */
import { appendFile } from 'node:fs/promises'
import { hash } from 'node:crypto'
import type { Receipt } from './delivery.ts'

export type WitnessConfig = { file: string } | { webhook: string } | { email: string; everySeconds: number }
/** A signed checkpoint (c2sp.org/tlog-checkpoint) and when it was signed. */
export type ToWitness = { log: string; number: number; at: string; note: string }
/** `everySeconds`: undefined where each checkpoint is sent; otherwise the newest one, as often. */
export type Witness = { name: string; everySeconds: number | undefined; send(checkpoint: ToWitness, signal: AbortSignal): Promise<void> }
/** Takes a letter to one address; `id` is the same for a repeat. */
export type Post = (letter: { id: string; to: string; subject: string; text: string }, signal: AbortSignal) => Promise<Receipt>

/** ms, for one checkpoint. */
const timeoutMs = 10_000

/** @throws TypeError for a webhook that is no https URL, or an address without a mail server */
export function createWitness(config: WitnessConfig, { post, plaintext = false }: { post?: Post | undefined; plaintext?: boolean } = {}): Witness {
  if ('file' in config) return toFile(config.file)
  if ('webhook' in config) return toWebhook(config.webhook, plaintext)
  if (!post) throw new TypeError('a witness by e-mail takes SMTP_URL and MAIL_FROM')
  return byEmail(config, post)
}

/** A line of JSON for each, on disk before the next one. */
const toFile = (file: string): Witness => ({
  name: `file ${file}`,
  everySeconds: undefined,
  send: (checkpoint) => appendFile(file, `${JSON.stringify(checkpoint)}\n`, { flush: true, mode: 0o644 }),
})

/** The note is signed itself, so the request is not. A repeat has the same `webhook-id`; 2xx is taken for kept. */
function toWebhook(text: string, plaintext: boolean): Witness {
  const url = URL.parse(text)
  if (!url || !(url.protocol === 'https:' || (plaintext && url.protocol === 'http:'))) throw new TypeError('the webhook of a witness must be an https URL')
  return {
    name: `webhook ${url.origin}${url.pathname}`,
    everySeconds: undefined,
    send: async (checkpoint, signal) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'webhook-id': `${checkpoint.log}/${checkpoint.number}` },
        body: JSON.stringify(checkpoint),
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      await response.body?.cancel().catch(() => undefined)
      if (!response.ok) throw new Error(`the witness answered ${response.status}`)
    },
  }
}

const byEmail = ({ email, everySeconds }: { email: string; everySeconds: number }, post: Post): Witness => ({
  name: `email ${email}`,
  everySeconds,
  send: async ({ log, number, at, note }, signal) => {
    const id = uuidLike(`${log}/${number}/${email}`)
    const text = `Keep this message. It is checkpoint ${number} of the log ${log}, signed at ${at}: a later answer about that log that does not fit it is wrong.\n\n${note}`
    const receipt = await post({ id, to: email, subject: `Checkpoint ${number} of log ${log}`, text }, signal)
    if (!receipt.delivered) throw new Error(`the carrier said ${receipt.reason}`)
  },
})

const uuidLike = (text: string): string => hash('sha256', text, 'hex').slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
