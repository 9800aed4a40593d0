import type { Readable } from 'node:stream'
import { Unavailable } from '../event-log.ts'

/** A read or a subscription of the client: a stream for one reader, with a call behind it. */
export type ClientStream = {
  on(event: string, listener: (...values: unknown[]) => void): unknown
  destroy(error: Error): unknown
  [Symbol.asyncIterator](): AsyncIterator<unknown>
} & ({ cancel(): Promise<void> } | { unsubscribe(): Promise<void> })

export type Bounds = {
  signal: AbortSignal
  /** How long to wait for the next item, in milliseconds: the client sets no deadline on reads, and a hung node stays silent. */
  limitMs?: number
}

/**
 * Hands the items of a stream to its reader, and leaves nothing of it behind.
 * @throws Unavailable when `signal` aborts or time is up; the client's errors
 */
export async function* drain<T>(stream: ClientStream, { signal, limitMs }: Bounds): AsyncGenerator<T> {
  // After the loop has ended, the client emits one more error (an AbortError). Without a listener that ends the process.
  stream.on('error', () => {})
  // An answer that came whole, but is not read whole, never ends: the client would keep it for ever, and wait for it when it is closed.
  stream.on('unpipe', call => (call as Readable).resume())
  const abort = () => stream.destroy(new Unavailable('the event log is closed'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  let waiting = true
  const timer = limitMs === undefined ? undefined : setTimeout(() => {
    if (waiting) stream.destroy(new Unavailable(`no answer within ${limitMs} ms`))
  }, limitMs)
  let ended = false
  try {
    for await (const item of stream) {
      waiting = false
      yield item as T
      waiting = true
      timer?.refresh()
    }
    ended = true
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    // Leaving the loop ends the stream, but not the call.
    if (!ended) void ('cancel' in stream ? stream.cancel() : stream.unsubscribe()).catch(() => {})
  }
}
