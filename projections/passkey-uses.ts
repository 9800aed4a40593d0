/** How often, and when last, a passkey signed in. The account's stream has only what a use changed; the logins have every one. */
import { sessionEvents } from '../domain/session/events.ts'
import { parseFact } from './fact.ts'
import type { Projection } from './projection.ts'
import type { Source } from './serving.ts'

export type PasskeyUsesRow = {
  account: string
  passkey: string
  first_used_at: string | null
  last_used_at: string | null
  uses: number
  /** Those that came from another device. */
  cross_device_uses: number
}

export const passkeyUses: Projection<PasskeyUsesRow> = {
  name: 'passkey_uses',
  version: 1,
  prefixes: ['session-'],
  // By its account too: two accounts may have registered the same credential id.
  key: ({ type, data }) => (type === 'PasskeyVerified' ? `${data['account']}/${data['passkey']}` : undefined),
  initial: () => ({ account: '', passkey: '', first_used_at: null, last_used_at: null, uses: 0, cross_device_uses: 0 }),
  evolve(row, event) {
    const fact = parseFact(sessionEvents, event)
    if (fact.type !== 'PasskeyVerified') return row
    const { account, passkey, crossDevice } = fact.data
    return {
      account,
      passkey,
      first_used_at: row.first_used_at ?? fact.at,
      last_used_at: fact.at,
      uses: row.uses + 1,
      cross_device_uses: row.cross_device_uses + (crossDevice ? 1 : 0),
    }
  },
  columns: {
    account: 'text',
    passkey: 'text',
    first_used_at: 'timestamptz',
    last_used_at: 'timestamptz',
    uses: 'integer',
    cross_device_uses: 'integer',
  },
  indexes: [['account']],
}

/** When each passkey of the account last signed in. @throws what the database throws */
export async function lastUses({ sql, table }: Source, account: string): Promise<Map<string, string>> {
  const rows = await sql<{ passkey: string; last_used_at: string }[]>`
    select passkey, last_used_at from ${sql(table(passkeyUses))} where account = ${account}`
  return new Map(rows.map(({ passkey, last_used_at }) => [passkey, last_used_at]))
}
