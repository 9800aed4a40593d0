/**
 * Sends what others want of the log, each receiver at its own pace: in log order, at least once, and on from where it was after a restart. One that is away holds
 * up nobody else, and loses nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog, Position, Recorded } from '../eventlog/event-log.ts'
import { inBatches } from '../eventlog/in-batches.ts'

export type Line = { id: string; line: string }
export type Feed = {
  name: string
  /** ISO 8601: what happened before is not sent. */
  since: string | undefined
  send(events: readonly Line[], signal: AbortSignal): Promise<void>
}
export type FeedRows = {
  take(feed: string, holder: string): Promise<{ position: Position | undefined } | 'elsewhere'>
  move(feed: string, holder: string, position: Position): Promise<boolean>
  leave(feed: string, holder: string): Promise<void>
}
export type FeedStatus = { name: string; state: 'starting' | 'following' | 'standby' | 'failing'; sent: number; failures: number }

type LineOf = (recorded: Recorded) => Promise<string | undefined>

const prefixes = ['session-', 'tokens-', 'account-']
/** Events to a batch, at most. */
const batch = 100
/** Events that need not be sent, after which the place is written down all the same. */
const passed = 1_000
const pauses = { standby: 5_000, first: 200, longest: 60_000 }

/** Another engine sends the feed. */
class Elsewhere extends Error {}

export type Feeds = ReturnType<typeof createFeeds>

/** `openLines`: for one reader of the log; undefined for an event that is not in the feed. */
export function createFeeds(dependencies: {
  log: EventLog
  feeds: readonly Feed[]
  openLines: () => LineOf
  rows: FeedRows
  id: string
  onError: (error: unknown) => void
  pause?: typeof pauses
}) {
  const { log, feeds, openLines, rows, id, onError, pause = pauses } = dependencies
  let stopping = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  const status = new Map<Feed, FeedStatus>(feeds.map((feed) => [feed, { name: feed.name, state: 'starting', sent: 0, failures: 0 }]))

  async function follow(feed: Feed, told: FeedStatus, signal: AbortSignal): Promise<void> {
    const from = await rows.take(feed.name, id)
    if (from === 'elsewhere') throw new Elsewhere()
    let place = from.position
    let unwritten = 0
    const lineOf = openLines()
    const reading = new AbortController()
    try {
      for await (const items of inBatches(log.subscribe({ after: place, prefixes, signal: AbortSignal.any([signal, reading.signal]) }), batch)) {
        const { lines, last, failed } = await linesOf(items, feed, lineOf)
        if (lines.length > 0) {
          // Asked before every batch: an engine that slept through its time must not send what another has sent by now.
          const still = await rows.take(feed.name, id)
          if (still === 'elsewhere' || still.position !== from.position) throw new Elsewhere()
          await feed.send(lines, signal)
          told.sent += lines.length
        }
        place = last ?? place
        unwritten += items.length
        if (place !== undefined && place !== from.position && (lines.length > 0 || unwritten >= passed)) {
          if (!(await rows.move(feed.name, id, place))) throw new Elsewhere()
          from.position = place
          unwritten = 0
        }
        if (failed) throw failed.error
        ;[told.state, told.failures] = ['following', 0]
      }
    } finally {
      reading.abort()
    }
    signal.throwIfAborted()
    throw new Error(`the subscription of ${feed.name} ended`)
  }

  /** Up to the first event that cannot be told: those before it need not wait. */
  async function linesOf(items: readonly (Recorded | { checkpoint: Position } | 'caughtUp')[], { since }: Feed, lineOf: LineOf): Promise<{ lines: Line[]; last: Position | undefined; failed: { error: unknown } | undefined }> {
    const lines: Line[] = []
    let last: Position | undefined
    for (const item of items) {
      if (item === 'caughtUp') continue
      if ('id' in item && (since === undefined || item.metadata.at >= since)) {
        try {
          const line = await lineOf(item)
          if (line !== undefined) lines.push({ id: item.id, line })
        } catch (error) {
          return { lines, last, failed: { error } }
        }
      }
      last = 'id' in item ? item.position : item.checkpoint
    }
    return { lines, last, failed: undefined }
  }

  async function run(feed: Feed, signal: AbortSignal): Promise<void> {
    const told = status.get(feed) as FeedStatus
    while (!signal.aborted) {
      try {
        await follow(feed, told, signal)
      } catch (error) {
        if (signal.aborted) return
        const elsewhere = error instanceof Elsewhere
        told.state = elsewhere ? 'standby' : 'failing'
        // An engine of a newer release, or with another way to the receiver, may do better.
        if (!elsewhere) await rows.leave(feed.name, id).catch(() => {})
        // Told once, until it is well again.
        if (!elsewhere && told.failures === 0) onError(error)
        told.failures = elsewhere ? 0 : told.failures + 1
        await sleep(elsewhere ? pause.standby : Math.min(pause.longest, pause.first * 2 ** told.failures), undefined, { signal }).catch(() => {})
      }
    }
  }

  return {
    start(): void {
      stopping = new AbortController()
      running = Promise.all(feeds.map((feed) => run(feed, stopping.signal)))
    },
    /** What is on its way is given up, and sent again after the next start. */
    async stop(): Promise<void> {
      stopping.abort()
      await running
      await Promise.all(feeds.map(({ name }) => rows.leave(name, id).catch(() => {})))
    },
    status: (): FeedStatus[] => [...status.values()],
  }
}
