/** Looks logins up for auditors: the rows that analysts' figures come from know when each began, where, and what came of it. */
import { adoptionLogins } from './adoption/logins.ts'
import type { Source } from './serving.ts'

export type LoginsAsked = {
  /** ISO 8601; the last moment does not count. */
  from?: string | undefined
  to?: string | undefined
  /** Began within the period; otherwise something of it may have been. */
  began: boolean
  app?: string | undefined
  platform?: string | undefined
  /** What it came to, or what became of its offer. */
  outcome?: string | undefined
  after: { startedAt: string; session: string } | undefined
  limit: number
}
/** `outcome`: what the login came to; `offer`: what became of its offer. */
export type FoundLogin = { session: string; account: string | null; app: string; platform: string; startedAt: string; outcome: string; offer: string | null }

/** The newest first. */
export async function findLogins({ sql, table }: Source, { from, to, began, app, platform, outcome, after, limit }: LoginsAsked): Promise<FoundLogin[]> {
  const rows = await sql<{ key: string; account: string | null; app: string; platform: string; started_at: string; status: string; outcome: string | null }[]>`
    select key, account, app, platform, started_at, status, outcome from ${sql(table(adoptionLogins))}
    where started_at is not null
      ${from === undefined ? sql`` : began ? sql`and started_at >= ${from}` : sql`and last_at >= ${from}`}
      ${to === undefined ? sql`` : sql`and started_at < ${to}`}
      ${app === undefined ? sql`` : sql`and app = ${app}`}
      ${platform === undefined ? sql`` : sql`and platform = ${platform}`}
      ${outcome === undefined ? sql`` : sql`and (status = ${outcome} or outcome = ${outcome})`}
      ${after === undefined ? sql`` : sql`and (started_at, key) < (${after.startedAt}, ${after.session})`}
    order by started_at desc, key desc limit ${limit}`
  return rows.map(({ key, started_at: startedAt, status, outcome: offer, ...row }) => ({ session: key, ...row, startedAt, outcome: status, offer }))
}
