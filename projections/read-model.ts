/** All that the engine reads from projections: which there are, who follows them, and what is answered while they are away. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionView } from '../domain/session/state.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { accounts, noticesDue, pendingPasskeys } from './accounts.ts'
import { adoptionLogins } from './adoption/logins.ts'
import { adoptionPeople } from './adoption/people.ts'
import { appendHistory, offersMade } from './append-history.ts'
import type { Database } from './database.ts'
import type { FollowerOptions } from './follower.ts'
import { findLogins, type FoundLogin, type LoginsAsked } from './found-logins.ts'
import { lastUses, passkeyUses } from './passkey-uses.ts'
import type { Projection } from './projection.ts'
import { createRunner } from './run.ts'
import { overdueSessions, sessionRow, sessions, sessionsOf } from './sessions.ts'
import type { ProjectionStatus } from './status.ts'

export const projections: readonly Projection[] = [sessions, appendHistory, accounts, passkeyUses, adoptionLogins, adoptionPeople]

/** ms. A history that is further behind than this is not decided on. */
const oldestHistory = 30_000

export type ReadModel = ReturnType<typeof openReadModel>

/** `patience`: ms. A reader waits so long for a row that is late, and a decision for the history of offers; then they go on without. */
export function openReadModel(dependencies: {
  log: EventLog
  database: Database
  now: () => Date
  newId: () => string
  patience?: number | undefined
  /** Another process keeps the rows as long as it lives. */
  standby?: boolean | undefined
  onError: (error: unknown) => void
  /** Told of the first event of a row that could not be digested: its type alone, since what is wrong with it may quote it. */
  onParked?: (table: string, type: string) => void
  inBatch?: FollowerOptions['inBatch'] | undefined
}) {
  const { log, database, now, newId, patience = 300, standby, onError, onParked = () => {}, inBatch } = dependencies
  const { sql } = database
  const runner = createRunner({ log, sql, projections, id: newId(), now, standby, onError, onParked: ({ event }, table) => onParked(table, event.type), ...(inBatch && { inBatch }) })
  let stopped = false

  return {
    /** Resolves once every projection has caught up, here or in the engine that keeps them. */
    async start(): Promise<void> {
      runner.start()
      while (!stopped && runner.status().some(({ lag }) => lag === undefined)) await sleep(20)
    },
    async stop(): Promise<void> {
      stopped = true
      await runner.stop()
    },
    status: (): ProjectionStatus[] => runner.status(),

    /** The session as its row has it, once that has reached `revision`; undefined when it is late or the database away: fold the stream then. */
    async session(id: string, revision: number): Promise<{ view: SessionView; revision: number } | undefined> {
      try {
        const row = await withinPatience(sessionRow(sql, id))
        if (row && row.revision >= revision) return row
        return (await runner.waitFor(sessions.name, id, revision, patience)) ? await withinPatience(sessionRow(sql, id)) : undefined
      } catch {
        return undefined
      }
    },

    /** Offers made to the account so far. */
    async history(account: string): Promise<{ offers: number } | 'unavailable'> {
      try {
        const lag = runner.status().find(({ projection }) => projection === appendHistory.name)?.lag
        if (lag === undefined || lag > oldestHistory) return 'unavailable'
        return { offers: await withinPatience(offersMade(sql, account)) }
      } catch {
        return 'unavailable'
      }
    },

    /** Every login that names the account, but those of the last seconds: only where no row is set aside, since it might be one of them. */
    sessionsOf: (account: string): Promise<readonly string[] | 'unavailable'> => whole(sessions, () => sessionsOf(sql, account)),

    /** As `sessionsOf`: those of the last seconds may be missing, and none else. */
    findLogins: (asked: LoginsAsked): Promise<readonly FoundLogin[] | 'unavailable'> => whole(adoptionLogins, () => findLogins(sql, asked)),

    /** When each passkey of the account last signed in (ISO 8601); empty while the database is away. */
    lastUses: (account: string): Promise<Map<string, string>> => withinPatience(lastUses(sql, account)).catch(() => new Map()),

    overdueSessions: (at: Date, limit: number) => overdueSessions(sql, at, limit),
    pendingPasskeys: (limit: number) => pendingPasskeys(sql, limit),
    noticesDue: (after: string, limit: number) => noticesDue(sql, after, limit),
  }

  /** Only while no row is missing, but for those of the last seconds. */
  async function whole<T>({ name }: Projection, read: () => Promise<T>): Promise<T | 'unavailable'> {
    const { lag, parked } = runner.status().find(({ projection }) => projection === name) ?? {}
    if (lag === undefined || lag > oldestHistory || parked !== 0) return 'unavailable'
    return read().catch(() => 'unavailable' as const)
  }

  /** @throws Error when it takes longer */
  function withinPatience<T>(work: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout>
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('too late')), patience)
    })
    return Promise.race([work, tooLate]).finally(() => clearTimeout(timer))
  }
}
