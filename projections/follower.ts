import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { EventLog, Position, Recorded } from '../eventlog/event-log.ts'
import { inBatches, writeBatch } from './batch.ts'
import type { Routed } from './fold.ts'
import { keepFollowing } from './keep-following.ts'
import { retryParked } from './parked.ts'
import type { Projection } from './projection.ts'
import { lagOf, readStatus, type ProjectionStatus } from './status.ts'
import { createStore, type Checkpoint } from './store.ts'
import { createWaiting } from './waiting.ts'

export type FollowerOptions = {
  log: EventLog
  sql: Sql
  projection: Projection
  /** This process among those that write the same tables. */
  id: string
  now: () => Date
  /** Events to a transaction, at most. */
  batch: number
  /** ms: how long the one at work may leave an event alone before another takes over. */
  patience: number
  /** Begins as the one that would take over. */
  standby: boolean
  onParked: (parked: Routed, table: string) => void
  /** Stands around the writing of every batch. */
  inBatch: <T>(table: string, events: number, write: () => Promise<T>) => Promise<T>
  onError: (error: unknown, table: string) => void
}

/** Keeps one projection's table up to date. */
export const createFollower = ({ log, sql, projection, id, now, batch, patience, standby, onParked, inBatch, onError }: FollowerOptions) => {
  const store = createStore(sql, projection)
  const waiting = createWaiting()
  let state: ProjectionStatus['state'] = 'stopped'
  let position: Position | undefined
  let parked = new Set<string>()
  let caughtUp = false
  /** When the oldest event was written that was read and is in no row yet. Stays while the database is away. */
  let oldest: string | undefined
  let elsewhere: number | undefined
  let retried = false

  const write = async (checkpoint: Checkpoint, items: readonly (Recorded | { checkpoint: Position } | 'caughtUp')[]): Promise<Checkpoint> => {
    const events = items.filter((item) => typeof item === 'object' && 'id' in item)
    const last = items.findLast((item) => item !== 'caughtUp')
    if (!last) return checkpoint
    oldest ??= events[0]?.metadata.at
    const to = { ...checkpoint, position: 'id' in last ? last.position : last.checkpoint }
    const written = await inBatch(store.table, events.length, () => writeBatch(store, projection, { events, from: checkpoint, to, holder: id, parked }))
    position = written.checkpoint.position
    const aside = new Set(written.parked.map(({ event }) => event))
    for (const item of written.parked) {
      waiting.giveUp(item.slot)
      if (item.error !== undefined) onParked(item, store.table)
    }
    for (const event of events) {
      const key = aside.has(event) ? undefined : projection.key(event)
      if (key !== undefined) waiting.reach(key, event.revision)
    }
    return written.checkpoint
  }

  const follow = async (signal: AbortSignal, done: () => void): Promise<never> => {
    await store.create()
    if (!retried) await retryParked({ log, sql, projection })
    retried = true
    let checkpoint: Checkpoint = await store.checkpoint()
    parked = await store.parkedSlots()
    position = checkpoint.position
    const reading = new AbortController()
    try {
      const items = log.subscribe({ after: position, prefixes: projection.prefixes, signal: AbortSignal.any([signal, reading.signal]) })
      for await (const some of inBatches(items, batch)) {
        checkpoint = await write(checkpoint, some)
        oldest = undefined
        state = 'following'
        done()
        if (some.includes('caughtUp')) caughtUp = true
      }
    } finally {
      reading.abort()
      caughtUp = false
      waiting.giveUpAll()
    }
    signal.throwIfAborted()
    throw new Error(`the subscription of ${store.table} ended`)
  }

  /** Returns when the other one has left the same event alone from one look to the next: it is dead, or so slow that it does not matter. */
  const standBy = async (signal: AbortSignal) => {
    state = 'standby'
    oldest = undefined
    for (let seen: string | undefined; ; ) {
      const [other] = await readStatus({ log, sql, projections: [projection], now })
      if (seen !== undefined && other?.next === seen) return
      seen = other?.next
      position = other?.position
      elsewhere = other?.lag
      await sleep(patience, undefined, { signal })
    }
  }

  /** A rebuild or a retry by a command has no holder. */
  const isTaken = async (): Promise<boolean> => {
    await store.create()
    const { holder } = await store.checkpoint()
    if (holder === undefined || holder === id) return false
    // The other one may be of an older release, and park what this one can digest.
    retried = false
    return true
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    state = 'starting'
    const onFailure = (error: unknown): void => {
      state = 'failing'
      onError(error, store.table)
    }
    await keepFollowing({ follow, standBy, standby, isTaken, onFailure }, signal)
    state = 'stopped'
  }

  return {
    table: store.table,
    run,
    /** Only the one at work knows when a row is written: every other one says no at once. */
    waitFor: (key: string, revision: number, timeout: number): Promise<boolean> =>
      state === 'following' ? waiting.wait(key, revision, timeout) : Promise.resolve(false),
    status: (): ProjectionStatus => ({
      projection: projection.name,
      table: store.table,
      state,
      position,
      lag: state === 'standby' ? elsewhere : oldest !== undefined || caughtUp ? lagOf(oldest, now()) : undefined,
      parked: parked.size,
    }),
  }
}
