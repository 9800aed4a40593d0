/** One login as the engine takes it, step by step: the account first, then the session, then the tokens. Nothing is decided here. */
import { decideLeftByLogin, leavesNothing, type LeftByLogin } from '../domain/account/login.ts'
import { activePasskeys, decideUnfinished } from '../domain/account/passkeys.ts'
import type { AccountState } from '../domain/account/state.ts'
import { fold, type Circumstances, type Decision } from '../domain/session/decision.ts'
import { decideExpiry, decideSignOut } from '../domain/session/end.ts'
import type { SessionEvent } from '../domain/session/events.ts'
import type { PasskeyRequest } from '../domain/session/passkey.ts'
import { decideStart, type Place, type Who } from '../domain/session/start.ts'
import type { SessionState } from '../domain/session/state.ts'
import { decideIssue } from '../domain/session/tokens.ts'
import { limits } from '../domain/session/flow.ts'
import type { EntryPoint, Refusal } from '../domain/session/vocabulary.ts'
import { channelsOf, type Reachable } from '../engine/contacts.ts'
import { leftByCodes, offerFacts, sessionStream } from '../engine/step.ts'
import { tokensStream } from '../engine/tokens.ts'
import type { Cause } from '../eventlog/transact.ts'
import { uuidOf } from '../vault/sealing.ts'
import type { Calendar } from './calendar.ts'
import type { Incidents } from './incidents.ts'
import { isTestApp, writeAccount, type Person } from './people.ts'
import { saidOf, type Device } from './platforms.ts'
import { appendOf, instant, type Append } from './record.ts'
import type { createRollout } from './rollout.ts'
import type { Seal, Seals } from './seals.ts'

export type World = { calendar: Calendar; incidents: Incidents; rollout: ReturnType<typeof createRollout>; seals: Seals; reachable: Reachable }

/** Of the person that the world deals with: `typed` is somebody else's mistake where it is nobody's identifier. */
export type Beginning = { entryPoint: EntryPoint; at: number; as: 'identifier' | 'mistyped' | 'usernameless' | { login: Login } }

export type Login = ReturnType<typeof beginLogin>

/** A step that was meant to succeed was refused: the year would not be one that an engine could have written. */
export class Illegal extends Error {}

const flowSeconds = 900

export function beginLogin(world: World, person: Person, device: Device, { entryPoint, at: begun, as }: Beginning) {
  const { calendar, incidents, rollout, seals, reachable } = world
  const { dice } = person
  const appends: Append[] = []
  const said = saidOf(device, calendar, begun)
  const startKey = dice.uuid()
  const flowTokenHash = dice.secret()
  const session = uuidOf(`session ${person.app} ${startKey} ${flowTokenHash}`)
  const actor = `app:${person.app}`
  let at = begun
  let state: SessionState | undefined
  let revision = -1
  let tokens: SessionState | undefined

  const account = (): AccountState => person.account as AccountState
  const circumstances = (): Circumstances => {
    const offer = offerFacts({ installation: device.installation }, person.account)
    // The engine asks for the history where an offer hangs on it.
    if (!incidents.historyAway(at)) offer.history = person.history.known()
    return { now: instant(at), policy: rollout.policyAt(at), offer }
  }
  const challenge = () => ({ challenge: dice.secret(), expiresAt: instant(at + limits.ceremonySeconds * 1000) })
  const newCause = (key = dice.uuid()): Cause => ({ actor, correlationId: session, causationId: key, fingerprint: dice.secret() })

  function write(events: readonly SessionEvent[], cause: Cause): void {
    appends.push(appendOf(dice, at, sessionStream(session), revision, events, cause))
    state = fold(state as SessionState, events, instant(at))
    revision += events.length
    if (!state.completion || tokens || state.view.purpose === 'settings') return
    tokens = state
    const { installation, view, accountRevision, completion } = state
    const login = { account: person.id, app: view.app, installation, amr: completion.amr, authTime: completion.authTime, ...(accountRevision === null ? {} : { accountRevision }) }
    appends.push(appendOf(dice, at, tokensStream(session), -1, decideIssue(login, instant(at), rollout.policyAt(at).signedIn), cause))
  }

  /** As `leaveInAccount` in `engine/step.ts`. */
  function leave(events: readonly SessionEvent[], left: Partial<LeftByLogin>, cause: Cause): void {
    const before = (state as SessionState).view
    const after = fold(state as SessionState, events, instant(at)).view
    if (after.account === null) return
    const all: LeftByLogin = { installation: device.installation, ...left, ...leftByCodes(before, after, events) }
    if (leavesNothing(all)) return
    const decision = decideLeftByLogin(account(), all, instant(at))
    if (decision.outcome !== 'done') throw new Illegal(`the account answered ${decision.outcome}`)
    if (decision.events.length > 0) appends.push(writeAccount(person, at, decision.events, { ...cause, causationId: `${session}/${cause.causationId}` }))
  }

  const login = {
    person,
    device,
    said,
    session,
    appends,
    get at() {
      return at
    },
    get state(): SessionState {
      return state as SessionState
    },
    get view() {
      return (state as SessionState).view
    },
    account,
    challenge,
    /** Nobody looks at one screen for longer than `most`. */
    wait(seconds: number, most = 60): void {
      at += Math.max(50, Math.round(Math.min(seconds, most) * 1000))
    },
    secondsLeft: (): number => (Date.parse((state as SessionState).view.expiresAt) - at) / 1000,
    /** @throws Illegal where it is refused in another way than it was meant to be */
    take(decide: (state: SessionState, circumstances: Circumstances) => Decision, { leaves = {}, meantToBe = [] }: { leaves?: Partial<LeftByLogin>; meantToBe?: readonly Refusal[] } = {}): Cause {
      const { outcome, events } = decide(state as SessionState, circumstances())
      const refused = 'refused' in outcome ? outcome.refused : undefined
      if (events.length === 0 || (refused !== undefined && !meantToBe.includes(refused))) throw new Illegal(`${refused ?? 'nothing'} in ${session}: ${JSON.stringify((state as SessionState).view)}`)
      const cause = newCause()
      leave(events, leaves, cause)
      write(events, cause)
      person.history.note(events, instant(at))
      return cause
    },
    /** What comes of a step without being asked for. */
    follow(events: readonly SessionEvent[], cause: Cause): void {
      if (events.length > 0) write(events, cause)
    },
    /** What the account learns a moment later; losing it would be harmless. */
    note(decision: { events: readonly Parameters<typeof writeAccount>[2][number][] }, cause: Cause): void {
      if (decision.events.length > 0) appends.push(writeAccount(person, at, decision.events, cause))
    },
    /** Nobody finishes it any more: the sweeper writes so, a while after its time. */
    abandon(): void {
      const { view } = state as SessionState
      if (view.status === 'running' && dice.chance(0.04)) write(decideSignOut(state as SessionState).events, newCause())
      else if (view.status === 'running') {
        at = Math.max(at, Date.parse(view.expiresAt) + 100 + dice.below(5_000))
        write(decideExpiry(state as SessionState, instant(at)).events, { actor: 'engine', correlationId: session, causationId: `${session}/expiry` })
      }
      at += 20 + dice.below(100)
      login.note(decideUnfinished(account(), session), { actor: 'engine', correlationId: session, causationId: `${session}/unfinished` })
    },
  }

  start()
  return login

  function start(): void {
    const known = as === 'mistyped' || as === 'usernameless' ? undefined : account()
    const { key, seal } = seals.period(at, known && person.secret ? { id: person.id, secret: person.secret } : undefined)
    appends.push(...key)
    const { supports, ...device_ } = said
    const place: Place = {
      ...device_, supports, app: person.app, installation: device.installation, flowTokenHash, entryPoint, locale: known?.locale ?? 'en',
      ...(isTestApp(person.app) || known?.test ? { test: true as const } : {}), deviceModel: seal(device.model), address: seal(addressOf(person)), userAgent: seal(`${person.app}/${said.appVersion} (${said.platform})`),
    }
    const request: PasskeyRequest = { ...challenge(), allow: known ? activePasskeys(known).map(({ passkey, transports }) => ({ id: passkey, transports: [...transports] })) : [] }
    const { outcome, events } = decideStart(place, whoStarts(seal), request, instant(at + flowSeconds * 1000), circumstances())
    const refused = 'refused' in outcome ? outcome.refused : undefined
    if (events.length === 0 || (refused !== undefined && refused !== 'no_contact')) throw new Illegal(`the start was refused: ${refused}`)
    write(events, newCause(startKey))
    person.history.note(events, instant(at))
  }

  function whoStarts(seal: Seal): Who {
    const typed = person.byName ? person.name : person.email
    if (as === 'usernameless') return 'unknown'
    if (as === 'mistyped') return { identifier: seal(`${typed.slice(0, 3)}${typed.slice(4)}`), account: null }
    const known = account()
    if (as === 'identifier') {
      return { identifier: seal(typed), account: { id: person.id, mfa: known.mfa, passkeys: activePasskeys(known).length, contacts: channelsOf(known, reachable) } }
    }
    const before = as.login.state
    const { completion } = before
    if (!completion) throw new Illegal('the settings are for who is signed in')
    // As the access token has it: whole seconds.
    const authTime = instant(Math.floor(Date.parse(completion.authTime) / 1000) * 1000)
    return { account: person.id, login: as.login.session, proof: before.view.proof ?? 'password', amr: completion.amr, authTime, accountRevision: known.revision }
  }
}

/** Addresses that are kept for documentation (RFC 5737, RFC 3849). */
const addressOf = ({ dice }: Person): string => (dice.chance(0.4) ? `2001:db8:${dice.below(65_536).toString(16)}::${dice.below(65_536).toString(16)}` : `203.0.113.${dice.below(256)}`)
