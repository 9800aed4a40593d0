/** One person, by the pseudonym that the log has: what they have, their logins, and every change. */
import type { AccountState } from '../domain/account/state.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { BadAsOf, isBy, type AsOf } from './as-of.ts'
import type { CoverageOf } from './coverage.ts'
import { summarizeLogin, type LoginSummary } from './login-summary.ts'
import { accountFolding, type TimelineStep } from './session-replay.ts'
import { stepsOf, type State, type Step } from './step.ts'

/** Every login that names the account; 'unavailable' while the rows that know are away. */
export type SessionsOf = (account: string) => Promise<readonly string[] | 'unavailable'>

export type ShownPasskey = { passkey: string; status: string; provider: string; linkedAt: string; app: string; session: string; installation: string; backedUp: boolean }

export type AccountReplay = {
  account: string
  asOf: { revision: number } | { time: string } | null
  revision: number
  status: string
  registeredAt: string
  state: State
  /** Those that were revoked, too. */
  passkeys: ShownPasskey[]
  /** The newest first. Null while the rows that name them are out of reach. */
  sessions: LoginSummary[] | null
  /** Logins that are not among `sessions`, since there are so many. */
  olderSessions: number
  steps: TimelineStep[]
}

const mostSessions = 200
/** Streams that are read at the same time. */
const together = 16

/** Undefined where there is no such account, or was none by then. @throws BadAsOf, UnknownEvent, Unavailable */
export async function replayAccount(
  { log, coverageOf, sessionsOf }: { log: EventLog; coverageOf: CoverageOf; sessionsOf: SessionsOf },
  account: string,
  asOf?: AsOf,
): Promise<AccountReplay | undefined> {
  const stream = `account-${account}`
  const steps: Step[] = []
  let state: AccountState | undefined
  let last: Step | undefined
  let written = -1
  for await (const one of stepsOf(log, stream, accountFolding)) {
    const { revision } = one.step.event
    written = revision
    if (!isBy(asOf, { revision, at: one.step.at })) continue
    steps.push(one.step)
    ;[state, last] = [one.state, one.step]
  }
  if (asOf && 'revision' in asOf && asOf.revision > written && written >= 0) throw new BadAsOf(`this account has the revisions 0 to ${written}`)
  if (!state || !last) return undefined

  const until: AsOf | undefined = asOf && ('revision' in asOf ? { time: last.at } : asOf)
  const known = await sessionsOf(account)
  const sessions = known === 'unavailable' ? null : await summaries(log, known.slice(-mostSessions), until)
  const covered = await coverageOf([stream])
  return {
    account,
    asOf: asOf ?? null,
    revision: last.event.revision,
    status: state.status,
    registeredAt: state.registeredAt,
    state: last.after,
    passkeys: state.passkeys.map(({ passkey, status, aaguid, linkedAt, app, session, installation, backedUp }) => ({ passkey, status, provider: aaguid, linkedAt, app, session, installation, backedUp })),
    sessions,
    olderSessions: known === 'unavailable' ? 0 : Math.max(0, known.length - mostSessions),
    steps: steps.map((step) => ({ ...step, ledger: covered?.(stream, step.event.revision) ?? null })),
  }
}

async function summaries(log: EventLog, sessions: readonly string[], until: AsOf | undefined): Promise<LoginSummary[]> {
  const found: LoginSummary[] = []
  for (let from = 0; from < sessions.length; from += together) {
    const some = await Promise.all(sessions.slice(from, from + together).map((session) => summarizeLogin(log, session, until)))
    found.push(...some.filter((one) => one !== undefined))
  }
  return found.toSorted((one, other) => (one.startedAt < other.startedAt ? 1 : -1))
}

/** From the log itself, which takes a second for every fifty thousand events: where no row can tell. */
export async function searchSessionsOf(log: EventLog, account: string, onProgress: (events: number) => void = () => {}): Promise<string[]> {
  const found = new Set<string>()
  let events = 0
  for await (const { stream, data } of log.readAll({ prefixes: ['session-'] })) {
    if (data['account'] === account) found.add(stream.slice('session-'.length))
    onProgress((events += 1))
  }
  return [...found]
}
