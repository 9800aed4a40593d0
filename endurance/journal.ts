/** What an app keeps on its device until it has an answer: the request, byte for byte. It is sent again until one comes, whatever the engine goes through meanwhile. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { assertDescribed } from '../http/testing-contract.ts'
import type { Body } from '../stories/app.ts'

/** A request with the answer that was acknowledged for it. `key`: null where it takes none. */
export type Entry = { method: string; url: string; headers: Record<string, string>; key: string | null; sent: string | undefined; status: number; body: Body & Record<string, unknown> }

export type Totals = { answers: number; sentAgain: number; unavailable: number; repeats: number }

export type Journal = ReturnType<typeof createJournal>

/** Until an outage that nobody announces is looked at again, in milliseconds. */
const pause = 50

/** @param up resolves when the engine listens; `totals`: counted over all apps */
export function createJournal({ up, totals }: { up: () => Promise<void>; totals: Totals }) {
  let entries: Entry[] = []

  /** With endless patience. A 503 that has no state in it is an outage; with one, the carrier would not take the code, and that was decided. */
  async function send(url: string, init: { method: string; headers: Record<string, string>; body: string | undefined }): Promise<{ response: Response; text: string }> {
    for (;;) {
      await up()
      try {
        const response = await fetch(url, { ...init, body: init.body ?? null })
        const text = await response.text()
        const body = text === '' ? undefined : JSON.parse(text)
        assertDescribed({ method: init.method, path: new URL(url).pathname, status: response.status, body, contentType: response.headers.get('content-type') })
        if (body?.code === 'guessing_delayed') {
          // A guess whose judge was killed counts as wrong. Nothing was decided: the same request again, in its time.
          await sleep(Number(response.headers.get('retry-after')) * 1_000)
          continue
        }
        if (response.status !== 503 || body?.session) return { response: new Response(text === '' ? null : text, response), text }
        totals.unavailable += 1
        assert.ok(Number(response.headers.get('retry-after')) > 0, `a 503 without Retry-After: ${text}`)
      } catch (error) {
        // What `fetch` throws when the network fails (Fetch Standard, 5.6); an answer that broke off is no JSON.
        if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error
      }
      totals.sentAgain += 1
      await sleep(pause)
    }
  }

  return {
    /** For `createClient`. */
    async fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
      const url = String(input)
      const headers = Object.fromEntries(new Headers(init.headers))
      const [method, sent] = [init.method ?? 'GET', typeof init.body === 'string' ? init.body : undefined]
      const { response, text } = await send(url, { method, headers, body: sent })
      assert.notEqual(response.status, 500, `${method} ${url}: ${text}`)
      totals.answers += 1
      entries.push({ method, url, headers, key: headers['idempotency-key'] ?? null, sent, status: response.status, body: text === '' ? {} : JSON.parse(text) })
      return response
    },

    /** The request of an entry once more. */
    async repeat({ url, method, headers, sent }: Entry): Promise<{ status: number; body: Body & Record<string, unknown> }> {
      totals.repeats += 1
      const { response, text } = await send(url, { method, headers, body: sent })
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
    },

    entries: (): readonly Entry[] => entries,
    clear: (): void => void (entries = []),
  }
}
