import postgres, { type Sql } from 'postgres'
import { setTimeout as sleep } from 'node:timers/promises'
import { socketPath, startEmbedded } from './embedded.ts'

export type Database = {
  /**
   * Every query fails while Postgres is away, at once or after 5 s, and works again as soon as it is back. Never use `begin` or `reserve` of it: with
   * more queries than connections a transaction's first statement can go out on a connection that others use (UNSAFE_TRANSACTION), and a connection
   * lost inside ends the process. A change is one statement, or several in one `unsafe`.
   */
  sql: Sql
  /** Resolves when it takes queries for the first time; rejects when it was closed before, or cannot ever be opened. */
  ready: Promise<void>
  close(): Promise<void>
}

/** PostgreSQL by its URL, or embedded in this process with its data in `folder`/postgres. Returns at once; the engine lives without it. */
export const openDatabase = (options: { url: string } | { folder: string; onReset?: (reason: string) => void }): Database => {
  if ('url' in options) {
    const sql = postgres(options.url, {
      ...common,
      max: 10,
      idle_timeout: 60,
      // Figures are grouped by person: in memory, where the server's own 4 MB would take them to disk.
      // To compile such a query takes longer than to answer it.
      connection: { application_name: 'keyledger', statement_timeout: 30_000, idle_in_transaction_session_timeout: 30_000, work_mem: '64MB', jit: false },
    })
    return withReady(sql, undefined, () => end(sql))
  }
  const embedded = startEmbedded(options)
  // One session serves all connections and keeps what they prepare: few of them, which last as long as the session.
  const sql = postgres({ ...common, ...local, path: embedded.path, max: 4, max_lifetime: null })
  return withReady(sql, embedded.ready, async () => {
    await end(sql)
    await embedded.close()
  })
}

/** The embedded database of an engine that runs in another process. @throws Error when there was never one in this folder */
export const connectEmbedded = ({ folder }: { folder: string }): Database => {
  const sql = postgres({ ...common, ...local, path: socketPath(folder), max: 2, prepare: false })
  return withReady(sql, undefined, () => end(sql))
}

/** A connection that was lost with a query in flight never says that it ended: hence the time limit, in seconds. Queries still running then fail. */
const end = (sql: Sql) => sql.end({ timeout: 1 })

const withReady = (sql: Sql, started: Promise<void> | undefined, close: () => Promise<void>): Database => {
  const closing = new AbortController()
  const answer = async () => {
    await started
    for (;;) {
      closing.signal.throwIfAborted()
      try {
        await sql`select 1`
        return
      } catch {
        await sleep(500, undefined, { signal: closing.signal })
      }
    }
  }
  const ready = answer()
  ready.catch(() => {})
  return {
    sql,
    ready,
    close: () => {
      closing.abort(new Error('the database was closed'))
      return close()
    },
  }
}

/** Postgres' array literal, quoted throughout (documentation, 8.15.2); an element may also be a number. */
const arrayLiteral = (values: readonly unknown[]) => `{${values.map((value) => `"${String(value).replace(/[\\"]/g, '\\$&')}"`).join(',')}}`
const array = (oid: number) => ({ to: oid, from: [], serialize: arrayLiteral, parse: String })

const isoTime = (value: string | Date) => new Date(value).toISOString()

const common = {
  // No query goes out behind another one on the same connection: one that cannot be sent (a parameter that is undefined) then rejects the other in its
  // place, and itself and all that follow there are never answered (porsager/postgres#1082). And the default pipelines so deep that it decays under load.
  // Not in the package's types.
  ...{ max_pipeline: 0 },
  connect_timeout: 5,
  // A query says at once that Postgres is away; whoever tries again has a pause of his own.
  backoff: false,
  onnotice: () => {},
  // The look-up of types on each new connection is a promise that nobody awaits: lost at that moment, it would end the process.
  fetch_types: false,
  types: {
    texts: array(1009),
    integers: array(1007),
    bigints: array(1016),
    // As in the rows of a projection: numbers below 2^53, and ISO 8601 in UTC with milliseconds.
    bigint: { to: 20, from: [20], serialize: String, parse: Number },
    time: { to: 1184, from: [1184], serialize: isoTime, parse: isoTime },
  },
}
const local = { user: 'postgres', database: 'postgres', pass: '' }
