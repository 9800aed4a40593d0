import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { Policy } from '../policy.ts'
import { isRolledOut } from '../policy/lots.ts'
import type { OfferFacts } from '../policy/offer.ts'
import type { SessionEvent } from './events.ts'
import { legalActions } from './flow.ts'
import { at, facts, folded, given, place, type Command } from './given.ts'
import { decidePassword, type PasswordVerdict } from './password.ts'
import { actions, type WithheldReason } from './vocabulary.ts'

const { entered, verified, wrongPassword, offered, withheld, ended } = facts

type Said = Extract<PasswordVerdict, { verdict: 'right' }>['account']
const right = (says: Partial<Said> = {}, disabled = false): Command => (state, circumstances) =>
  decidePassword(
    state,
    { verdict: 'right', disabled, account: { accountRevision: 3, mfa: false, contacts: ['email'], pinHere: false, biometricsHere: false, ...says } },
    {},
    circumstances,
  )
const wrong: Command = (state, circumstances) => decidePassword(state, { verdict: 'wrong', reason: 'wrong_password' }, {}, circumstances)

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
const allOff = { withPasskey: off, withoutPasskey: off }

describe('The right password', () => {
  test('leads to the offer of a passkey', () => {
    given(entered()).when(right()).then(verified(), offered())
  })

  test('counts after wrong ones', () => {
    given(entered(), wrongPassword(), wrongPassword(28)).when(right()).then(verified(), offered(1, 'login_error'))
  })

  test('completes the login when nothing else is asked, with the moment of the password as the time of the authentication', () => {
    const completed: SessionEvent = { type: 'SessionCompleted', data: { amr: ['pwd'], authTime: at(60), passkey: null } }
    given(entered({ policy: allOff, supports: ['password'] }))
      .when(right())
      .then(verified(), withheld('not_supported'), completed)
  })

  test('leads to the code first when the account demands one, whatever the policy and the start said', () => {
    given(entered({ policy: allOff })).when(right({ mfa: true })).then(verified({ mfa: true }))
    expect(legalActions(folded([entered({ policy: allOff }), verified({ mfa: true })]).view, at(60))).toEqual(['otp_send'])
  })

  test('ends the login when the account demands a code that the app cannot take', () => {
    given(entered({ policy: allOff, supports: ['password', 'otp_send'] }))
      .when(right({ mfa: true }))
      .refused('upgrade_required', verified({ mfa: true }), ended('upgrade_required'))
  })

  test('ends the login when a code was demanded at the start, is no longer, and the app cannot take one', () => {
    given(entered({ mfa: true, policy: allOff, supports: ['password'] }))
      .when(right())
      .refused('upgrade_required', verified(), ended('upgrade_required'))
  })

  test('tells that the account is disabled', () => {
    given(entered()).when(right({}, true)).refused('account_disabled', verified(), ended('account_disabled'))
  })
})

describe('An account without a contact', () => {
  const none = { contacts: [] }

  test('cannot be signed in to where a code is required', () => {
    given(entered()).when(right(none)).refused('no_contact', verified(none), ended('no_contact'))
  })

  test('nor where a code may come before the branch is known', () => {
    given(entered({ policy: { order: ['otp', 'append', 'pin', 'biometrics'], withoutPasskey: off } }))
      .when(right(none)).refused('no_contact', verified(none), ended('no_contact'))
  })

  test('nor when the account itself demands it', () => {
    const says = { contacts: [], mfa: true }
    given(entered({ policy: allOff })).when(right(says)).refused('no_contact', verified(says), ended('no_contact'))
  })

  test('is not offered a passkey that would wait for a code, and signs in without', () => {
    given(entered({ policy: { withoutPasskey: { ...off, pin: 'required' } } })).when(right(none)).then(verified(none), withheld('no_contact'))
  })

  test('passes over an optional one by itself', () => {
    const optional = { otp: 'optional', pin: 'off', biometrics: 'off' } as const
    given(entered({ policy: { order: ['otp', 'append', 'pin', 'biometrics'], withPasskey: optional, withoutPasskey: optional } }))
      .when(right(none))
      .then(verified(none), facts.codeSkipped('no_contact'), offered())
  })

  test('does not matter where no code is asked', () => {
    given(entered({ policy: allOff })).when(right(none)).then(verified(none), offered())
  })
})

describe('The offer', () => {
  const fresh: OfferFacts = { history: { offers: 4, recent: [] }, never: false, passkeyHere: false }

  test('has the number after the ones made before', () => {
    given(entered()).when(right(), { offer: fresh }).then(verified(), offered(5))
  })

  test.each<[WithheldReason, Partial<OfferFacts>, z.input<typeof Policy>?]>([
    ['has_passkey_here', { passkeyHere: true }],
    ['never_again', { never: true }],
    ['history_unavailable', { history: 'unavailable' }],
    ['switched_off', {}, { append: { enabled: false } }],
  ])('is withheld and the login goes on: %s', (reason, person, policy = {}) => {
    given(entered()).when(right(), { offer: { ...fresh, ...person }, policy: Policy.parse(policy) }).then(verified(), withheld(reason))
  })

  test('is decided at the moment of the proof, on the app, the account and the device of this login', () => {
    const decides = (policy: z.input<typeof Policy>, offer: OfferFacts = fresh, about: Partial<typeof place> & { account?: string } = {}) => {
      const first = entered()
      const { events } = right()(folded([{ ...first, data: { ...first.data, ...about } } as SessionEvent]), { now: at(60), policy: Policy.parse(policy), offer })
      return events.map(({ type, data }) => ('reason' in data ? data.reason : type)).at(-1)
    }
    const settledAt = at(60 - 3_600)
    const declined: OfferFacts = { ...fresh, history: { offers: 1, recent: [{ at: settledAt, mode: 'manual', entryPoint: 'post_login', outcome: 'declined', settledAt }] } }
    expect([decides({ append: { coolDownHours: { declined: 1.001 } } }, declined), decides({ append: { coolDownHours: { declined: 1 } } }, declined)]).toEqual(['cool_down', 'AppendOffered'])
    expect([decides({ append: { killSwitch: { apps: ['shop'] } } }), decides({ append: { killSwitch: { apps: ['bank'] } } })]).toEqual(['kill_switch', 'AppendOffered'])
    const demanding = { append: { devices: { ios: { app: [{ from: '4.12' }] } } } }
    expect([decides(demanding, fresh, { appVersion: '4.11' }), decides(demanding, fresh, { appVersion: '4.12' })]).toEqual(['app_not_eligible', 'AppendOffered'])
    const rollout = { percent: 50, salt: 'rollout' }
    const accounts = Array.from({ length: 16 }, (_, number) => `5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e${number + 10}`)
    expect(accounts.map((account) => decides({ append: { rollout } }, fresh, { account }))).toEqual(accounts.map((account) => (isRolledOut(rollout, account) ? 'AppendOffered' : 'not_rolled_out')))
  })

  test('is withheld from an app that does not know how', () => {
    const supports = actions.filter((action) => action !== 'append')
    given(entered({ supports })).when(right()).then(verified(), withheld('not_supported'))
  })
})

describe('A wrong password', () => {
  test('is a fact, and leaves so many attempts', () => {
    given(entered()).when(wrong).refused('password_rejected', wrongPassword(29))
    given(entered(), wrongPassword(29)).when(wrong).refused('password_rejected', wrongPassword(28))
  })

  test.each(['wrong_password', 'unknown_identifier', 'no_password'] as const)('is answered alike for every reason: %s', (reason) => {
    given(entered())
      .when((state, circumstances) => decidePassword(state, { verdict: 'wrong', reason }, {}, circumstances))
      .refused('password_rejected', { type: 'PasswordRejected', data: { reason, attemptsLeft: 29 } })
  })

  test('shows nothing of the account', () => {
    given(entered({ policy: allOff, mfa: true, supports: ['password'] })).when(wrong).refused('password_rejected', wrongPassword(29))
  })

  test('for the thirtieth time ends the login', () => {
    const before = Array.from({ length: 29 }, (_, index) => wrongPassword(29 - index))
    given(entered(), ...before).when(wrong).refused('password_rejected', wrongPassword(0), ended('too_many_refusals'))
    given(entered(), ...before).when(right()).then(verified(), offered(1, 'login_error'))
    given(entered(), ...before, wrongPassword(0), ended('too_many_refusals'))
      .when(right())
      .refused({ refused: 'session_ended', reason: 'too_many_refusals' })
  })
})

test('The password is asked for once', () => {
  given(entered(), verified(), offered()).when(right()).refused('step_not_legal')
  given(entered(), verified(), offered()).when(wrong).refused('step_not_legal')
})
