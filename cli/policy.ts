/** `policy show | check | explain | simulate`: what the policy says, and what it, or another one, makes of people. */
import { readPolicy, type Config } from '../config.ts'
import { accountEvents } from '../domain/account/events.ts'
import { hasPasskeyHere } from '../domain/account/passkeys.ts'
import { parseFact, UnknownEvent } from '../domain/event.ts'
import { decideAdoption } from '../domain/policy/adoption.ts'
import type { OfferHistory } from '../domain/policy/history.ts'
import type { Device } from '../domain/policy/offer.ts'
import { createSimulation, type Simulated } from '../domain/policy/simulation.ts'
import { explainOffer } from '../domain/policy/words.ts'
import type { Policy } from '../domain/policy.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { actions, type EntryPoint, type Platform } from '../domain/session/vocabulary.ts'
import { openLog } from '../open-engine.ts'
import { appendHistory, pastOffers } from '../projections/append-history.ts'
import { tableName } from '../projections/projection.ts'
import { readStatus } from '../projections/status.ts'
import { findPerson } from './person.ts'
import { Misuse } from './misuse.ts'
import { showProgress } from './progress.ts'
import { withDatabase } from './projections.ts'
import { withEngine } from './with-engine.ts'

const now = (): Date => new Date()
/** ms. As in the engine. */
const oldestHistory = 30_000

export async function showPolicy(config: Config): Promise<number> {
  return withEngine(config, async ({ policies }) => {
    const current = await policies.current()
    console.log(JSON.stringify(current?.policy ?? config.policy, null, 2))
    console.error(current ? `taken ${current.at}` : 'no engine has taken a policy here yet: this is what the configuration says')
    return 0
  })
}

/** 0: an engine would take it; 2: it would not. */
export async function checkPolicy(config: Config, file: string): Promise<number> {
  const { policy, stated } = readPolicy(file)
  return withEngine(config, async ({ policies }) => {
    const { outcome, policy: taken } = decideAdoption(await policies.state(), policy, { stated })
    if (outcome === 'version_taken') {
      console.error(`policy.version: ${policy.version} has said something else before: raise it`)
      return 2
    }
    console.log(outcome === 'unchanged' ? `${taken.version} is what was taken last` : `${taken.version} may be taken`)
    return 0
  })
}

export type Asked = { who: string; app?: string | undefined; platform: Platform; installation?: string | undefined; entryPoint: EntryPoint; device: Device }

export async function explainPolicy(config: Config, { who, app, platform, installation, entryPoint, device }: Asked): Promise<number> {
  return withEngine(config, async (engine) => {
    const person = await findPerson(engine, who)
    const { id } = config.apps.find((one) => app === undefined || one.id === app) ?? unknownApp(app)
    const policy = (await engine.policies.current())?.policy ?? config.policy
    const facts = { history: await historyOf(config, person.id), never: person.state.neverOffer, passkeyHere: installation !== undefined && hasPasskeyHere(person.state, installation.toLowerCase()) }
    const place = { account: person.id, app: id, supports: actions, platform, device, entryPoint, maybeConditional: false }
    console.log(explainOffer(policy, facts, place, now().toISOString()))
    return 0
  })
}

const unknownApp = (app: string | undefined): never => {
  throw new Misuse(`there is no app ${app}`)
}

const historyOf = (config: Config, account: string): Promise<OfferHistory | 'unavailable'> =>
  withDatabase(config, async (log, { sql }) => {
    const [status] = await readStatus({ log, sql, projections: [appendHistory], now })
    return status?.lag === undefined || status.lag > oldestHistory ? 'unavailable' : await pastOffers({ sql, table: tableName }, account)
  }).catch(() => 'unavailable')

export type ToSimulate = { file: string; since: string | undefined; assumes: 'declined' | 'unanswered'; json: boolean }

export async function simulatePolicy(config: Config, { file, since = '1970-01-01', assumes, json }: ToSimulate): Promise<number> {
  const { policy } = readPolicy(file)
  const from = new Date(since)
  if (Number.isNaN(from.getTime())) throw new Misuse(`--since ${since} is no date, such as 2026-03-01`)
  const simulation = createSimulation(policy, { since: from.toISOString(), assumes })
  const log = await openLog(config)
  let [events, unread] = [0, 0]
  const bar = showProgress('events', () => ({ done: events, share: undefined }))
  try {
    for await (const event of log.readAll({ prefixes: ['session-', 'account-'] })) {
      events += 1
      const [, kind = '', id = ''] = /^(session|account)-(.*)$/.exec(event.stream) ?? []
      try {
        if (kind === 'session') simulation.takeSession(id, parseFact(sessionEvents, event))
        else simulation.takeAccount(id, parseFact(accountEvents, event))
      } catch (error) {
        if (!(error instanceof UnknownEvent)) throw error
        unread += 1
      }
    }
  } finally {
    bar.end()
    await log.close()
  }
  const result = simulation.result()
  console.log(json ? JSON.stringify({ policy: policy.version, since: from.toISOString(), ...result, then: Object.fromEntries(result.then), under: Object.fromEntries(result.under), unread }, null, 2) : report(policy, result, assumes))
  if (unread > 0) console.error(`${unread} events of another release were passed over`)
  return 0
}

function report(policy: Policy, { decisions, then, under, assumed }: Simulated, assumes: string): string {
  const sum = (counts: Simulated['then'], kind: string): number => [...counts].reduce((all, [what, count]) => (what.startsWith(kind) ? all + count : all), 0)
  const kinds = ['offered', 'withheld'].flatMap((kind) => [kind, ...[...new Set([...then.keys(), ...under.keys()])].filter((what) => what.startsWith(`${kind} `)).toSorted()])
  const rows = kinds.map((what) => {
    const of = (counts: Simulated['then']): string => String(what.includes(' ') ? (counts.get(what) ?? 0) : sum(counts, what)).padStart(12)
    return `${(what.includes(' ') ? `  ${what.split(' ')[1]}` : what).padEnd(24)}${of(then)}${of(under)}`
  })
  return [
    `${decisions} decisions, as they were made and as policy ${policy.version} would have made them`,
    `${''.padEnd(24)}${'made'.padStart(12)}${'would be'.padStart(12)}`,
    ...rows,
    ...(assumed > 0 ? [`${assumed} of the offers were not made then: each is taken to have been ${assumes}`] : []),
  ].join('\n')
}
