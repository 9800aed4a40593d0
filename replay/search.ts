/**
 * Looks for logins, and for events. Rows answer what they can: which logins began when, where, and what came of them. What only events tell is read from
 * the streams of those logins, and where no rows can say which, from the log. Every page looks at so much at most, and says where it left off.
 */
import { factOf, prefixOf, type EventType } from '../domain/all-events.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import { summarizeLogin, type LoginSummary } from './login-summary.ts'
import { BadSearch, type SearchQuestion } from './search-question.ts'
import { tell } from './tellings.ts'

/** A login as its row has it: `outcome` what it came to, `offer` what became of its offer. */
export type FoundLogin = { session: string; account: string | null; app: string; platform: string; startedAt: string; outcome: string; offer: string | null }
/** `began`: within the period; otherwise something of it may be. The newest first, from the one after `after` on. */
export type LoginsAsked = Pick<SearchQuestion, 'from' | 'to' | 'app' | 'platform' | 'outcome'> & { began: boolean; after: { startedAt: string; session: string } | undefined; limit: number }
/** 'unavailable' while the rows are away, far behind, or not all of them are there. */
export type FindLogins = (asked: LoginsAsked) => Promise<readonly FoundLogin[] | 'unavailable'>

export type Found = {
  /** When the event happened; without one, when the login began. */
  at: string
  session: string | null
  account: string | null
  app: string | null
  platform: string | null
  outcome: string | null
  offer: string | null
  event: { stream: string; revision: number; type: EventType; sentence: string } | null
}
export type SearchAnswer = {
  source: 'rows' | 'rows and streams' | 'log'
  order: 'newest first' | 'oldest first'
  found: Found[]
  looked: { logins: number; events: number }
  /** How far it was looked, where there is more to look at. */
  until: string | null
  /** Asks for the next page; null: that was all. */
  after: string | null
}

/** The rows are away, and the page before was of theirs. */
export class SearchUnavailable extends Error {
  readonly code = 'search_unavailable'
}

/** To a page. */
const most = { logins: 1_000, events: 50_000 }
/** Streams that are read at the same time. */
const together = 20

const begins: readonly string[] = ['IdentifierEntered', 'UsernamelessLoginStarted', 'SettingsEntered']

/** @throws BadSearch, SearchUnavailable, UnknownEvent, Unavailable */
export async function search({ log, findLogins }: { log: EventLog; findLogins: FindLogins }, question: SearchQuestion): Promise<SearchAnswer> {
  const cursor = cursorOf(question.after)
  const ofSession = question.type === undefined || prefixOf(question.type) === 'session-'
  if (!ofSession || (cursor && 'position' in cursor)) return searchLog(log, question, cursor && 'position' in cursor ? cursor.position : undefined)
  const found = await searchRows({ log, findLogins }, question, cursor)
  if (found !== 'unavailable') return found
  if (cursor) throw new SearchUnavailable('the rows of this search are out of reach')
  return searchLog(log, question, undefined)
}

async function searchRows({ log, findLogins }: { log: EventLog; findLogins: FindLogins }, question: SearchQuestion, from: { startedAt: string; session: string } | undefined): Promise<SearchAnswer | 'unavailable'> {
  const { type, reason, limit } = question
  const alone = type === undefined && reason === undefined
  const found: Found[] = []
  const looked = { logins: 0, events: 0 }
  let after = from
  for (;;) {
    const wanted = alone ? limit : together
    const logins = await findLogins({ ...question, began: alone, after, limit: wanted })
    if (logins === 'unavailable') return 'unavailable'
    if (alone) found.push(...logins.map(loginFound))
    else {
      for (const events of await Promise.all(logins.map((login) => eventsOf(log, login, question)))) {
        found.push(...events.found)
        looked.events += events.looked
      }
    }
    looked.logins += logins.length
    const last = logins.at(-1)
    after = last && { startedAt: last.startedAt, session: last.session }
    // Fewer than were asked for: there are no more.
    const all = logins.length < wanted
    if (all || found.length >= limit || looked.logins >= most.logins) {
      return { source: alone ? 'rows' : 'rows and streams', order: 'newest first', found, looked, until: all ? null : (after?.startedAt ?? null), after: all || !after ? null : cursorText({ r: [after.startedAt, after.session] }) }
    }
  }
}

const loginFound = ({ session, account, app, platform, startedAt, outcome, offer }: FoundLogin): Found => ({ at: startedAt, session, account, app, platform, outcome, offer, event: null })

/** Of one login, the newest event first. */
async function eventsOf(log: EventLog, { session, account, app, platform, outcome, offer }: FoundLogin, question: SearchQuestion) {
  const found: Found[] = []
  let looked = 0
  for await (const recorded of log.read(`session-${session}`)) {
    looked += 1
    if (matches(recorded, question)) found.unshift({ at: recorded.metadata.at, session, account, app, platform, outcome, offer, event: eventOf(recorded) })
  }
  return { found, looked }
}

/** In log order. No time leads into it, and none ends it: the clocks of engines differ, and a log may be put together of others. */
async function searchLog(log: EventLog, question: SearchQuestion, position: string | undefined): Promise<SearchAnswer> {
  const { type, limit } = question
  const logins = new Map<string, LoginSummary | undefined>()
  const found: Found[] = []
  const looked = { logins: 0, events: 0 }
  let after = position
  let until: string | null = null
  const answer = (more: boolean): SearchAnswer => ({
    source: 'log', order: 'oldest first', found, looked, until: more ? until : null, after: more && after !== undefined ? cursorText({ p: after }) : null,
  })
  for await (const recorded of readFrom(log, position, [type === undefined ? 'session-' : prefixOf(type)])) {
    looked.events += 1
    ;[after, until] = [recorded.position, recorded.metadata.at]
    if (matches(recorded, question)) {
      const session = sessionOf(recorded)
      if (session !== null && !logins.has(session)) {
        logins.set(session, await summarizeLogin(log, session))
        looked.logins += 1
      }
      const login = session === null ? undefined : logins.get(session)
      if (fits(login, question)) found.push(foundIn(recorded, session, login))
    }
    if (found.length >= limit || looked.events >= most.events || looked.logins >= most.logins) return answer(true)
  }
  return answer(false)
}

/** @throws BadSearch for a position that this log does not have */
async function* readFrom(log: EventLog, position: string | undefined, prefixes: readonly string[]): AsyncGenerator<Recorded> {
  try {
    yield* log.readAll({ after: position, prefixes })
  } catch (error) {
    const isNone = (error instanceof RangeError || error instanceof TypeError) && error.message.includes('position')
    throw isNone ? new BadSearch('after', expectedAfter) : error
  }
}

const expectedAfter = 'must be what the page before said'

function matches(recorded: Recorded, { type, reason, from, to }: SearchQuestion): boolean {
  const { at } = recorded.metadata
  if ((from !== undefined && at < from) || (to !== undefined && at >= to)) return false
  if (type !== undefined ? recorded.type !== type : reason === undefined && !begins.includes(recorded.type)) return false
  return reason === undefined || recorded.data['reason'] === reason
}

const fits = (login: LoginSummary | undefined, { app, platform, outcome }: SearchQuestion): boolean =>
  (app === undefined || login?.app === app) &&
  (platform === undefined || login?.platform === platform) &&
  (outcome === undefined || login?.outcome === outcome || login?.offer?.outcome === outcome)

/** The login that the event is of, or came about in (RFC 9562, version 5; an account's own id is of version 4). */
function sessionOf({ stream, metadata: { $correlationId: cause } }: Recorded): string | null {
  if (/^(session|tokens)-/.test(stream)) return stream.slice(stream.indexOf('-') + 1)
  return stream.startsWith('account-') && cause[14] === '5' ? cause : null
}

function foundIn(recorded: Recorded, session: string | null, login: LoginSummary | undefined): Found {
  const account = recorded.stream.startsWith('account-') ? recorded.stream.slice('account-'.length) : (login?.account ?? null)
  const { metadata: { at } } = recorded
  return { at, session, account, app: login?.app ?? null, platform: login?.platform ?? null, outcome: login?.outcome ?? null, offer: login?.offer?.outcome ?? null, event: eventOf(recorded) }
}

/** @throws UnknownEvent */
function eventOf(recorded: Recorded): NonNullable<Found['event']> {
  const { stream, revision } = recorded
  const { type } = factOf(recorded)
  return { stream, revision, type, sentence: tell(recorded).sentence }
}

const cursorText = (cursor: { p: string } | { r: [string, string] }): string => Buffer.from(JSON.stringify(cursor)).toString('base64url')

/** @throws BadSearch */
function cursorOf(text: string | undefined): { position: string } | { startedAt: string; session: string } | undefined {
  if (text === undefined) return undefined
  try {
    const { p, r } = JSON.parse(Buffer.from(text, 'base64url').toString()) as { p?: unknown; r?: unknown }
    if (typeof p === 'string') return { position: p }
    if (Array.isArray(r) && r.length === 2 && !Number.isNaN(Date.parse(String(r[0]))) && /^[0-9a-f-]{36}$/.test(String(r[1]))) return { startedAt: new Date(String(r[0])).toISOString(), session: String(r[1]) }
  } catch {
    // What is no JSON is no cursor either.
  }
  throw new BadSearch('after', expectedAfter)
}
