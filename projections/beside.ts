/** What auditors look up in the rows, for a process that keeps none of them: the command line beside a running engine, or without one. */
import type { Sql } from 'postgres'
import type { EventLog } from '../eventlog/event-log.ts'
import { adoptionLogins } from './adoption/logins.ts'
import { findLogins, type FoundLogin, type LoginsAsked } from './found-logins.ts'
import { createCoverage } from './ledger/coverage.ts'
import { createLedgerTable } from './ledger/table.ts'
import { tableName, type Projection } from './projection.ts'
import { sessions, sessionsOf } from './sessions.ts'
import { readStatus } from './status.ts'

/** ms. Rows that are further behind than this are not all there. */
const oldest = 30_000

/** `ledger`: the name of the ledger's stream. */
export function openRowsBeside({ log, sql, ledger, now }: { log: EventLog; sql: Sql; ledger: string; now: () => Date }) {
  const source = { sql, table: tableName }
  async function whole<T>(projection: Projection, read: () => Promise<T>): Promise<T | 'unavailable'> {
    try {
      const [status] = await readStatus({ log, sql, projections: [projection], now })
      return status?.lag !== undefined && status.lag <= oldest && status.parked === 0 ? await read() : 'unavailable'
    } catch {
      return 'unavailable'
    }
  }
  return {
    coverageOf: createCoverage({ log, ledger, table: createLedgerTable(sql) }),
    sessionsOf: (account: string): Promise<readonly string[] | 'unavailable'> => whole(sessions, () => sessionsOf(source, account)),
    findLogins: (asked: LoginsAsked): Promise<readonly FoundLogin[] | 'unavailable'> => whole(adoptionLogins, () => findLogins(source, asked)),
  }
}
