import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFact, type Fact, type Sealed } from '../event.ts'
import type { OfferFacts, Policy } from '../policy.ts'
import { decideAppend, decideAppendOptions, decideAppendReport, decideAppendSkip } from './append.ts'
import { decideBiometrics, decideBiometricsSkip } from './biometrics.ts'
import { fold, outcomeOf, type Decision } from './decision.ts'
import { decideExpiry, decideSignOut } from './end.ts'
import { sessionEvents, type SessionEvent } from './events.ts'
import { legalActions, limits, passkeyStatus } from './flow.ts'
import { at, doing, facts, start, type Command } from './given.ts'
import { decideOtp, decideOtpReceipt, decideOtpSend, decideOtpSkip } from './otp.ts'
import { decidePassword } from './password.ts'
import { decidePin, decidePinSkip } from './pin.ts'
import { decideStart } from './start.ts'
import { evolve, evolveView, type SessionState } from './state.ts'
import { actions, Channel, planSteps, Requirement, type Action, type Refusal } from './vocabulary.ts'

const runs = process.env['PROVE'] ? 20_000 : 300
const seed = Number(process.env['PROVE_SEED'] ?? 20_260_302)

/** What is true of the world in one login, and does not change while it lasts. */
type World = {
  /** Of a hundred proofs, how many are good. */
  skill: number
  policy: Policy
  supports: readonly string[]
  screenLock: boolean | undefined
  offer: OfferFacts
  atStart: { mfa: boolean; contacts: Channel[] }
  atPassword: { mfa: boolean; contacts: Channel[]; pinHere: boolean; biometricsHere: boolean; disabled: boolean }
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
    append: fc.record({ enabled: often(true, fc.constant(false)), mode: fc.constantFrom('manual', 'automatic') }),
  }),
  supports: often<readonly string[]>(actions, fc.subarray([...actions]), 4),
  screenLock: fc.constantFrom(true, undefined, false),
  offer: fc.record({
    history: often<OfferFacts['history']>({ offers: 0 }, fc.constant('unavailable')),
    never: often(false, fc.constant(true)),
    passkeyHere: often(false, fc.constant(true)),
  }),
  atStart: fc.record({ mfa: fc.boolean(), contacts }),
  atPassword: fc.record({
    mfa: fc.boolean(),
    contacts,
    pinHere: fc.boolean(),
    biometricsHere: fc.boolean(),
    disabled: often(false, fc.constant(true), 20),
  }),
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
    case 'password': {
      const { disabled, ...account } = world.atPassword
      if (!good) return decidePassword(state, { verdict: 'wrong', reason: 'wrong_password' }, circumstances)
      return decidePassword(state, { verdict: 'right', disabled, account: { accountRevision: 3, ...account } }, circumstances)
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
      const outcome = (['cancelled', 'not_shown', 'failed'] as const)[pick % 3] ?? 'failed'
      return decideAppendReport(state, outcome === 'failed' ? { ...device, outcome, retryable: good } : { ...device, outcome }, circumstances)
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

function live(world: World, happened: Happening[]): Login | undefined {
  const { supports, screenLock, atStart } = world
  const account = { id: start.installation, passkeys: 0, ...atStart }
  const first = decideStart({ ...start, supports, screenLock, account }, { policy: world.policy, expiresAt: at(900) })
  const [entered] = first.events
  if (!entered) return undefined
  let second = 0
  let last = evolve(undefined, { ...entered, at: at(0) } as Fact<SessionEvent>)
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
    if (!types.includes('SessionCompleted')) return
    const wanted = types.includes('PasskeyAppended') ? world.policy.withPasskey : world.policy.withoutPasskey
    expect(types).toContain('PasswordVerified')
    if (wanted.otp === 'required' || world.atStart.mfa || world.atPassword.mfa) expect(types).toContain('OtpVerified')
    if (wanted.pin === 'required' && !world.atPassword.pinHere) expect(types).toContain('PinSet')
    if (wanted.biometrics === 'required' && !world.atPassword.biometricsHere) expect(types).toContain('BiometricToggled')
    expect(types.indexOf('SessionCompleted')).toBe(types.findLastIndex((type) => !['OtpSent', 'OtpDeliveryFailed'].includes(type)))
  })

  always('no account that demands a code comes near a passkey before it', ({ world, events }) => {
    if (!world.atStart.mfa && !world.atPassword.mfa) return
    const types = events.map(({ type }) => type)
    const first = types.findIndex((type) => ['AppendOffered', 'AppendStarted', 'PasskeyAppended'].includes(type))
    if (first >= 0) expect(types.slice(0, first)).toContain('OtpVerified')
  })

  always('a replay of what is stored gives the state that was answered, the public part alone as well, and the same answer', ({ moments }) => {
    for (const { state, stored } of moments) expect(replayed(stored)).toStrictEqual(state)
    let view: SessionState['view'] | null = null
    for (const fact of moments.at(-1)?.stored ?? []) view = evolveView(JSON.parse(JSON.stringify(view)) as typeof view, parseFact(sessionEvents, fact))
    expect(view).toStrictEqual(moments.at(-1)?.state.view)
    for (const { decision } of moments) if (decision.events.length > 0) expect(outcomeOf(decision.events)).toStrictEqual(decision.outcome)
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
    expect(count('PasswordRejected', 'OtpRejected') + failedHere).toBe(last.view.refusals)
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
    const demanded = world.atStart.mfa || world.atPassword.mfa || world.policy.withPasskey.otp === 'required'
    for (const { state, stored } of moments) {
      const given = stored.some(({ type }) => type === 'OtpVerified')
      const made = stored.some(({ type }) => type === 'PasskeyAppended')
      expect(passkeyStatus(state.view)).toBe(made ? (demanded && !given ? 'pending' : 'active') : undefined)
    }
  })
})

test('Such logins come to every end, by every way', () => {
  const seen = new Set<string>()
  for (const [world, happened] of fc.sample(fc.tuple(worlds, happenings), { seed: 20_260_302, numRuns: 300 })) {
    for (const { type, data } of live(world, happened)?.events ?? []) seen.add(type === 'SessionEnded' ? `${type}: ${data.reason}` : type)
  }
  const ends = ['too_many_refusals', 'account_disabled', 'no_contact', 'upgrade_required', 'signed_out'].map((reason) => `SessionEnded: ${reason}`)
  expect([...seen].sort()).toEqual([...Object.keys(sessionEvents).filter((type) => type !== 'SessionEnded'), ...ends].sort())
})
