/** `audit session | account | search`: what the log has of logins and of people, read and not changed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import { Fault } from '../engine/faults.ts'
import { accountStream } from '../engine/people.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { openRowsBeside } from '../projections/beside.ts'
import { searchSessionsOf } from '../replay/account-replay.ts'
import { BadAsOf, readAsOf, type AsOf } from '../replay/as-of.ts'
import { createReplays, type Replays } from '../replay/replays.ts'
import { BadSearch, readSearch } from '../replay/search-question.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { Misuse } from './misuse.ts'
import { showProgress } from './progress.ts'
import { openBeside } from './projections.ts'
import { accountInWords, foundInWords, lookInWords, sessionInWords } from './timeline.ts'
import { withEngine } from './with-engine.ts'

/** `open`: a revision of the stream whose sealed fields are to be opened. As typed. */
export type Shown = { asOf?: string | undefined; json?: boolean | undefined; events?: boolean | undefined; open?: string | undefined }

/** ms. An embedded database that no engine has open takes some seconds. */
const patience = 10_000
const now = (): Date => new Date()

/** 0: shown; 2: there is none. */
export async function showSession(config: Config, id: string, shown: Shown, given: Given): Promise<number> {
  const asOf = asOfIn(shown)
  return withReplays(config, async (replays, engine) => {
    const replay = await asked(() => replays.session(id.toLowerCase(), asOf))
    if (!replay) return none(`there is no session ${id}${asOf ? ' as of then' : ''}`)
    const look = await lookAt(engine, config, `session-${replay.session}`, shown, given)
    console.log(shown.json ? JSON.stringify(look ? { ...replay, look } : replay, null, 2) : [sessionInWords(replay, shown), ...(look ? [lookInWords(look)] : [])].join('\n'))
    return 0
  })
}

/** Who looks somebody up by an identifier learns whose pseudonym it is: that is a fact, as an opened field is. 0: shown; 2: there is none. */
export async function showPerson(config: Config, who: string, shown: Shown, given: Given): Promise<number> {
  const asOf = asOfIn(shown)
  return withReplays(config, async (replays, engine) => {
    const byId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(who)
    const id = byId ? who.toLowerCase() : await identified(engine, config, who, given)
    const replay = await asked(() => replays.account(id, asOf))
    if (!replay) return none(`there is no account ${id}${asOf ? ' as of then' : ''}`)
    const look = await lookAt(engine, config, accountStream(id), shown, given)
    console.log(shown.json ? JSON.stringify(look ? { ...replay, look } : replay, null, 2) : [accountInWords(replay, shown), ...(look ? [lookInWords(look)] : [])].join('\n'))
    return 0
  })
}

export async function searchLog(config: Config, options: Readonly<Record<string, string | undefined>>, json: boolean): Promise<number> {
  const question = attempt(() => readSearch(Object.entries(options)))
  return withReplays(config, async (replays) => {
    const answer = await asked(() => replays.search(question))
    console.log(json ? JSON.stringify(answer, null, 2) : foundInWords(answer))
    return 0
  })
}

async function identified(engine: Engine, config: Config, who: string, given: Given): Promise<string> {
  const because = becauseOf(config, given, { always: true })
  return engine.findAudited(actorOf(because), because, who).catch(inWords)
}

async function lookAt(engine: Engine, config: Config, stream: string, { open }: Shown, given: Given) {
  if (open === undefined) return undefined
  if (!/^\d{1,9}$/.test(open)) throw new Misuse('--open takes the revision of one event, such as 0')
  const because = becauseOf(config, given, { always: true })
  return engine.look(actorOf(because), because, { stream, revision: Number(open) }).catch(inWords)
}

/** Of what there is none the code alone would say little. */
function inWords(error: unknown): never {
  const words: Partial<Record<string, string>> = { account_unknown: 'there is no such account', event_unknown: 'there is no event of this revision', not_sealed: 'nothing is sealed in that event that may be opened' }
  throw error instanceof Fault ? new Error(words[error.code] ?? error.code) : error
}

const asOfIn = ({ asOf }: Shown): AsOf | undefined => (asOf === undefined ? undefined : attempt(() => readAsOf(asOf)))

/** What was asked for cannot be: a fault of whoever typed it. @throws Misuse */
function misused(error: unknown): never {
  if (error instanceof BadSearch) throw new Misuse(`--${error.field} ${error.message}`)
  throw error instanceof BadAsOf ? new Misuse(`--as-of: ${error.message}`) : error
}
function attempt<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    return misused(error)
  }
}
const asked = <T>(work: () => Promise<T>): Promise<T> => work().catch(misused)

function none(what: string): number {
  console.error(what)
  return 2
}

async function withReplays(config: Config, work: (replays: Replays, engine: Engine) => Promise<number>): Promise<number> {
  return withEngine(config, async (engine, log) => {
    const { rows, close } = await openRows(config, log, engine.ledger.stream)
    try {
      const sessionsOf = async (account: string): Promise<readonly string[]> => {
        const known = await rows?.sessionsOf(account)
        return known === undefined || known === 'unavailable' ? searched(log, account) : known
      }
      const replays = createReplays({ log, now, sessionsOf, coverageOf: rows?.coverageOf ?? (async () => undefined), findLogins: rows?.findLogins ?? (async () => 'unavailable') })
      return await work(replays, engine)
    } finally {
      await close()
    }
  })
}

async function searched(log: EventLog, account: string): Promise<string[]> {
  let events = 0
  const bar = showProgress('events looked at for logins', () => ({ done: events, share: undefined }))
  return searchSessionsOf(log, account, (done) => void (events = done)).finally(bar.end)
}

/** Without them everything is found all the same, from the log. */
async function openRows(config: Config, log: EventLog, ledger: string) {
  try {
    const { database, away, release } = openBeside(config)
    const close = async (): Promise<void> => {
      await database.close()
      release()
    }
    const waited = new AbortController()
    const opened = await Promise.race([database.ready.then(() => true, () => false), sleep(patience, false, { signal: waited.signal })]).finally(() => waited.abort())
    if (opened) return { rows: openRowsBeside({ log, sql: database.sql, ledger, now }), close }
    console.error(`Without rows: ${away}`)
    return { rows: undefined, close }
  } catch (error) {
    console.error(`Without rows: ${(error as Error).message}`)
    return { rows: undefined, close: async () => {} }
  }
}
