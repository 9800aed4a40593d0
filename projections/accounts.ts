/** What every account has, as far as a reader may see it: sealed values stay sealed, hashes and verifiers stay in the log. */
import { accountEvents } from '../domain/account/events.ts'
import { parseFact } from './fact.ts'
import type { Projection } from './projection.ts'
import type { Source } from './serving.ts'

type PasskeyRow = { passkey: string; status: 'pending' | 'active' | 'revoked'; session: string; app: string; aaguid: string; linked_at: string }

export type AccountRow = {
  revision: number
  status: string
  source: string
  registered_at: string | null
  mfa: boolean
  has_password: boolean
  test: boolean
  identifiers: { kind: string; value: string }[]
  contacts: { contact: string; channel: string; address: string }[]
  passkeys: PasskeyRow[]
  active_passkeys: number
  pending_passkeys: number
  /** Notices that some contact has not been sent, and is still to be. */
  notices_due: number
  never_offer: boolean
}

export const accounts: Projection<AccountRow> = {
  name: 'accounts',
  version: 2,
  prefixes: ['account-'],
  key: ({ stream }) => stream.slice('account-'.length),
  initial: () => ({
    revision: -1,
    status: 'active',
    source: '',
    registered_at: null,
    mfa: false,
    has_password: false,
    test: false,
    identifiers: [],
    contacts: [],
    passkeys: [],
    active_passkeys: 0,
    pending_passkeys: 0,
    notices_due: 0,
    never_offer: false,
  }),
  evolve(before, event) {
    const fact = parseFact(accountEvents, event)
    const row = { ...before, revision: event.revision }
    switch (fact.type) {
      case 'AccountRegistered': {
        const { source, mfa, test = false, identifiers } = fact.data
        return { ...row, source, mfa, test, registered_at: fact.at, identifiers: identifiers.map(({ kind, value }) => ({ kind, value })) }
      }
      case 'PasswordSet':
        return { ...row, has_password: true }
      case 'ContactAdded':
        return { ...row, contacts: [...row.contacts.filter(({ contact }) => contact !== fact.data.contact), fact.data] }
      case 'ContactRemoved':
        return { ...row, contacts: row.contacts.filter(({ contact }) => contact !== fact.data.contact) }
      case 'MfaSwitched':
        return { ...row, mfa: fact.data.enabled }
      case 'AccountDisabled':
        return { ...row, status: row.status === 'erased' ? 'erased' : 'disabled' }
      case 'AccountEnabled':
        return { ...row, status: row.status === 'erased' ? 'erased' : 'active' }
      case 'AccountErased':
        return { ...row, status: 'erased', notices_due: 0 }
      case 'PasskeyLinked': {
        const { passkey, session, app, aaguid } = fact.data
        return counted(row, [...row.passkeys, { passkey, status: 'pending', session, app, aaguid, linked_at: fact.at }])
      }
      case 'PasskeyActivated':
        return counted(noticed(row), withStatus(row.passkeys, fact.data.passkey, 'active'))
      case 'PasskeyRevoked': {
        const wasActive = row.passkeys.some(({ passkey, status }) => passkey === fact.data.passkey && status === 'active')
        return counted(wasActive ? noticed(row) : row, withStatus(row.passkeys, fact.data.passkey, 'revoked'))
      }
      case 'NoticeSent':
        return { ...row, notices_due: row.notices_due - 1 }
      case 'NoticeFailed':
        return fact.data.final ? { ...row, notices_due: row.notices_due - 1 } : row
      case 'AppendPreferenceChanged':
        return { ...row, never_offer: fact.data.never }
      default:
        return row
    }
  },
  columns: {
    revision: 'integer',
    status: 'text',
    source: 'text',
    registered_at: 'timestamptz',
    mfa: 'boolean',
    has_password: 'boolean',
    test: 'boolean',
    identifiers: 'jsonb',
    contacts: 'jsonb',
    passkeys: 'jsonb',
    active_passkeys: 'integer',
    pending_passkeys: 'integer',
    notices_due: 'integer',
    never_offer: 'boolean',
  },
  indexes: [['pending_passkeys'], ['notices_due']],
}

const withStatus = (passkeys: PasskeyRow[], id: string, status: PasskeyRow['status']): PasskeyRow[] =>
  passkeys.map((one) => (one.passkey === id ? { ...one, status } : one))

const counted = (row: AccountRow, passkeys: PasskeyRow[]): AccountRow => ({
  ...row,
  passkeys,
  active_passkeys: passkeys.filter(({ status }) => status === 'active').length,
  pending_passkeys: passkeys.filter(({ status }) => status === 'pending').length,
})

/** Every contact of this moment is told. */
const noticed = (row: AccountRow): AccountRow => ({ ...row, notices_due: row.notices_due + row.contacts.length })

/** Passkeys that wait for a login to be finished, with that login. */
export async function pendingPasskeys({ sql, table }: Source, limit: number): Promise<{ account: string; session: string }[]> {
  const rows = await sql<{ key: string; passkeys: PasskeyRow[] }[]>`
    select key, passkeys from ${sql(table(accounts))} where pending_passkeys > 0 limit ${limit}`
  return rows.flatMap(({ key, passkeys }) =>
    passkeys.filter(({ status }) => status === 'pending').map(({ session }) => ({ account: key, session })),
  )
}

/** Accounts with notices due, in the order of their ids, from the one after `after` on. */
export async function noticesDue({ sql, table }: Source, after: string, limit: number): Promise<string[]> {
  const rows = await sql<{ key: string }[]>`
    select key from ${sql(table(accounts))} where notices_due > 0 and key > ${after} order by key limit ${limit}`
  return rows.map(({ key }) => key)
}
