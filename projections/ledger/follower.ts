/** Keeps the ledger's table up to date, as ../follower.ts does the others: but an event that it cannot digest is not set aside, it stops the ledger. */
import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Sql } from 'postgres'
import { noLeaves } from '../../audit/canonical.ts'
import { createTree, peaksAt, type Tree } from '../../audit/merkle.ts'
import type { EventLog, Position, Recorded } from '../../eventlog/event-log.ts'
import { inBatches } from '../batch.ts'
import { keepFollowing } from '../keep-following.ts'
import { first } from '../parked.ts'
import { lagOf, type ProjectionStatus } from '../status.ts'
import { Overtaken } from '../store.ts'
import { digest, Indigestible } from './digest.ts'
import { createLedgerTable, ledgerTable, type LedgerCheckpoint } from './table.ts'

/** `stopped`: the event that the ledger cannot take in, and why. */
export type LedgerStatus = ProjectionStatus & { size: number; stopped: { stream: string; revision: number; reason: string } | undefined }

type Item = Recorded | { checkpoint: Position } | 'caughtUp'
type Work = { checkpoint: LedgerCheckpoint; tree: Tree }

/** Streams whose last revision is remembered: sessions are over in minutes. */
const mostHeads = 10_000

/** PostgreSQL, appendix A: unique_violation. */
const isDuplicate = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '23505'

export type LedgerFollower = ReturnType<typeof createLedgerFollower>

export const createLedgerFollower = (
  { log, sql, id, now, batch = 1_000, pause = 1_000, patience = 2_000, standby = false, inBatch = (_, __, write) => write(), onError = () => {} }: {
    log: EventLog
    sql: Sql
    /** This process among those that write the same table. */
    id: string
    now: () => Date
    /** Events to a transaction, at most. */
    batch?: number
    /** ms: what comes within so long is one batch. Nobody waits for the ledger, and a transaction costs as much as ten events. */
    pause?: number
    /** ms: how long the one at work may leave an event alone before another takes over. */
    patience?: number
    standby?: boolean | undefined
    inBatch?: <T>(table: string, events: number, write: () => Promise<T>) => Promise<T>
    onError?: (error: unknown) => void
  },
) => {
  const table = createLedgerTable(sql)
  const heads = new LRUCache<string, number>({ max: mostHeads })
  let state: ProjectionStatus['state'] = 'stopped'
  let position: Position | undefined
  let size = 0
  let caughtUp = false
  let oldest: string | undefined
  let elsewhere: number | undefined
  let stopped: LedgerStatus['stopped']
  let running: Promise<void> = Promise.resolve()
  let stopping = new AbortController()

  /** @throws Indigestible, when all before it is written; Overtaken */
  const write = async (work: Work, items: readonly Item[]): Promise<Work> => {
    try {
      return await append(work, items, false)
    } catch (error) {
      // A stream that begins a second time: looked up, it can be named.
      if (!isDuplicate(error)) throw error
      heads.clear()
      return append(work, items, true)
    }
  }

  const append = async ({ checkpoint, tree }: Work, items: readonly Item[], lookUpAll: boolean): Promise<Work> => {
    const events = items.filter((item) => typeof item === 'object' && 'id' in item)
    const last = items.findLast((item) => item !== 'caughtUp')
    if (!last) return { checkpoint, tree }
    oldest ??= events[0]?.metadata.at
    const known = new Map<string, number>()
    for (const { stream } of events) if (heads.has(stream)) known.set(stream, heads.get(stream) as number)
    // That a stream is new is known by the revision of its first event: the table takes no second one.
    const unknown = new Set(events.filter(({ stream, revision }) => !known.has(stream) && (revision > 0 || lookUpAll)).map(({ stream }) => stream))
    for (const [stream, revision] of await table.heads([...unknown])) known.set(stream, revision)
    const grown = tree.copy()
    const { leaves, stopped: at } = digest(grown, known, events)
    const reached = at ? events[leaves.length - 1]?.position ?? checkpoint.position : 'id' in last ? last.position : last.checkpoint
    const to = { ...checkpoint, position: reached, holder: id }
    await inBatch(ledgerTable, leaves.length, () => table.save(leaves, checkpoint, to))
    for (const { stream, revision } of leaves) heads.set(stream, revision)
    position = to.position
    size = grown.size
    if (at) throw at
    stopped = undefined
    return { checkpoint: to, tree: grown }
  }

  const begin = async (): Promise<Work> => {
    await table.create()
    // What this process remembers may be from before another one wrote.
    heads.clear()
    const checkpoint = await table.checkpoint()
    size = await table.size()
    position = checkpoint.position
    return { checkpoint, tree: createTree(size, await peaksAt(table.nodes, size)) }
  }

  const follow = async (signal: AbortSignal, done: () => void): Promise<never> => {
    let work = await begin()
    const reading = new AbortController()
    try {
      for await (const some of inBatches(log.subscribe({ after: position, except: noLeaves, signal: AbortSignal.any([signal, reading.signal]) }), batch)) {
        work = await write(work, some)
        oldest = undefined
        state = 'following'
        done()
        if (some.includes('caughtUp')) caughtUp = true
        if (some.length < batch && pause > 0) await sleep(pause, undefined, { signal }).catch(() => {})
      }
    } finally {
      reading.abort()
      caughtUp = false
    }
    signal.throwIfAborted()
    throw new Error(`the subscription of ${ledgerTable} ended`)
  }

  /** Returns when the one at work has left the same event alone from one look to the next. */
  const standBy = async (signal: AbortSignal): Promise<void> => {
    state = 'standby'
    oldest = undefined
    await table.create()
    for (let seen: string | undefined; ; ) {
      position = (await table.checkpoint()).position
      size = await table.size()
      const next = await first(log.readAll({ after: position, except: noLeaves }))
      if (seen !== undefined && next?.id === seen) return
      seen = next?.id
      elsewhere = lagOf(next?.metadata.at, now())
      await sleep(patience, undefined, { signal })
    }
  }

  const onFailure = (error: unknown): void => {
    state = 'failing'
    if (!(error instanceof Indigestible)) return onError(error)
    const { stream, revision, message: reason } = error
    // Told once, and looked at again: a release that can digest it may be the next one.
    if (stopped?.stream !== stream || stopped.revision !== revision) onError(error)
    stopped = { stream, revision, reason }
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    state = 'starting'
    await keepFollowing({ follow, standBy, standby, isTaken: async () => true, onFailure }, signal)
    state = 'stopped'
  }

  return {
    table,
    start: (): void => {
      stopping = new AbortController()
      running = run(stopping.signal)
    },
    stop: async (): Promise<void> => {
      stopping.abort()
      await running
    },

    /** Everything that is in the log now, and no longer: for a command beside the engine, or without one. @throws Indigestible */
    async catchUp(onProgress: (size: number) => void = () => {}): Promise<number> {
      for (;;) {
        try {
          let work = await begin()
          for await (const some of inBatches(log.readAll({ after: position, except: noLeaves }), batch)) {
            work = await write(work, some)
            onProgress(size)
          }
          return size
        } catch (error) {
          // The engine was faster, and has done that part.
          if (!(error instanceof Overtaken)) throw error
        }
      }
    },

    /** Everything that was there when this process looked last is a leaf. */
    isCaughtUp: (): boolean => caughtUp && oldest === undefined,

    status: (): LedgerStatus => ({
      projection: 'ledger',
      table: ledgerTable,
      state,
      position,
      lag: state === 'standby' ? elsewhere : oldest !== undefined || caughtUp ? lagOf(oldest, now()) : undefined,
      parked: 0,
      size,
      stopped,
    }),
  }
}
