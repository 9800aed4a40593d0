import type { Sql } from 'postgres'
import type { EventLog } from '../eventlog/event-log.ts'
import { createFollower, type FollowerOptions } from './follower.ts'
import type { Projection } from './projection.ts'
import type { ProjectionStatus } from './status.ts'

export type Runner = ReturnType<typeof createRunner>

/** Keeps the tables of all projections up to date, each at its own pace. */
export const createRunner = (
  { log, sql, projections, id, now, batch = 1_000, patience = 2_000, standby = false, onParked = () => {}, inBatch = (_, __, write) => write(), onError = () => {} }: {
    log: EventLog
    sql: Sql
    projections: readonly Projection[]
    id: string
    now: () => Date
    standby?: boolean | undefined
  } & Partial<Pick<FollowerOptions, 'batch' | 'patience' | 'onParked' | 'inBatch' | 'onError'>>,
) => {
  const followers = new Map(
    projections.map((projection) => [projection.name, createFollower({ log, sql, projection, id, now, batch, patience, standby, onParked, inBatch, onError })]),
  )
  let stopping = new AbortController()
  let running: Promise<unknown> = Promise.resolve()

  return {
    start: (): void => {
      stopping = new AbortController()
      running = Promise.all(Array.from(followers.values(), (follower) => follower.run(stopping.signal)))
    },

    /** Resolves when the batches at work are written; with a database that hangs, only when it is closed. Close the log after it. */
    stop: async (): Promise<void> => {
      stopping.abort()
      await running
    },

    status: (): ProjectionStatus[] => Array.from(followers.values(), (follower) => follower.status()),

    /**
     * Waits until the row has taken in that revision of its stream; for projections whose key stands for one stream. False after `timeout` ms, and at
     * once where it is not this process that writes the rows: then fold the stream instead.
     */
    waitFor: (projection: string, key: string, revision: number, timeout: number): Promise<boolean> => {
      const follower = followers.get(projection)
      if (!follower) throw new TypeError(`there is no projection ${projection}`)
      return follower.waitFor(key, revision, timeout)
    },
  }
}
