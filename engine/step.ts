/**
 * The one way through a login: read, verdict, decide, append, then. Every use case of the flow is a `Step`; what repeats a request,
 * races another one, or comes after a crash is dealt with here and nowhere else.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { decideLeftByLogin, leavesNothing, type LeftByLogin } from '../domain/account/login.ts'
import { isRevoked, type AccountState } from '../domain/account/state.ts'
import type { AccountDecision } from '../domain/account/decision.ts'
import { hasPasskeyHere } from '../domain/account/passkeys.ts'
import type { OfferHistory } from '../domain/policy/history.ts'
import type { Vault } from '../vault/vault.ts'
import { decided, fold, illegal, outcomeOf, refuse, type Circumstances, type Decision, type Outcome } from '../domain/session/decision.ts'
import { sessionEvents, type SessionEvent } from '../domain/session/events.ts'
import { passkeyStatus } from '../domain/session/flow.ts'
import { evolve, type SessionState, type SessionView } from '../domain/session/state.ts'
import type { Action, Factor } from '../domain/session/vocabulary.ts'
import { parseFact } from '../domain/event.ts'
import type { JsonObject } from '../eventlog/event-log.ts'
import type { Aggregate, Cause, Decided, Folded, Streams } from '../eventlog/transact.ts'
import type { Settings } from './apps.ts'
import { Fault } from './faults.ts'
import type { GuessedProof } from './guessed-proof.ts'
import { accountStream, accounts } from './people.ts'
import { signalsOf, type Signals } from './signals.ts'
import type { TokenPair, TokensOf } from './tokens.ts'

export const sessions: Aggregate<SessionState, typeof sessionEvents> = { events: sessionEvents, evolve }
export const sessionStream = (id: string): string => `session-${id}`

/** One POST of the flow: the session's id, the app's secret, the Idempotency-Key, the body as it was parsed, and the address that it came from. */
export type StepRequest = { session: string; flowToken: string; key: string; body: JsonObject; address?: string | undefined }

/**
 * The state as it was when the request had been decided; the same for every repeat of it. `at`: ISO 8601. `signals` are as of now, since a device
 * that acts on old ones would hide passkeys that are good.
 */
export type Answer = { session: string; outcome: Outcome; state: SessionState; revision: number; at: string; tokens?: TokenPair; signals?: Signals }

export type Step<V> = {
  action: Action
  /** Whose account is read, where nobody is named: the passkey says who it is. */
  account?: string | undefined
  /** It is refused where the account has this factor disabled. */
  factor?: Factor
  /** The proof can be guessed: whose wrong ones are counted. Costs the same whether or not there is such an account. */
  guessedBy?(state: SessionState): Promise<string>
  /** What it did is of interest to whatever keeps the person's passkeys. */
  signals?: true
  /** The verdict: computed once, outside of the retry. It never throws for a bad proof. */
  judge(state: SessionState, person: Folded<AccountState> | undefined, session: string): Promise<V>
  decide(state: SessionState, verdict: V, circumstances: Circumstances): Decision
  /** What outlives the login, written to the account first. */
  leaves?(verdict: V, events: readonly SessionEvent[], state: SessionState, session: string): Partial<LeftByLogin> | Promise<Partial<LeftByLogin>>
  /** What follows the append; for a repeat, which has no verdict, what it finds undone. */
  then?(answer: Answer, cause: Cause, verdict: V | undefined): Promise<Answer>
}

/** Seconds for which an answer is repeated after completion. The flow token is good for nothing else then. */
export const repeatSeconds = 600

export type TakeStep = ReturnType<typeof createStep>

export function createStep(dependencies: {
  streams: Streams
  vault: Vault
  settings: () => Settings
  history: (account: string) => Promise<OfferHistory | 'unavailable'>
  tokensOf: TokensOf
  guessed: GuessedProof
  now: () => Date
}) {
  const { streams, vault, settings, history, tokensOf, guessed, now } = dependencies
  const underWay = new Map<string, { fingerprint: string; answer: Promise<Answer> }>()

  return async function takeStep<V>(step: Step<V>, request: StepRequest): Promise<Answer> {
    const known = await authenticate(request)
    // Keyed with the app's secret: the log and all keys of the server together cannot test a guess of a code or password.
    const fingerprint = createHmac('sha256', request.flowToken).update(`${step.action}\n${JSON.stringify(request.body)}`).digest('base64url')
    const id = `${request.session} ${request.key}`
    const running = underWay.get(id)
    if (running) {
      if (running.fingerprint !== fingerprint) throw new Fault('key_reused')
      return running.answer
    }
    const answer = take(step, request, fingerprint, known).finally(() => underWay.delete(id))
    underWay.set(id, { fingerprint, answer })
    return answer
  }

  async function authenticate({ session, flowToken }: StepRequest): Promise<Folded<SessionState>> {
    const known = await streams.peek(sessions, sessionStream(session))
    if (!known) throw new Fault('session_unknown')
    if (!flowTokenMatches(known.state, flowToken)) throw new Fault('flow_token_invalid')
    return known
  }

  async function take<V>(step: Step<V>, request: StepRequest, fingerprint: string, known: Folded<SessionState>): Promise<Answer> {
    const { session, key } = request
    const cause: Cause = { actor: `app:${known.state.view.app}`, correlationId: session, causationId: key, fingerprint }

    // Not legal as it was last seen here: look at the log before saying so, and before any proof is judged. And what may be written to the
    // account first is checked by no revision of the session: a login that another engine has ended must leave nothing there.
    let folded = known
    const leaves = step.leaves !== undefined || passkeyStatus(folded.state.view) === 'pending'
    if (!folded.keys.has(key) && (leaves || illegal(folded.state, step.action, now().toISOString()))) folded = (await streams.load(sessions, sessionStream(session))) ?? folded
    if (folded.keys.has(key)) return repeat(step, request, fingerprint, cause)
    if (folded.state.completion) throw new Fault('flow_token_invalid')
    const refusal = illegal(folded.state, step.action, now().toISOString())
    if (refusal) return unchanged(session, refusal.outcome, folded)

    // Nobody's identifier costs the same reads.
    const { account, usernameless, hidden, proof } = folded.state.view
    const readPerson = () => streams.load(accounts, accountStream(account ?? (usernameless ? step.account : undefined) ?? session))
    const person = await readPerson()
    const barred = person && barredBy(person.state, folded.state)
    if (barred) return unchanged(session, { refused: barred }, folded)
    const judge = () => judgeAndAppend(step, request, cause, folded, person, readPerson)
    const { factor } = step
    const attempt = factor && { factor, of: await step.guessedBy?.(folded.state), account, hidden: hidden && proof === null, state: person?.state, address: request.address, cause }
    const judged = attempt ? await guessed(attempt, judge, ({ result, appended }) => (result === 'repeated' || appended === 0 ? undefined : result)) : await judge()
    if ('refused' in judged) return unchanged(session, judged, folded)
    const { verdict, result, after, appended } = judged
    if (result === 'repeated') return repeat(step, request, fingerprint, cause)
    if (appended === 0) return unchanged(session, result, after)
    return completed(step, answerOf(session, result, after), cause, verdict)
  }

  async function judgeAndAppend<V>(
    step: Step<V>,
    request: StepRequest,
    cause: Cause,
    folded: Folded<SessionState>,
    known: Folded<AccountState> | undefined,
    readPerson: () => Promise<Folded<AccountState> | undefined>,
  ) {
    const { session, key } = request
    let person = known
    let verdict = await step.judge(folded.state, person, session)
    // A proof takes a while to judge: a password that was replaced meanwhile, or a passkey that was removed, must not sign in by it.
    if (folded.state.view.proof === null) {
      const present = await readPerson()
      if (present?.revision !== person?.revision) verdict = await step.judge(folded.state, (person = present), session)
    }

    const { result, folded: after, appended } = await streams.transact(sessions, sessionStream(session), cause, async (current, at): Promise<Decided<SessionEvent, Outcome | 'repeated'>> => {
      if (!current) throw new Fault('session_unknown')
      if (current.keys.has(key)) return { events: [], result: 'repeated' }
      const circumstances: Circumstances = { now: at, policy: settings().policy, offer: offerFacts(current.state, person?.state) }
      let decision = step.decide(current.state, verdict, circumstances)
      // Asked for only where an offer hangs on it. So a wrong password waits for no database, whoever's it is.
      if (hangsOnHistory(decision)) {
        circumstances.offer.history = await history(fold(current.state, decision.events, at).view.account as string)
        decision = step.decide(current.state, verdict, circumstances)
      }
      const left = await leaveInAccount(step, verdict, decision.events, current.state, request, cause, at)
      const { events, outcome } = left === 'done' ? decision : refusedByAccount(left, current.state, circumstances)
      return { events, result: outcome }
    })
    return { verdict, result, after: after as Folded<SessionState>, appended }
  }

  /** What wrote nothing is told as of now; what wrote something as of then, so that its repeat says the same. */
  function unchanged(session: string, outcome: Outcome, folded: Folded<SessionState>): Answer {
    return { ...answerOf(session, outcome, folded), at: now().toISOString() }
  }

  /** Written to the account before the session, so a crash between the two leaves something that works; the repeat finds it done and goes on. */
  async function leaveInAccount<V>(step: Step<V>, verdict: V, events: readonly SessionEvent[], state: SessionState, { session, key }: StepRequest, cause: Cause, at: string) {
    const after = fold(state, events, at).view
    const { account } = after
    if (account === null || events.length === 0) return 'done'
    const left: LeftByLogin = { installation: state.installation, ...(await step.leaves?.(verdict, events, state, session)), ...leftByCodes(state.view, after, events) }
    if (leavesNothing(left)) return 'done'
    const accountCause = { ...cause, causationId: `${session}/${key}` }
    const { result } = await streams.transact(accounts, accountStream(account), accountCause, (folded, now) => {
      if (!folded) return { events: [], result: 'account_gone' as const }
      const before = folded.keys.get(accountCause.causationId)
      // The same key, and a crash in between, must not let another PIN pass for the one that was set.
      if (before && before.fingerprint !== cause.fingerprint) throw new Fault('key_reused')
      if (before) return { events: [], result: 'done' as const }
      if (barredBy(folded.state, state)) return { events: [], result: 'account_gone' as const }
      const decision = decideLeftByLogin(folded.state, left, now)
      return { events: decision.events, result: decision.outcome }
    })
    return result
  }

  /** The same answer again, unless the flow token has died since. */
  async function repeat<V>(step: Step<V>, request: StepRequest, fingerprint: string, cause: Cause): Promise<Answer> {
    const { answer, present } = await answeredBefore(streams, request.session, request.key, fingerprint)
    const { completion } = present
    if (completion && now().getTime() - Date.parse(completion.at) > repeatSeconds * 1000) throw new Fault('flow_token_invalid')
    return completed(step, answer, cause)
  }

  /** A finished login has tokens due; a crash before they were issued is made good by the repeat. */
  async function completed<V>(step: Step<V>, answer: Answer, cause: Cause, verdict?: V): Promise<Answer> {
    const done = step.then ? await step.then(answer, cause, verdict) : answer
    const { completion, view } = done.state
    // Who came from the settings has tokens already.
    const tokens = completion && view.purpose === 'login' ? await tokensOf.login(done.session, done.state, cause) : undefined
    const signals = completion || (step.signals && view.proof !== null) ? await signalsFor(done.state) : undefined
    return { ...done, ...(tokens && { tokens }), ...(signals && { signals }) }
  }

  async function signalsFor({ view }: SessionState): Promise<Signals | undefined> {
    const account = view.account === null ? undefined : await streams.load(accounts, accountStream(view.account))
    return account && signalsOf({ vault, settings: settings() }, view.app, view.account as string, account.state)
  }
}

/** What was answered under this key, from the log: the state as it was after the events that have it. `present`: as it is now. @throws Fault key_reused, session_unknown */
export async function answeredBefore({ log }: Streams, session: string, key: string, fingerprint: string): Promise<{ answer: Answer; present: SessionState }> {
  const mine: SessionEvent[] = []
  let then: Folded<SessionState> | undefined
  let folded: Folded<SessionState> | undefined
  for await (const recorded of log.read(sessionStream(session))) {
    const fact = parseFact(sessionEvents, recorded)
    folded = { state: evolve(folded?.state, fact), revision: recorded.revision, at: fact.at, keys: new Map() }
    if (recorded.metadata.$causationId !== key) continue
    if (recorded.metadata.fingerprint !== fingerprint) throw new Fault('key_reused')
    mine.push(fact)
    then = folded
  }
  if (!then || !folded) throw new Fault('session_unknown')
  return { answer: answerOf(session, outcomeOf(mine, then.state.view), then), present: folded.state }
}

/** What the account learns when the last code was given: the passkey made here signs in from now on, and the one that signed in counts as a factor. */
export function leftByCodes(before: SessionView, after: SessionView, events: readonly SessionEvent[]): Pick<LeftByLogin, 'activate' | 'uvInitialized'> {
  const activated = passkeyStatus(after) === 'active' && passkeyStatus(before) !== 'active' ? after.passkey : null
  const vouched = vouchedFor(after, events)
  return { ...(activated === null ? {} : { activate: activated }), ...(vouched === null ? {} : { uvInitialized: vouched }) }
}

/** A code beside a verified login with a passkey that did not count as a factor so far. */
const vouchedFor = ({ assertion }: SessionView, events: readonly SessionEvent[]): string | null =>
  assertion.outcome === 'verified' && !assertion.mfa && events.some(({ type }) => type === 'OtpVerified') ? assertion.passkey : null

/** Whoever set a new password, or ended all sessions, ended with them the logins that had given the old one: they must leave no passkey behind. */
function barredBy(account: AccountState, { view, authTime, accountRevision }: SessionState): 'account_disabled' | 'session_ended' | undefined {
  if (view.proof === null) return undefined
  if (account.status !== 'active') return 'account_disabled'
  return authTime !== null && isRevoked(account, { authTime, accountRevision }) ? 'session_ended' : undefined
}

/** All but the history of offers. */
export const offerFacts = ({ installation }: { installation: string }, person: AccountState | undefined): Circumstances['offer'] => ({
  history: 'unavailable',
  never: person?.neverOffer ?? false,
  passkeyHere: person !== undefined && hasPasskeyHere(person, installation),
})

const hangsOnHistory = ({ events }: Decision): boolean => events.some(({ type, data }) => type === 'AppendWithheld' && data.reason === 'history_unavailable')

/** Why the account would not have it. That an authenticator made what it was told not to make is a fact of the login. */
function refusedByAccount(why: AccountDecision['outcome'], state: SessionState, circumstances: Circumstances): Decision {
  if (why === 'passkey_exists') return decided(state, [{ type: 'AppendFailed', data: { by: 'engine', reason: why, retryable: false } }], circumstances)
  return refuse(why === 'challenge_used' ? 'challenge_used' : 'account_disabled')
}

export const answerOf = (session: string, outcome: Outcome, { state, revision, at }: Folded<SessionState>): Answer => ({ session, outcome, state, revision, at })

/** The app's secret is compared by its SHA-256, as in PKCE (RFC 7636, 4.6). */
export function flowTokenMatches({ flowTokenHash }: SessionState, token: string): boolean {
  const given = createHash('sha256').update(token).digest()
  const expected = Buffer.from(flowTokenHash, 'base64url')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
