/** All that the engine reads from projections: which there are, who follows them, and what is answered while they are away. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OfferHistory } from '../domain/policy/history.ts'
import type { SessionView } from '../domain/session/state.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { accounts, noticesDue, pendingPasskeys } from './accounts.ts'
import { adoptionLogins } from './adoption/logins.ts'
import { adoptionPeople } from './adoption/people.ts'
import { appendHistory, pastOffers } from './append-history.ts'
import type { Database } from './database.ts'
import type { FollowerOptions } from './follower.ts'
import { findLogins, type FoundLogin, type LoginsAsked } from './found-logins.ts'
import { lastUses, passkeyUses } from './passkey-uses.ts'
import type { Projection } from './projection.ts'
import { createRunner } from './run.ts'
import { createServing, type Source } from './serving.ts'
import { overdueSessions, sessionRow, sessions, sessionsOf } from './sessions.ts'
import { readStatus, type ProjectionStatus } from './status.ts'

export const projections: readonly Projection[] = [sessions, appendHistory, accounts, passkeyUses, adoptionLogins, adoptionPeople]

/** ms. A history that is further behind than this is not decided on. */
const oldestHistory = 30_000
/** ms. Between two looks at which tables are served. */
const lookEvery = 1_000
/** ms. A table that lacks no more than this has caught up: where people come and go all the time, it always lacks something. */
const nearEnough = 1_000

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
  /** What reads the tables by itself, such as views: told which ones are read as soon as they are there and full, and after each switch; again where it fails. */
  onServed?: (table: Source['table']) => Promise<void>
  /** In place of this release's: as another release keeps them. */
  kept?: readonly Projection[]
}) {
  const { log, database, now, newId, patience = 300, standby, onError, onParked = () => {}, inBatch, onServed = async () => {}, kept = projections } = dependencies
  const { sql } = database
  const runner = createRunner({ log, sql, projections: kept, id: newId(), now, standby, onError, onParked: ({ event }, table) => onParked(table, event.type), ...(inBatch && { inBatch }) })
  const serving = createServing(sql, kept)
  const source: Source = { sql, table: serving.table }
  const stopping = new AbortController()
  let looking: Promise<void> = Promise.resolve()
  let told: string | undefined
  /** Of the table that serves in place of one that still fills: how far it was behind, and when that was known. */
  let older: { lag: number; at: number } | undefined

  const look = async (): Promise<void> => {
    await serving.look((projection) => runner.status().some(({ projection: name, lag }) => name === projection.name && lag !== undefined && lag < nearEnough))
    const filling = serving.older(appendHistory)
    const [status] = filling ? await readStatus({ log, sql, projections: [filling], now }) : []
    older = status?.lag === undefined ? undefined : { lag: status.lag, at: now().getTime() }
    const tables = kept.map(serving.table).join()
    if (tables === told || runner.status().some(({ lag }) => lag === undefined)) return
    await onServed(serving.table).then(() => (told = tables), onError)
  }
  const lookOn = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // The followers say that the database is away.
      await look().catch(() => {})
      await sleep(lookEvery, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }
  /** ms: what the table of the history may lack, at most. */
  const historyLag = (): number | undefined => {
    if (serving.older(appendHistory)) return older && older.lag + now().getTime() - older.at
    return runner.status().find(({ projection }) => projection === appendHistory.name)?.lag
  }

  return {
    /** Resolves once every projection has caught up, here or in the engine that keeps them. */
    async start(): Promise<void> {
      runner.start()
      looking = lookOn()
      while (!stopping.signal.aborted && runner.status().some(({ lag }) => lag === undefined)) await sleep(20)
      if (!stopping.signal.aborted) await look().catch(() => {})
    },
    async stop(): Promise<void> {
      stopping.abort()
      await Promise.all([runner.stop(), looking])
    },
    status: (): ProjectionStatus[] => runner.status(),
    /** The table of the version that is served. */
    table: serving.table,

    /** The session as its row has it, once that has reached `revision`; undefined when it is late or the database away: fold the stream then. */
    async session(id: string, revision: number): Promise<{ view: SessionView; revision: number } | undefined> {
      try {
        const row = await withinPatience(sessionRow(source, id))
        if (row && row.revision >= revision) return row
        // Nobody here knows when an older table has it.
        if (serving.older(sessions)) return undefined
        const later = (await runner.waitFor(sessions.name, id, revision, patience)) ? await withinPatience(sessionRow(source, id)) : undefined
        // A rebuild may have put it back for a moment, and another table may be served by now.
        return later && later.revision >= revision ? later : undefined
      } catch {
        return undefined
      }
    },

    /** The offers that the account was made so far. */
    async history(account: string): Promise<OfferHistory | 'unavailable'> {
      try {
        const lag = historyLag()
        if (lag === undefined || lag > oldestHistory) return 'unavailable'
        return await withinPatience(pastOffers(source, account))
      } catch {
        return 'unavailable'
      }
    },

    /** Every login that names the account, but those of the last seconds: only where no row is set aside, since it might be one of them. */
    sessionsOf: (account: string): Promise<readonly string[] | 'unavailable'> => whole(sessions, () => sessionsOf(source, account)),

    /** As `sessionsOf`: those of the last seconds may be missing, and none else. */
    findLogins: (asked: LoginsAsked): Promise<readonly FoundLogin[] | 'unavailable'> => whole(adoptionLogins, () => findLogins(source, asked)),

    /** When each passkey of the account last signed in (ISO 8601); empty while the database is away. */
    lastUses: (account: string): Promise<Map<string, string>> => withinPatience(lastUses(source, account)).catch(() => new Map()),

    overdueSessions: (at: Date, limit: number) => overdueSessions(source, at, limit),
    pendingPasskeys: (limit: number) => pendingPasskeys(source, limit),
    noticesDue: (after: string, limit: number) => noticesDue(source, after, limit),
  }

  /** Only while no row is missing, but for those of the last seconds. */
  async function whole<T>(one: Projection, read: () => Promise<T>): Promise<T | 'unavailable'> {
    const { lag, parked } = runner.status().find(({ projection }) => projection === one.name) ?? {}
    if (lag === undefined || lag > oldestHistory || parked !== 0 || serving.older(one)) return 'unavailable'
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
