import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFact, type Fact, type Sealed } from '../event.ts'
import type { Policy } from '../policy.ts'
import { AppendPolicy } from '../policy/append.ts'
import { noOffers } from '../policy/history.ts'
import type { OfferFacts } from '../policy/offer.ts'
import { decideAppend, decideAppendOptions, decideAppendReport, decideAppendSkip } from './append.ts'
import { decideBiometrics, decideBiometricsSkip } from './biometrics.ts'
import { fold, outcomeOf, type Decision } from './decision.ts'
import { decideExpiry, decideSignOut } from './end.ts'
import { sessionEvents, type SessionEvent } from './events.ts'
import { legalActions, limits, passkeyStatus } from './flow.ts'
import { account, assertion, at, doing, facts, identifier, login, noCredential, place, requestOf, type Command } from './given.ts'
import { decideOtp, decideOtpReceipt, decideOtpSend, decideOtpSkip } from './otp.ts'
import { decidePasskey, decidePasskeyOptions, decidePasskeyReport } from './passkey.ts'
import { decidePassword } from './password.ts'
import { decidePin, decidePinSkip } from './pin.ts'
import { decideStart, type Who } from './start.ts'
import { evolve, evolveView, type SessionState } from './state.ts'
import { actions, Channel, PasswordReason, planSteps, Requirement, type Action, type Refusal } from './vocabulary.ts'

const runs = process.env['PROVE'] ? 20_000 : 300
const seed = Number(process.env['PROVE_SEED'] ?? 20_260_302)

/** What is true of the world in one login, and does not change while it lasts. */
type World = {
  /** Of a hundred proofs, how many are good. */
  skill: number
  policy: Policy
  supports: readonly string[]
  screenLock: boolean | undefined
  conditionalCreate: boolean
  autofilled: boolean
  offer: OfferFacts
  way: 'identifier' | 'usernameless' | 'settings'
  atStart: { mfa: boolean; contacts: Channel[]; passkeys: number }
  atProof: { mfa: boolean; contacts: Channel[]; pinHere: boolean; biometricsHere: boolean; disabled: boolean }
  passkey: { uvInitialized: boolean; crossDevice: boolean }
}

/** One thing that happens: an action, or what the app finds in the list of legal ones; and how long after the one before. */
type Happening = { what: Action | 'legal' | 'receipt' | 'sweep' | 'leave'; pick: number; chance: number; stale: boolean; seconds: number }

const often = <T>(usual: T, other: fc.Arbitrary<T>, weight = 8): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })
const requirement = fc.constantFrom(...Requirement.options)
const branch = fc.record({ otp: requirement, pin: requirement, biometrics: requirement })
const contacts = often<Channel[]>(['email', 'sms'], fc.subarray([...Channel.options]), 3)

const worlds: fc.Arbitrary<World> = fc.record({
  skill: fc.constantFrom(0, 50, 90, 100),
  policy: fc.record({
    version: fc.constant('1'),
    order: fc.shuffledSubarray([...planSteps], { minLength: planSteps.length }),
    withPasskey: branch,
    withoutPasskey: branch,
    pinKeptOn: fc.constantFrom('device', 'server'),
    accountExistence: fc.constantFrom('shown', 'hidden'),
    append: fc.record({ enabled: often(true, fc.constant(false)), mode: fc.constantFrom('manual', 'automatic'), conditional: fc.boolean() }).map((append) => AppendPolicy.parse(append)),
    codesBy: fc.constant([...Channel.options]),
    signedIn: fc.constant({ idle: 3_600, absolute: 86_400 }),
  }),
  supports: often<readonly string[]>(actions, fc.subarray([...actions]), 4),
  screenLock: fc.constantFrom(true, undefined, false),
  conditionalCreate: fc.boolean(),
  autofilled: fc.boolean(),
  offer: fc.record({
    history: often<OfferFacts['history']>(noOffers, fc.constant('unavailable')),
    never: often(false, fc.constant(true)),
    passkeyHere: often(false, fc.constant(true)),
  }),
  way: often<World['way']>('identifier', fc.constantFrom('usernameless', 'settings'), 3),
  atStart: fc.record({ mfa: fc.boolean(), contacts, passkeys: fc.constantFrom(0, 0, 1, 2) }),
  atProof: fc.record({
    mfa: fc.boolean(),
    contacts,
    pinHere: fc.boolean(),
    biometricsHere: fc.boolean(),
    disabled: often(false, fc.constant(true), 20),
  }),
  passkey: fc.record({ uvInitialized: often(true, fc.constant(false), 2), crossDevice: often(false, fc.constant(true), 2) }),
})

const happenings: fc.Arbitrary<Happening[]> = fc.array(
  fc.record({
    what: fc.oneof(
      { weight: 30, arbitrary: fc.constant('legal' as const) },
      { weight: 5, arbitrary: fc.constantFrom(...actions) },
      { weight: 4, arbitrary: fc.constant('receipt' as const) },
      { weight: 1, arbitrary: fc.constantFrom('sweep' as const, 'leave' as const) },
    ),
    pick: fc.nat(),
    chance: fc.nat(99),
    stale: often(false, fc.constant(true), 20),
    seconds: fc.oneof(
      { weight: 40, arbitrary: fc.constantFrom(0, 1) },
      { weight: 6, arbitrary: fc.constantFrom(29, 30, 31) },
      { weight: 1, arbitrary: fc.constantFrom(299, 300, 900) },
    ),
  }),
  { minLength: 5, maxLength: 90, size: 'max' },
)

/** The world's answer to what happens, through the real decisions. */
function decide(state: SessionState, { what, pick, stale, chance }: Happening, world: World, second: number): Decision {
  const now = at(second)
  const good = chance < world.skill
  const { view } = state
  const circumstances = { now, policy: world.policy, offer: world.offer }
  const challenge = stale ? 'challenge of another day' : (state.ceremony?.challenge ?? '')
  const issue = stale ? Math.max(0, view.otp.issues - 1) : view.otp.issues
  const device = { platform: 'ios', code: '1004', reason: 'failed' } as const
  const legal = legalActions(view, now)
  switch (what === 'legal' ? (legal[pick % legal.length] ?? 'password') : what) {
    case 'passkey': {
      const { disabled, ...said } = world.atProof
      const challenge = stale ? 'request of another day' : (state.request?.challenge ?? null)
      const bad = { verdict: 'bad', challenge, reason: pick % 5 ? 'wrong_origin' : 'credential_unknown', passkey: 'passkey-00', retryable: pick % 3 > 0 } as const
      return decidePasskey(state, good ? { verdict: 'good', challenge, disabled, verified: { ...assertion, ...said, ...world.passkey } } : bad, circumstances)
    }
    case 'passkey_options':
      return decidePasskeyOptions(state, requestOf(view.assertion.requests + 1), circumstances)
    case 'passkey_report':
      return decidePasskeyReport(state, { ...noCredential, retryable: good || pick % 2 === 0 }, circumstances)
    case 'password': {
      const { disabled, ...account } = world.atProof
      const given = { autofilled: world.autofilled, insteadOf: PasswordReason.options[pick % 8] }
      if (!good) return decidePassword(state, { verdict: 'wrong', reason: 'wrong_password' }, given, circumstances)
      return decidePassword(state, { verdict: 'right', disabled, account: { accountRevision: 3, ...account } }, given, circumstances)
    }
    case 'append_options':
      return decideAppendOptions(state, { challenge: `challenge-${view.append.starts + 1}`, excludes: [], expiresAt: at(second + 300) }, circumstances)
    case 'append': {
      const passkey = { credentialId: 'passkey-01', aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', backupEligible: true, backedUp: false }
      const bad = { verdict: 'bad', challenge, reason: 'wrong_origin', retryable: pick % 2 === 0 } as const
      return decideAppend(state, good ? { verdict: 'good', challenge, passkey } : bad, circumstances)
    }
    case 'append_skip':
      return decideAppendSkip(state, good ? 'declined' : 'never', circumstances)
    case 'append_report': {
      const outcome = (['cancelled', 'not_shown', 'failed'] as const)[chance % 3] ?? 'failed'
      return decideAppendReport(state, outcome === 'cancelled' ? { ...device, outcome } : { ...device, outcome, retryable: good }, circumstances)
    }
    case 'otp_send': {
      const channel = Channel.options[pick % 2] ?? 'email'
      const destination = view.contacts.includes(channel) ? (`sealed ${channel}` as Sealed) : undefined
      const times = { expiresAt: at(second + limits.otpSeconds), resendAt: at(second + limits.otpResendSeconds) }
      return decideOtpSend(state, { channel, destination, ...times }, circumstances)
    }
    case 'otp':
      return decideOtp(state, { matches: good, issue }, circumstances)
    case 'otp_skip':
      return decideOtpSkip(state, circumstances)
    case 'pin': {
      const given = good === (view.plan.pinKeptOn === 'server')
      return decidePin(state, given ? { given, weakness: stale ? 'too_simple' : undefined } : { given }, circumstances)
    }
    case 'pin_skip':
      return decidePinSkip(state, circumstances)
    case 'biometrics':
      return decideBiometrics(state, good, circumstances)
    case 'biometrics_skip':
      return decideBiometricsSkip(state, circumstances)
    case 'receipt':
      return decideOtpReceipt(state, issue, good ? { delivered: true } : { delivered: false, reason: 'timeout', retryable: true })
    case 'sweep':
      return decideExpiry(state, now)
    case 'leave':
      return decideSignOut(state)
  }
}

type Stored = { type: string; data: unknown; metadata: { at: string } }
/** What a login came to after each thing that happened; `stored`: all that the log then holds. */
type Moment = { now: string; state: SessionState; decision: Decision; stored: readonly Stored[] }
type Login = { world: World; moments: Moment[]; events: SessionEvent[]; last: SessionState }

function whoOf({ way, atStart }: World): Who {
  if (way === 'usernameless') return 'unknown'
  return way === 'settings' ? { account, login, proof: 'password', amr: ['pwd'], authTime: at(-60), accountRevision: 3 } : { identifier, account: { id: account, ...atStart } }
}

/** The account itself demands a code, as the login knows it. */
const demandsCode = ({ way, atStart, atProof }: World): boolean => way !== 'settings' && ((way === 'identifier' && atStart.mfa) || atProof.mfa)
/** It was both factors. */
const byPasskey = (events: readonly { type: string }[], { passkey }: World): boolean => passkey.uvInitialized && events.some(({ type }) => type === 'PasskeyVerified')

function live(world: World, happened: Happening[]): Login | undefined {
  const { supports, screenLock, conditionalCreate, policy, offer } = world
  const entryPoint = world.way === 'settings' ? 'settings' : 'post_login'
  const first = decideStart({ ...place, supports, screenLock, conditionalCreate, entryPoint }, whoOf(world), requestOf(1), at(900), { now: at(0), policy, offer })
  if (first.events.length === 0) return undefined
  let second = 0
  let last = first.events.reduce<SessionState | undefined>((state, event) => evolve(state, { ...event, at: at(0) } as Fact<SessionEvent>), undefined) as SessionState
  let stored = asStored(first.events, at(0))
  const moments: Moment[] = [{ now: at(0), state: last, decision: first, stored }]
  for (const one of happened) {
    second += one.seconds
    const decision = decide(last, one, world, second)
    last = fold(last, decision.events, at(second))
    stored = [...stored, ...asStored(decision.events, at(second))]
    moments.push({ now: at(second), state: last, decision, stored })
  }
  return { world, moments, events: moments.flatMap(({ decision }) => decision.events), last }
}

const asStored = (events: readonly SessionEvent[], now: string): Stored[] =>
  events.map((event) => JSON.parse(JSON.stringify({ ...event, metadata: { at: now } })) as Stored)
const replayed = (stored: readonly Stored[]): SessionState =>
  stored.reduce<SessionState | undefined>((state, event) => evolve(state, parseFact(sessionEvents, event)), undefined) as SessionState

describe(`In any login, whatever happens in it (seed ${seed})`, () => {
  const always = (sentence: string, holds: (login: Login) => void): void =>
    test(sentence, () => {
      fc.assert(
        fc.property(worlds, happenings, (world, happened) => {
          const login = live(world, happened)
          if (login) holds(login)
        }),
        { seed, numRuns: runs },
      )
    }, 600_000)

  always('completion has every proof that the plan requires', ({ world, events }) => {
    const types = events.map(({ type }) => type)
    if (!types.includes('SessionCompleted') || world.way === 'settings') return
    const wanted = types.includes('PasskeyAppended') || types.includes('PasskeyVerified') ? world.policy.withPasskey : world.policy.withoutPasskey
    expect(types.filter((type) => ['PasswordVerified', 'PasskeyVerified'].includes(type))).toHaveLength(1)
    if ((wanted.otp === 'required' || demandsCode(world)) && !byPasskey(events, world)) expect(types).toContain('OtpVerified')
    if (wanted.pin === 'required' && !world.atProof.pinHere) expect(types).toContain('PinSet')
    if (wanted.biometrics === 'required' && !world.atProof.biometricsHere) expect(types).toContain('BiometricToggled')
    expect(types.indexOf('SessionCompleted')).toBe(types.findLastIndex((type) => !['OtpSent', 'OtpDeliveryFailed'].includes(type)))
  })

  always('no account that demands a code comes near a passkey before it', ({ world, events }) => {
    if (!demandsCode(world)) return
    const first = events.findIndex(({ type }) => ['AppendOffered', 'AppendStarted', 'PasskeyAppended'].includes(type))
    if (first >= 0 && !byPasskey(events.slice(0, first), world)) expect(events.slice(0, first).map(({ type }) => type)).toContain('OtpVerified')
  })

  always('a passkey is created without asking only after every required factor', ({ world, events }) => {
    const silent = events.findIndex((event) => event.type === 'AppendOffered' && event.data.mode === 'conditional')
    if (silent < 0) return
    const before = events.slice(0, silent).map(({ type }) => type)
    expect([world.autofilled, world.conditionalCreate, world.policy.append.conditional, before.includes('PasswordVerified')]).toEqual([true, true, true, true])
    if (world.policy.withPasskey.otp === 'required' || demandsCode(world)) expect(before).toContain('OtpVerified')
  })

  always('after two failures in a row, or five requests, no passkey is asked for', ({ moments }) => {
    for (const { now, state } of moments) {
      const { failures, requests } = state.view.assertion
      expect(failures).toBeLessThanOrEqual(2)
      expect(requests).toBeLessThanOrEqual(5)
      if (failures === 2) expect(legalActions(state.view, now).filter((action) => action.startsWith('passkey'))).toEqual([])
    }
  })

  always('a replay of what is stored gives the state that was answered, the public part alone as well, and the same answer', ({ moments }) => {
    for (const { state, stored } of moments) expect(replayed(stored)).toStrictEqual(state)
    let view: SessionState['view'] | null = null
    for (const fact of moments.at(-1)?.stored ?? []) view = evolveView(JSON.parse(JSON.stringify(view)) as typeof view, parseFact(sessionEvents, fact))
    expect(view).toStrictEqual(moments.at(-1)?.state.view)
    for (const { state, decision } of moments) if (decision.events.length > 0) expect(outcomeOf(decision.events, state.view)).toStrictEqual(decision.outcome)
  })

  always('what comes after the completion does not undo it', ({ last }) => {
    if (last.view.status !== 'completed') return
    const late = [
      ...[facts.wrongPassword(), facts.cancelled(), facts.notShown(), facts.skipped('never'), facts.failedThere(), facts.failedHere()],
      ...[facts.sent(last.view.otp.issues), facts.undelivered(last.view.otp.issues), facts.codeRejected(), facts.expired(), facts.ended('too_many_refusals')],
    ]
    for (const after of late.map((event) => fold(last, [event], at(2000)))) {
      expect([after.view.status, after.view.endReason, after.completion, after.view.passkey]).toEqual(['completed', null, last.completion, last.view.passkey])
      expect(passkeyStatus(after.view)).toBe(passkeyStatus(last.view))
    }
  })

  always('there are 30 refusals and 200 events at most', ({ events, last }) => {
    const count = (...types: SessionEvent['type'][]): number => events.filter(({ type }) => types.includes(type)).length
    const failedHere = events.filter((event) => event.type === 'AppendFailed' && event.data.by === 'engine').length
    expect(count('PasswordRejected', 'PasskeyRejected', 'OtpRejected') + failedHere).toBe(last.view.refusals)
    expect(last.view.refusals).toBeLessThanOrEqual(30)
    expect(events.length).toBeLessThan(200)
    expect(count('AppendStarted')).toBeLessThanOrEqual(3)
    expect(count('OtpIssued')).toBeLessThanOrEqual(5)
  })

  always('there is something to do that the app can do, until it is over', ({ world, moments }) => {
    for (const { now, state } of moments) {
      const legal = legalActions(state.view, now)
      if (state.view.status === 'running' && now < state.view.expiresAt) expect(legal.some((action) => world.supports.includes(action))).toBe(true)
      else expect(legal).toEqual([])
    }
  })

  always('exactly what is told to be legal is taken, and what is not writes nothing', ({ world: { policy, offer }, moments }) => {
    const notNow = new Set<Refusal>(['step_not_legal', 'otp_sends_exhausted', 'session_completed', 'session_ended', 'session_expired'])
    for (const { now, state } of moments) {
      const legal = legalActions(state.view, now)
      const taken = actions.filter((action) => {
        const { outcome, events } = (doing[action] as Command)(state, { now, policy, offer })
        return !('refused' in outcome && notNow.has(outcome.refused)) || events.length > 0
      })
      expect(taken).toEqual(actions.filter((action) => legal.includes(action)))
    }
  })

  always('what is over stays as it is', ({ moments }) => {
    for (const [index, { decision, state }] of moments.entries()) {
      const before = moments[index - 1]?.state.view
      if (!before || before.status === 'running') continue
      expect([state.view.status, state.view.endReason]).toEqual([before.status, before.endReason])
      for (const { type } of decision.events) expect(['OtpSent', 'OtpDeliveryFailed']).toContain(type)
    }
  })

  always('a passkey is active only when every required code was given', ({ world, moments }) => {
    const demanded = world.way !== 'settings' && (demandsCode(world) || world.policy.withPasskey.otp === 'required')
    for (const { state, stored } of moments) {
      const given = stored.some(({ type }) => type === 'OtpVerified') || byPasskey(stored, world)
      const made = stored.some(({ type }) => type === 'PasskeyAppended')
      expect(passkeyStatus(state.view)).toBe(made ? (demanded && !given ? 'pending' : 'active') : undefined)
    }
  })
})

test('Such logins come to every end, by every way', () => {
  const seen = new Set<string>()
  for (const [world, happened] of fc.sample(fc.tuple(worlds, happenings), { seed: 20_260_302, numRuns: 600 })) {
    for (const { type, data } of live(world, happened)?.events ?? []) seen.add(type === 'SessionEnded' ? `${type}: ${data.reason}` : type)
  }
  const ends = ['too_many_refusals', 'account_disabled', 'no_contact', 'upgrade_required', 'identifier_needed', 'signed_out'].map((reason) => `SessionEnded: ${reason}`)
  expect([...seen].sort()).toEqual([...Object.keys(sessionEvents).filter((type) => type !== 'SessionEnded'), ...ends].sort())
})
