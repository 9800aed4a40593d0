/** Given these logins, then these rows: through the real projections into a real PostgreSQL, which all tests of a file share. */
import { afterAll, beforeAll } from 'vitest'
import type { AccountEvent } from '../../domain/account/events.ts'
import { facts, place } from '../../domain/session/given.ts'
import type { SessionEvent } from '../../domain/session/events.ts'
import type { Recorded } from '../../eventlog/event-log.ts'
import { writeBatch } from '../batch.ts'
import { openDatabase, type Database } from '../database.ts'
import { createStore } from '../store.ts'
import { startPostgres, type TestPostgres } from '../testing-postgres.ts'
import { adoptionTables } from './adoption.ts'
import type { Answer, Row, Values } from './answer.ts'
import { ask } from './ask.ts'
import { adoptionLogins } from './logins.ts'
import { metricOf } from './metrics.ts'
import { adoptionPeople } from './people.ts'
import { readQuestion } from './question.ts'

export const tables = adoptionTables()

const hex = (n: number): string => n.toString(16).padStart(12, '0')
export const personOf = (n: number): string => `00000000-0000-4000-8000-${hex(n)}`
export const sessionOf = (n: number): string => `00000000-0000-5000-8000-${hex(n)}`

/** A second after the one before it, unless it says how many seconds. */
type Step = SessionEvent | [seconds: number, SessionEvent]
type Place = Partial<Omit<(SessionEvent & { type: 'IdentifierEntered' })['data'], 'account'>>

const recordedOf = (stream: string, correlation: string, at: number, { type, data }: SessionEvent | AccountEvent): Recorded => ({
  id: '00000000-0000-4000-8000-000000000000', stream, revision: 0, position: '0', type, data: data as Recorded['data'],
  metadata: { at: new Date(at).toISOString(), actor: 'engine', $correlationId: correlation, $causationId: 'x' },
})

let sessions = 0
const begin = (at: string, first: SessionEvent, steps: readonly Step[], person?: number): Recorded[] => {
  const session = sessionOf((sessions += 1))
  const has = (type: string): boolean => steps.some((step) => (Array.isArray(step) ? step[1] : step).type === type)
  let time = Date.parse(at)
  const mine = (event: SessionEvent, after: number): Recorded[] => {
    time += after * 1000
    const of = (stream: string, fact: SessionEvent | AccountEvent) => recordedOf(stream, session, time, fact)
    const own = event.type === 'PasskeyAppended' ? { ...event, data: { ...event.data, passkey: `made-by-${session}` } } : event
    // What outlives the login is written to the account first.
    const left: AccountEvent[] =
      event.type === 'PasskeyAppended' || event.type === 'OtpVerified'
        ? [{ type: 'PasskeyActivated', data: { passkey: `made-by-${session}` } }]
        : event.type === 'BiometricToggled'
          ? [{ type: 'InstallationBiometricToggled', data: { installation: place.installation, enabled: event.data.enabled } }]
          : []
    const active = event.type === 'OtpVerified' ? has('PasskeyAppended') : event.type !== 'PasskeyAppended' || !(has('OtpIssued') || has('OtpVerified'))
    return [...(person !== undefined && active ? left.map((fact) => of(`account-${personOf(person)}`, fact)) : []), of(`session-${session}`, own)]
  }
  return [recordedOf(`session-${session}`, session, time, first), ...steps.flatMap((step) => (Array.isArray(step) ? mine(step[1], step[0]) : mine(step, 1)))]
}

/** In a login in which a code is sent, the passkey signs in only once it has come back. */
export const appendedThen = facts.appended()
export const codeThen = facts.codeVerified()

const placed = (event: SessionEvent, where: Place, more: object = {}): SessionEvent => ({ ...event, data: { ...event.data, ...where, ...more } }) as SessionEvent

/** Somebody, or nobody's identifier. */
export const login = (person: number | null, at: string, where: Place, ...steps: Step[]): Recorded[] =>
  begin(at, placed(facts.entered(), where, { account: person === null ? null : personOf(person) }), steps, person ?? undefined)
export const usernameless = (at: string, where: Place, ...steps: Step[]): Recorded[] => begin(at, placed(facts.usernameless(), where), steps)
export const settings = (person: number, at: string, where: Place, ...steps: Step[]): Recorded[] =>
  begin(at, placed(facts.settings(), where, { account: personOf(person) }), steps, person)

/** `session`: the login that it is done in, or while it is signed in. */
export const inAccount = (person: number, at: string, event: AccountEvent, session = personOf(person)): Recorded =>
  recordedOf(`account-${personOf(person)}`, session, Date.parse(at), event)
export const registered = (person: number, at: string, test = false): Recorded =>
  inAccount(person, at, { type: 'AccountRegistered', data: { source: 'import', identifiers: [], mfa: false, ...(test ? { test } : {}) } })
/** Of the login's first event. */
export const sessionIn = (events: readonly Recorded[]): string => events[0]?.metadata.$correlationId ?? ''
export const usedPasskey = (person: number, passkey: string, says: object = {}): SessionEvent =>
  ({ ...facts.passkeyVerified(), data: { ...facts.passkeyVerified().data, account: personOf(person), passkey, ...says } }) as SessionEvent

export type Figures = ReturnType<typeof useFigures>

export const useFigures = () => {
  let postgres: TestPostgres
  let database: Database
  let url: string
  const stores = () => [adoptionLogins, adoptionPeople].map((projection) => ({ projection, store: createStore(database.sql, projection) }))
  beforeAll(async () => {
    postgres = await startPostgres()
    url = await postgres.createDatabase()
    database = openDatabase({ url })
    for (const { store } of stores()) await store.create()
  })
  afterAll(async () => {
    await database.close()
    await postgres.remove()
  })

  const answer = (metric: string, query = '', { k = 1, plannedPeople }: { k?: number; plannedPeople?: number } = {}): Promise<Answer> => {
    const known = metricOf(metric)
    if (!known) throw new RangeError(`there is no metric ${metric}`)
    return ask({ sql: database.sql, tables, k, plannedPeople }, known, readQuestion(new URLSearchParams(query)))
  }
  return {
    get sql() {
      return database.sql
    },
    /** Of the database that the tables are in. */
    get url() {
      return url
    },
    get postgres() {
      return postgres
    },
    /** These events and no others, in the order of their time. */
    async given(...events: (Recorded | Recorded[])[]): Promise<void> {
      await this.forget()
      await this.also(...events)
    },
    async also(...events: (Recorded | Recorded[])[]): Promise<void> {
      const inOrder = events.flat().map((event, n) => ({ event, n })).toSorted((a, b) => a.event.metadata.at.localeCompare(b.event.metadata.at) || a.n - b.n)
      for (const { projection, store } of stores()) {
        const from = await store.checkpoint()
        const mine = inOrder.map(({ event }) => event).filter(({ stream }) => projection.prefixes.some((prefix) => stream.startsWith(prefix)))
        const { parked } = await writeBatch(store, projection, { events: mine, from, to: { ...from, generation: from.generation + 1 }, parked: new Set() })
        if (parked[0]) throw new Error(parked[0].error)
      }
    },
    async forget(): Promise<void> {
      await database.sql.unsafe(`truncate ${tables.logins}, ${tables.people}`)
    },
    answer,
    /** The rows alone, each as text: period, group, then people and values. */
    async rows(metric: string, query = '', options = {}): Promise<Record<string, unknown>> {
      const { rows } = await answer(metric, query, options)
      return Object.fromEntries(rows.map((row) => [nameOf(row), 'fewerThan' in row ? `fewer than ${row.fewerThan}` : short(row.values)]))
    },
  }
}

const nameOf = ({ period, group }: Row): string => [...(period === undefined ? [] : [period]), ...Object.values(group)].join(' ') || 'all'
const short = (values: Values): unknown =>
  'numerator' in values ? `${values.numerator}/${values.denominator}` : 'p50' in values ? [values.p25, values.p50, values.p90, values.count] : values.count
