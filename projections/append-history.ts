/** What became of every offer to create a passkey: a row per login in which one was made or withheld. The next offer is decided by it. */
import { offersLookedAt } from '../domain/policy/append.ts'
import { noOffers, type OfferHistory, type OfferOutcome, type PastOffer } from '../domain/policy/history.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { parseFact } from './fact.ts'
import type { Projection } from './projection.ts'
import type { Source } from './serving.ts'

export type AppendHistoryRow = {
  account: string | null
  app: string
  platform: string
  /** The offer's number for the account; null where none was made. */
  offer: number | null
  offered_at: string | null
  mode: string | null
  entry_point: string | null
  variant: string | null
  policy: string | null
  /** The last thing that became of it. */
  outcome: string
  reason: string | null
  starts: number
  settled_at: string | null
}

export const appendHistory: Projection<AppendHistoryRow> = {
  name: 'append_history',
  version: 3,
  prefixes: ['session-'],
  key: ({ stream }) => stream.slice('session-'.length),
  initial: () => ({
    account: null,
    app: '',
    platform: '',
    offer: null,
    offered_at: null,
    mode: null,
    entry_point: null,
    variant: null,
    policy: null,
    outcome: 'none',
    reason: null,
    starts: 0,
    settled_at: null,
  }),
  evolve(row, event) {
    const fact = parseFact(sessionEvents, event)
    const settled = (outcome: string, reason: string | null = null): AppendHistoryRow => ({ ...row, outcome, reason, settled_at: fact.at })
    switch (fact.type) {
      case 'IdentifierEntered':
      case 'SettingsEntered':
        return { ...row, account: fact.data.account, app: fact.data.app, platform: fact.data.platform }
      case 'UsernamelessLoginStarted':
        return { ...row, app: fact.data.app, platform: fact.data.platform }
      case 'PasskeyVerified':
        return { ...row, account: fact.data.account }
      case 'AppendOffered': {
        const { offer, mode, entryPoint, variant, policy } = fact.data
        return { ...row, offer, offered_at: fact.at, mode, entry_point: entryPoint, variant, policy, outcome: 'offered' }
      }
      case 'AppendWithheld':
        return { ...settled('withheld', fact.data.reason), policy: fact.data.policy }
      case 'AppendStarted':
        return { ...row, outcome: 'started', reason: null, starts: row.starts + 1, settled_at: null }
      case 'PasskeyAppended':
        return settled('created')
      case 'AppendSkipped':
        return settled('declined', fact.data.reason)
      case 'AppendCancelled':
        return settled('cancelled', fact.data.reason)
      case 'AppendNotShown':
        return settled('not_shown', fact.data.reason)
      case 'AppendFailed':
        return settled('failed', fact.data.reason)
      default:
        return row
    }
  },
  columns: {
    account: 'text',
    app: 'text',
    platform: 'text',
    offer: 'integer',
    offered_at: 'timestamptz',
    mode: 'text',
    entry_point: 'text',
    variant: 'text',
    policy: 'text',
    outcome: 'text',
    reason: 'text',
    starts: 'integer',
    settled_at: 'timestamptz',
  },
  indexes: [['account']],
}

/** What the rules say of what a row says. */
const outcomeOf: Readonly<Record<string, OfferOutcome>> = { created: 'created', declined: 'declined', cancelled: 'cancelled', not_shown: 'notShown', failed: 'failed' }

/** The offers that an account was made so far, over all its sessions. @throws what the database throws */
export async function pastOffers({ sql, table }: Source, account: string): Promise<OfferHistory> {
  const rows = await sql<({ offers: number; outcome: string } & Omit<PastOffer, 'outcome'>)[]>`
    select offered_at as at, mode, entry_point as "entryPoint", outcome, settled_at as "settledAt", (count(*) filter (where mode <> 'conditional') over ())::int as offers
      from ${sql(table(appendHistory))} where account = ${account} and offer is not null order by offered_at desc, key limit ${offersLookedAt}`
  const recent = rows.map(({ at, mode, entryPoint, outcome, settledAt }): PastOffer => ({ at, mode, entryPoint, outcome: outcomeOf[outcome] ?? 'unanswered', settledAt }))
  return rows[0] ? { offers: rows[0].offers, recent } : noOffers
}
