import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { OutcomeUnknown, type Unavailable } from '../event-log.ts'
import { persist, resultCode, unavailable, unlocked } from './failure.ts'

/** Called inside of the transaction that has begun, after one was undone, after one was committed. */
export type Hooks = { begun(): void; undone(): void; committed(): void }

export type GroupCommit = {
  /** Runs `work` in the next transaction and answers with its result once that is on disk. @throws Unavailable, OutcomeUnknown */
  write<T>(work: () => T): Promise<T>
  /** When nothing is under way any more. */
  idle(): Promise<void>
}

type Waiting = { work(): unknown; resolve(result: unknown): void; reject(reason: Error): void }

/** So many share a transaction at most: more would hold up the event loop, and save little more. */
const mostAtOnce = 512
const fsyncFailed = 1034

/** Writes that wait while one transaction is committed share the next one, and its fsync. */
export const createGroupCommit = (db: DatabaseSync, attempts: number, hooks: Hooks): GroupCommit => {
  const [begin, commit, rollback] = [db.prepare('begin immediate'), db.prepare('commit'), db.prepare('rollback')]
  const queue: Waiting[] = []
  let running: Promise<void> | undefined

  const run = async () => {
    while (queue.length > 0) {
      // What else arrives in this turn of the event loop joins.
      await turn()
      try {
        await persist(attempts, commitNext)
      } catch (error) {
        for (const { reject } of queue.splice(0)) reject(error as Unavailable)
      }
    }
    running = undefined
  }

  /** From the lock to the commit without an await, so that nothing else on this connection gets in between. False: the file is locked. */
  const commitNext = () => {
    // The write lock before the first look: what is judged by cannot change any more, and the order of positions is that of commits.
    if (!unlocked(() => begin.run())) return false
    const batch = queue.splice(0, mostAtOnce)
    let committing = false
    try {
      hooks.begun()
      const results = batch.map(({ work }) => work())
      committing = true
      commit.run()
      batch.forEach(({ resolve }, index) => resolve(results[index]))
      hooks.committed()
    } catch (error) {
      // After a failed fsync the whole transaction may stand in the write-ahead log, and a crash would bring it back.
      const unknown = committing && resultCode(error) === fsyncFailed
      const reason = unknown ? new OutcomeUnknown('event log: the disk did not confirm', { cause: error }) : unavailable(error)
      for (const { reject } of batch) reject(reason)
      if (db.isTransaction) rollback.run()
      hooks.undone()
    }
    return true
  }

  return {
    write: <T>(work: () => T) =>
      new Promise<T>((resolve, reject) => {
        queue.push({ work, resolve: resolve as (result: unknown) => void, reject })
        running ??= run()
      }),
    idle: async () => {
      await running
    },
  }
}
