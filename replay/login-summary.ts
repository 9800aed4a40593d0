/** A login in a line, folded from its stream. */
import { parseFact } from '../domain/event.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { evolve, type SessionState, type SessionView } from '../domain/session/state.ts'
import { EndReason, SessionStatus, type Platform } from '../domain/session/vocabulary.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import { isBy, type AsOf } from './as-of.ts'

/** What a login came to, or why it was ended; and what became of its offer. The words are those of the rows that are searched. */
export const loginOutcomes = [
  ...SessionStatus.options.filter((status) => status !== 'ended'),
  ...EndReason.options,
  'offered', 'started', 'created', 'declined', 'never', 'cancelled', 'not_shown', 'failed', 'withheld',
] as const
export type LoginOutcome = (typeof loginOutcomes)[number]

export type LoginSummary = {
  session: string
  account: string | null
  app: string
  platform: Platform
  installation: string
  startedAt: string
  lastAt: string
  /** Null: nobody proved to be the person, so it may have been somebody else. */
  signedInBy: string | null
  outcome: LoginOutcome
  /** Null where none was decided. */
  offer: { outcome: LoginOutcome; reason: string | null; number: number | null; mode: string | null } | null
  /** The passkey that it created. */
  passkey: string | null
}

const outcomeOf = ({ status, endReason }: Pick<SessionView, 'status' | 'endReason'>): LoginOutcome => (status === 'ended' ? (endReason ?? 'signed_out') : status)

function offerOf({ outcome, reason, offer }: SessionView['append']): LoginSummary['offer'] {
  if (outcome === 'due') return null
  const became = outcome === 'appended' ? 'created' : outcome === 'skipped' ? (reason === 'never' ? 'never' : 'declined') : outcome
  return { outcome: became, reason: outcome === 'appended' ? null : reason, number: offer?.number ?? null, mode: offer?.mode ?? null }
}

/** Undefined where there is no such login, or was none by then. @throws UnknownEvent, Unavailable */
export async function summarizeLogin(log: EventLog, session: string, asOf?: AsOf): Promise<LoginSummary | undefined> {
  let state: SessionState | undefined
  let [first, last]: [Recorded | undefined, Recorded | undefined] = [undefined, undefined]
  for await (const recorded of log.read(`session-${session}`)) {
    if (!isBy(asOf, { revision: recorded.revision, at: recorded.metadata.at })) continue
    state = evolve(state, parseFact(sessionEvents, recorded))
    ;[first, last] = [first ?? recorded, recorded]
  }
  if (!state || !first || !last) return undefined
  const { view } = state
  return {
    session,
    account: view.account,
    app: view.app,
    platform: view.platform,
    installation: state.installation,
    startedAt: first.metadata.at,
    lastAt: last.metadata.at,
    signedInBy: view.proof,
    outcome: outcomeOf(view),
    offer: offerOf(view.append),
    passkey: view.passkey,
  }
}
