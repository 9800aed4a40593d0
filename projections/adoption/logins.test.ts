import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Policy } from '../../domain/policy.ts'
import { currentStep, legalActions } from '../../domain/session/flow.ts'
import { account, at as sessionTime, doing, facts, folded, login, usual } from '../../domain/session/given.ts'
import type { SessionEvent } from '../../domain/session/events.ts'
import { planSteps, Requirement } from '../../domain/session/vocabulary.ts'
import { at, recorded, rowOf } from '../testing-rows.ts'
import { adoptionLogins, type LoginRow } from './logins.ts'

const { entered, verified, offered, started, appended } = facts
const row = (...events: SessionEvent[]) => rowOf(adoptionLogins, 'session-1', ...events)

describe('The row of a login', () => {
  test('says where it took place', () => {
    const event = entered({ passkeys: 1 })
    const place = { osVersion: '17.4', appVersion: '8.2.1', test: true }
    expect(row({ ...event, data: { ...event.data, ...place } } as SessionEvent)).toMatchObject({
      account, app: 'shop', app_version: '8.2.1', platform: 'ios', os_version: '17.4', entry_point: 'post_login', policy: '1', started_at: at(0), identified: true, had_passkey: true, test: true,
      settings: false, status: 'running', last_at: at(0),
    })
  })

  test('names the account once the passkey has said whose it is, and is a test’s if that is', () => {
    expect(row(facts.usernameless())).toMatchObject({ account: null, identified: false, had_passkey: false, test: false })
    expect(row(facts.usernameless(), facts.requested(), facts.passkeyVerified({ test: true }))).toMatchObject({
      account, proof: 'passkey', proved_at: at(2), used_passkey: 'passkey-00', had_passkey: true, passkey_asked: true, test: true,
    })
  })

  test('of the settings is none of a login', () => {
    expect(row(facts.settings(), offered(1, 'settings'))).toMatchObject({ account, settings: true, proof: null, entry_point: 'settings', offer: 1, eligible: true, step: 'append' })
  })

  test('says where, in which variant and by which policy the offer was made', () => {
    const offer: SessionEvent = { type: 'AppendOffered', data: { offer: 3, mode: 'automatic', entryPoint: 'login_error', variant: 'bold', policy: '7' } }
    expect(row(entered(), verified(), offer)).toMatchObject({ offer: 3, mode: 'automatic', entry_point: 'login_error', variant: 'bold', policy: '7', offered_at: at(2), outcome: 'offered' })
    expect(row(entered(), verified(), { type: 'AppendWithheld', data: { reason: 'paused', policy: '7' } })).toMatchObject({ policy: '7', offer: null, outcome: 'withheld', withheld: 'paused', eligible: true })
  })

  test('keeps a passkey that was created, whatever comes late, and the first end', () => {
    const created = row(entered(), verified(), offered(), started(), appended())
    expect(created).toMatchObject({ outcome: 'created', starts: 1, passkey: 'passkey-01', backup: 'backed_up', created_at: at(4) })
    const late = row(entered(), verified(), offered(), started(), appended(), facts.failedThere(), started(2), facts.completed(), facts.expired())
    expect(late).toMatchObject({ outcome: 'created', reason: null, code: null, starts: 1, status: 'completed', completed_at: at(7) })
  })

  test('forgets why the prompt was dismissed when it is opened again', () => {
    expect(row(entered(), verified(), offered(), started(), facts.cancelled())).toMatchObject({ outcome: 'cancelled', reason: 'dismissed_or_timed_out', code: '1001' })
    expect(row(entered(), verified(), offered(), started(), facts.cancelled(), started(2))).toMatchObject({ outcome: 'started', reason: null, code: null, starts: 2 })
  })

  test('takes in what the login left in the account, whichever stream comes first', () => {
    const [activated, off] = [
      { type: 'PasskeyActivated', data: { passkey: 'passkey-01' } },
      { type: 'InstallationBiometricToggled', data: { installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60', enabled: false } },
    ]
    const inAccount = (event: { type: string; data: object }, correlation = login) => recorded(`account-${account}`, [event]).map((one) => ({ ...one, metadata: { ...one.metadata, $correlationId: correlation } }))[0]!
    expect(adoptionLogins.key(inAccount(activated))).toBe(login)
    expect(adoptionLogins.key(inAccount(off))).toBe(login)
    expect(adoptionLogins.key(inAccount({ ...off, data: { ...off.data, enabled: true } }))).toBeUndefined()
    // Not by a login, but by the company's backend.
    expect(adoptionLogins.key(inAccount(activated, account))).toBeUndefined()
    const before = adoptionLogins.evolve(adoptionLogins.initial(login), inAccount(activated))
    expect(before).toMatchObject({ activated_at: at(0), started_at: null })
    const after = row(entered(), verified(), offered(), started(), appended())
    expect(adoptionLogins.evolve(after, inAccount(activated))).toEqual({ ...after, activated_at: at(0) })
    expect(adoptionLogins.evolve(after, inAccount(off))).toEqual({ ...after, biometrics_off_at: at(0) })
  })
})

test('A row is at the step that the login is at, whatever the plan, and says which steps it came to', () => {
  const requirement = fc.constantFrom(...Requirement.options)
  const branch = fc.record({ otp: requirement, pin: requirement, biometrics: requirement })
  const order = fc.shuffledSubarray([...planSteps], { minLength: planSteps.length })
  const says = fc.record({ mfa: fc.boolean(), pinHere: fc.boolean(), biometricsHere: fc.boolean() })
  const begin = fc.constantFrom('password' as const, 'passkey' as const, 'weak passkey' as const, 'settings' as const)
  const world = fc.record({ order, withPasskey: branch, withoutPasskey: branch, says, begin, offer: fc.boolean(), picks: fc.array(fc.nat(), { maxLength: 12 }) })
  fc.assert(
    fc.property(world, ({ order, withPasskey, withoutPasskey, says, begin, offer, picks }) => {
      const policy = Policy.parse({ order, withPasskey, withoutPasskey, append: { enabled: offer } })
      const first = begin === 'settings' ? facts.settings() : entered({ policy: { order, withPasskey, withoutPasskey }, passkeys: begin === 'password' ? 0 : 1 })
      const proof = begin === 'password' ? verified(says) : facts.passkeyVerified({ ...says, uvInitialized: begin === 'passkey' })
      const events = [first, ...(begin === 'settings' ? [facts.offered(1, 'settings')] : [proof, offer ? offered() : facts.withheld('cool_down')])]
      const circumstances = { ...usual, policy }
      for (const pick of picks) {
        const state = folded(events, sessionTime(30))
        const legal = legalActions(state.view, circumstances.now)
        const action = legal[pick % legal.length]
        if (action === undefined) break
        events.push(...doing[action](state, circumstances).events)
      }
      let made: LoginRow = adoptionLogins.initial('1')
      recorded('session-1', events).forEach((event, n) => {
        made = adoptionLogins.evolve(made, event)
        const { view } = folded(events.slice(0, n + 1))
        const step = view.proof === null ? null : (currentStep(view) ?? null)
        expect(made.step).toBe(step)
        if (step === 'otp' || step === 'pin' || step === 'biometrics') expect(made[step]).not.toBeNull()
      })
    }),
    { numRuns: process.env['PROVE'] ? 5_000 : 200, seed: Number(process.env['PROVE_SEED'] ?? 20_261_129) },
  )
})
