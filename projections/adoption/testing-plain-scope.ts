/** What a question looks at, in plain loops: days of a time zone, filters, groups. */
import type { Dimension, Question } from './question.ts'
import { all, first, providerOf, type Login, type Plain } from './testing-plain-history.ts'

type Zone = { format: Intl.DateTimeFormat; days: Map<number, string>; starts: Map<string, string> }
const zones = new Map<string, Zone>()
const quarter = 900_000

function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone)
  if (known) return known
  const zone: Zone = { format: new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }), days: new Map(), starts: new Map() }
  zones.set(timeZone, zone)
  return zone
}

/** The day that it was then and there, as 2026-11-02. No time zone changes within a quarter of an hour. */
export function dayOf(at: string, timeZone: string): string {
  const { format, days } = zoneOf(timeZone)
  const key = Math.floor(Date.parse(at) / quarter)
  const known = days.get(key)
  if (known !== undefined) return known
  const day = format.format(new Date(at))
  days.set(key, day)
  return day
}

const shift = (day: string, by: number): string => new Date(Date.parse(`${day}T00:00:00Z`) + by * 86_400_000).toISOString().slice(0, 10)
/** The Monday on or before the day. */
export const weekOf = (day: string): string => shift(day, -((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7))
export const periodOf = (day: string, every: NonNullable<Question['every']>): string => (every === 'day' ? day : every === 'week' ? weekOf(day) : `${day.slice(0, 7)}-01`)
/** The first day after the period. */
export const nextPeriod = (period: string, every: NonNullable<Question['every']>): string =>
  every === 'day' ? shift(period, 1) : every === 'week' ? shift(period, 7) : periodOf(shift(period, 32), 'month')

/** Whether the moment is before another one, which is a day or an instant. */
export const isBefore = (at: string, bound: string, timeZone: string): boolean => (bound.includes('T') ? Date.parse(at) < Date.parse(bound) : dayOf(at, timeZone) < bound)

export const isDuring = (at: string, { from, to, timeZone }: Question): boolean =>
  (from === undefined || !isBefore(at, from, timeZone)) && (to === undefined || isBefore(at, to, timeZone))

export const offerOf = (login: Login) => first(login, 'AppendOffered')?.data
export const isConditional = (login: Login): boolean => offerOf(login)?.mode === 'conditional'
export const isTest = (login: Login): boolean => login.begin.data.test === true || all(login, 'PasskeyVerified').some(({ data }) => data.test === true)
export const isSettings = (login: Login): boolean => login.begin.type === 'SettingsEntered'

/** The first quarter of an hour of a day, as an instant. */
export function startOf(day: string, timeZone: string): string {
  const { starts } = zoneOf(timeZone)
  const known = starts.get(day)
  if (known !== undefined) return known
  let at = Date.parse(`${day}T12:00:00Z`) - 30 * 3_600_000
  while (dayOf(new Date(at).toISOString(), timeZone) < day) at += quarter
  const start = new Date(at).toISOString()
  starts.set(day, start)
  return start
}

/** Whether the figures of a period, or of all that was asked for, reach into the last days: they may still change. */
export function isProvisional({ newest }: Plain, { every, to, timeZone }: Question, period: string | undefined, settles = 1): boolean {
  const instants = [...(every && period !== undefined ? [startOf(nextPeriod(period, every), timeZone)] : []), ...(to === undefined ? [] : [to.includes('T') ? to : startOf(to, timeZone)])]
  const end = Math.min(Number.POSITIVE_INFINITY, ...instants.map((at) => Date.parse(at)))
  return end > Date.parse(newest) - settles * 86_400_000
}

/** Offers of every person, other than conditional ones, from the first one on. */
const firstOffers = new WeakMap<Plain, Map<string, string>>()
function firstOfferOf(plain: Plain, account: string | null, test: boolean): string | undefined {
  if (account === null) return undefined
  let known = firstOffers.get(plain)
  if (!known) {
    known = new Map()
    for (const login of plain.logins) {
      const offered = first(login, 'AppendOffered')
      if (!offered || offered.data.mode === 'conditional' || login.account === null) continue
      for (const asked of isTest(login) ? [true] : [true, false]) {
        const key = `${login.account} ${asked}`
        const before = known.get(key)
        if (before === undefined || offered.at < before) known.set(key, offered.at)
      }
    }
    firstOffers.set(plain, known)
  }
  return known.get(`${account} ${test}`)
}

export function valueOf(plain: Plain, login: Login, dimension: Dimension, { timeZone, test }: Question): string {
  const { begin, account } = login
  const offer = offerOf(login)
  switch (dimension) {
    case 'platform':
      return begin.data.platform
    case 'osVersion':
      return begin.data.osVersion ?? 'none'
    case 'app':
      return begin.data.app
    case 'appVersion':
      return begin.data.appVersion ?? 'none'
    case 'entryPoint':
      return offer?.entryPoint ?? begin.data.entryPoint
    case 'variant':
      return offer?.variant ?? 'none'
    case 'policy':
      return (offer ?? first(login, 'AppendWithheld')?.data)?.policy ?? begin.data.plan.policy
    case 'offer':
      return offer === undefined ? 'none' : offer.offer === 1 ? '1' : offer.offer < 4 ? '2-3' : offer.offer === 4 ? '4' : '5+'
    case 'mode':
      return offer?.mode ?? 'none'
    case 'provider': {
      const used = first(login, 'PasskeyVerified')?.data.passkey
      return first(login, 'PasskeyAppended')?.data.aaguid ?? (used === undefined ? undefined : providerOf(plain, account, used)) ?? 'none'
    }
    case 'cohort': {
      const at = firstOfferOf(plain, account, test)
      return at === undefined ? 'none' : weekOf(dayOf(at, timeZone))
    }
  }
}

/** The filters, but for the period. */
export const matches = (plain: Plain, login: Login, question: Question): boolean =>
  (question.test || !isTest(login)) && Object.entries(question.filters).every(([name, values]) => values === undefined || values.includes(valueOf(plain, login, name as Dimension, question)))

/** What the question groups the login by. */
export const groupOf = (plain: Plain, login: Login, question: Question): Record<string, string> =>
  Object.fromEntries(question.by.map((name) => [name, valueOf(plain, login, name, question)]))

export const asksForMode = ({ by, filters }: Question): boolean => by.includes('mode') || filters.mode !== undefined
