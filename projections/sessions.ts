/** The public state of every session: the fold that decides, stored as a row. Never a challenge, a hash or a sealed value. */
import { sessionEvents } from '../domain/session/events.ts'
import { evolveView, type SessionView } from '../domain/session/state.ts'
import { parseFact } from './fact.ts'
import type { Projection } from './projection.ts'
import type { Source } from './serving.ts'

export type SessionRow = {
  revision: number
  account: string | null
  app: string
  status: string
  started_at: string | null
  updated_at: string | null
  expires_at: string | null
  view: SessionView | null
}

export const sessions: Projection<SessionRow> = {
  name: 'sessions',
  version: 3,
  prefixes: ['session-'],
  key: ({ stream }) => stream.slice('session-'.length),
  initial: () => ({ revision: -1, account: null, app: '', status: 'running', started_at: null, updated_at: null, expires_at: null, view: null }),
  evolve(row, event) {
    const view = evolveView(row.view, parseFact(sessionEvents, event))
    return {
      revision: event.revision,
      account: view.account,
      app: view.app,
      status: view.status,
      started_at: row.started_at ?? event.metadata.at,
      updated_at: event.metadata.at,
      expires_at: view.expiresAt,
      view,
    }
  },
  columns: {
    revision: 'integer',
    account: 'text',
    app: 'text',
    status: 'text',
    started_at: 'timestamptz',
    updated_at: 'timestamptz',
    expires_at: 'timestamptz',
    view: 'jsonb',
  },
  indexes: [['account'], ['status', 'expires_at']],
}

/** @throws what the database throws */
export async function sessionRow({ sql, table }: Source, id: string): Promise<{ view: SessionView; revision: number } | undefined> {
  const [row] = await sql<{ revision: number; view: SessionView }[]>`select revision, view from ${sql(table(sessions))} where key = ${id}`
  return row
}

/** Logins that ran out of time and were not yet said to have. */
export async function overdueSessions({ sql, table }: Source, now: Date, limit: number): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`
    select key from ${sql(table(sessions))} where status = 'running' and expires_at <= ${now.toISOString()} order by expires_at limit ${limit}`
  return rows.map(({ key }) => key)
}

/** Every login that names the account. */
export async function sessionsOf({ sql, table }: Source, account: string): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`select key from ${sql(table(sessions))} where account = ${account} order by started_at`
  return rows.map(({ key }) => key)
}
