/** A row per account: since when it exists, and when it had a passkey that signs in. */
import { accountEvents } from '../../domain/account/events.ts'
import { parseFact } from '../fact.ts'
import type { Projection } from '../projection.ts'

export type PersonRow = {
  account: string
  registered_at: string | null
  test: boolean
  erased_at: string | null
  /** Ids of the passkeys that sign in now. */
  active: string[]
  /** When there was at least one that signs in: from, until; null where there still is. */
  held: [from: string, until: string | null][]
  /** Of the newest event in this row. */
  last_at: string | null
}

export const adoptionPeople: Projection<PersonRow> = {
  name: 'adoption_people',
  version: 1,
  prefixes: ['account-'],
  key: ({ stream, type }) => (counted.has(type) ? stream.slice('account-'.length) : undefined),
  initial: (account) => ({ account, registered_at: null, test: false, erased_at: null, active: [], held: [], last_at: null }),
  evolve(row, event) {
    const fact = parseFact(accountEvents, event)
    const last_at = row.last_at !== null && row.last_at > fact.at ? row.last_at : fact.at
    switch (fact.type) {
      case 'AccountRegistered':
        return { ...row, registered_at: fact.at, test: fact.data.test ?? false, last_at }
      case 'PasskeyActivated':
        return { ...row, ...holding(row, [...row.active.filter((one) => one !== fact.data.passkey), fact.data.passkey], fact.at), last_at }
      case 'PasskeyRevoked':
        return { ...row, ...holding(row, row.active.filter((one) => one !== fact.data.passkey), fact.at), last_at }
      case 'AccountErased':
        return { ...row, ...holding(row, [], fact.at), erased_at: row.erased_at ?? fact.at, last_at }
      default:
        return row
    }
  },
  columns: { account: 'uuid', registered_at: 'timestamptz', test: 'boolean', erased_at: 'timestamptz', active: 'jsonb', held: 'jsonb', last_at: 'timestamptz' },
  indexes: [['last_at']],
}

const counted: ReadonlySet<string> = new Set(['AccountRegistered', 'PasskeyActivated', 'PasskeyRevoked', 'AccountErased'])

function holding({ active, held }: PersonRow, now: string[], at: string): Pick<PersonRow, 'active' | 'held'> {
  if (active.length === 0 && now.length > 0) return { active: now, held: [...held, [at, null]] }
  const last = held.at(-1)
  return active.length > 0 && now.length === 0 && last ? { active: now, held: [...held.slice(0, -1), [last[0], at]] } : { active: now, held }
}
