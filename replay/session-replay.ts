/** One login, step by step: its own stream, the tokens that it gave, and what it did to the account. */
import { accountEvents, type AccountEvent } from '../domain/account/events.ts'
import { evolve as evolveAccount, type AccountState } from '../domain/account/state.ts'
import { parseFact } from '../domain/event.ts'
import { sessionEvents, type SessionEvent } from '../domain/session/events.ts'
import { currentStep, legalActions, signedInNext } from '../domain/session/flow.ts'
import { evolve, type SessionState } from '../domain/session/state.ts'
import { evolve as evolveTokens, tokensEvents, type TokensEvent, type TokensState } from '../domain/session/tokens.ts'
import type { Platform } from '../domain/session/vocabulary.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { BadAsOf, isBy, type AsOf } from './as-of.ts'
import type { Coverage, CoverageOf } from './coverage.ts'
import { stepsOf, type Folding, type State, type Step } from './step.ts'

/** `ledger`: null while the ledger's table is out of reach. */
export type TimelineStep = Step & { ledger: Coverage | null }

export type SessionReplay = {
  session: string
  /** Null where no account is named by then. */
  account: string | null
  app: string
  platform: Platform
  installation: string
  startedAt: string
  /** The moment that is looked back from; null: now. */
  asOf: { revision: number } | { time: string } | null
  /** Of the last step of the login that is shown. */
  revision: number
  status: string
  /** What the login is at; null when it is over. */
  step: string | null
  next: string[]
  state: State
  tokens: State | null
  steps: TimelineStep[]
}

const sessionFolding: Folding<SessionState, SessionEvent> = {
  evolve,
  parse: (recorded) => parseFact(sessionEvents, recorded),
  next: ({ view }, at) => (view.status === 'completed' ? [...signedInNext(view)] : legalActions(view, at)),
}
const tokensFolding: Folding<TokensState, TokensEvent> = { evolve: evolveTokens, parse: (recorded) => parseFact(tokensEvents, recorded) }
export const accountFolding: Folding<AccountState, AccountEvent> = { evolve: evolveAccount, parse: (recorded) => parseFact(accountEvents, recorded) }

/** What one step left behind is told in the order in which it was written. */
const rank = (stream: string): number => (stream.startsWith('account-') ? 0 : stream.startsWith('session-') ? 1 : 2)
const inOrder = (one: Step, other: Step): number =>
  one.at !== other.at ? (one.at < other.at ? -1 : 1) : rank(one.event.stream) - rank(other.event.stream) || one.event.revision - other.event.revision

/** Undefined where there is no such login, or was none by then. @throws BadAsOf, UnknownEvent, Unavailable */
export async function replaySession({ log, coverageOf, now }: { log: EventLog; coverageOf: CoverageOf; now: () => Date }, session: string, asOf?: AsOf): Promise<SessionReplay | undefined> {
  const stream = `session-${session}`
  const steps: Step[] = []
  let state: SessionState | undefined
  let last: Step | undefined
  let startedAt = ''
  let written = -1
  for await (const one of stepsOf(log, stream, sessionFolding)) {
    const { revision } = one.step.event
    written = revision
    if (revision === 0) startedAt = one.step.at
    if (!isBy(asOf, { revision, at: one.step.at })) continue
    steps.push(one.step)
    ;[state, last] = [one.state, one.step]
  }
  if (asOf && 'revision' in asOf && asOf.revision > written && written >= 0) throw new BadAsOf(`this login has the revisions 0 to ${written}`)
  if (!state || !last) return undefined

  // Of another stream no revision is given: what was there when that step was taken.
  const until: AsOf | undefined = asOf && ('revision' in asOf ? { time: last.at } : asOf)
  let tokens: Step | undefined
  let signedIn: TokensState | undefined
  for await (const one of stepsOf(log, `tokens-${session}`, tokensFolding)) {
    if (!isBy(until, { revision: 0, at: one.step.at })) continue
    one.step.next = one.state.ended === null ? [...signedInNext(state.view)] : []
    ;[tokens, signedIn] = [one.step, one.state]
    steps.push(one.step)
  }
  const { account } = state.view
  if (account !== null) {
    for await (const { step } of stepsOf(log, `account-${account}`, accountFolding)) {
      if (step.event.metadata.$correlationId === session && isBy(until, { revision: 0, at: step.at })) steps.push(step)
    }
  }

  const covered = await coverageOf([stream, `tokens-${session}`, ...(account === null ? [] : [`account-${account}`])])
  const moment = asOf === undefined ? now().toISOString() : 'time' in asOf ? asOf.time : last.at
  const { view } = state
  const expired = view.status === 'running' && moment >= view.expiresAt
  return {
    session,
    account,
    app: view.app,
    platform: view.platform,
    installation: state.installation,
    startedAt,
    asOf: asOf ?? null,
    revision: last.event.revision,
    status: expired ? 'expired' : view.status,
    step: view.status === 'running' && !expired ? (currentStep(view) ?? null) : null,
    next: view.status === 'completed' ? (signedIn?.ended == null ? [...signedInNext(view)] : []) : legalActions(view, moment),
    state: last.after,
    tokens: tokens?.after ?? null,
    steps: steps.toSorted(inOrder).map((step) => ({ ...step, ledger: covered?.(step.event.stream, step.event.revision) ?? null })),
  }
}
