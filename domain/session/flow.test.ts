import { describe, expect, test } from 'vitest'
import type { Branch, Policy } from '../policy.ts'
import type { SessionEvent } from './events.ts'
import { currentStep, legalActions, limits } from './flow.ts'
import { at, doing, facts, folded, usual, type Command } from './given.ts'
import type { SessionView } from './state.ts'
import { actions, type Action, type Refusal } from './vocabulary.ts'

const { entered, verified, offered, started, appended, issued, codeVerified, codeSkipped, pinSet, pinSkipped, biometrics, completed, ended } = facts

type Row = [state: string, events: SessionEvent[], legal: string, refusal?: Refusal, now?: string]

const branch = { otp: 'required', pin: 'optional', biometrics: 'optional' } as const
const everything = (wanted: 'off' | 'optional' | 'required'): Partial<Policy> => {
  const all = { otp: wanted, pin: wanted, biometrics: wanted }
  return { withPasskey: all, withoutPasskey: all }
}
const codeFirst: Partial<Policy> = { order: ['otp', 'append', 'pin', 'biometrics'] }

const under = (policy: Partial<Policy>): SessionEvent[] => [entered({ policy }), verified()]
const signedIn = under({})
const taken = [...signedIn, offered(), started(), appended()]
const declined = [...signedIn, offered(), facts.skipped()]
const dismissed = [...signedIn, offered(), started(), facts.cancelled()]
const fiveWrong = [4, 3, 2, 1, 0].map((left) => facts.codeRejected(left))
const fiveSent = [1, 2, 3, 4, 5].map((issue) => issued(issue))
const finished = [...taken, issued(), codeVerified(), pinSet(), biometrics(), completed()]
const { requested } = facts
const asked = [entered({ passkeys: 1 }), requested()]
const unverified = facts.passkeyVerified({ uvInitialized: false })
const mfa = [entered({ mfa: true }), verified({ mfa: true })]

/** The prompt was dismissed, a step was passed over in the branch without the passkey, and then there was a passkey after all. */
const triedAgain = (withPasskey: Partial<Branch>, withoutPasskey: Partial<Branch>, passedOver: SessionEvent): SessionEvent[] => {
  const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
  const policy = { withPasskey: { ...off, ...withPasskey }, withoutPasskey: { ...off, ...withoutPasskey } }
  return [...under(policy), offered(), started(), facts.cancelled(), passedOver, started(2), appended(2)]
}

/** In each of these states exactly these actions are legal; every other one gets the refusal, and writes nothing. */
const flow: Record<string, Row[]> = {
  'Steps 1 and 2: the identifier, then the password': [
    ['the password is due', [entered()], 'password'],
    ['a password was wrong', [entered(), facts.wrongPassword()], 'password'],
    ['the password is due, whatever the account is known to have', [entered({ mfa: true, policy: codeFirst })], 'password'],
  ],
  'Step 2: with a passkey': [
    ['the options came with the state', asked, 'passkey passkey_options passkey_report password'],
    ['there was none here: once more, if one likes', [...asked, facts.notUsed()], 'passkey_options password'],
    ['fresh options were issued', [...asked, facts.notUsed(), requested(2)], 'passkey passkey_options passkey_report password'],
    ['it was refused', [...asked, facts.passkeyRejected()], 'passkey_options password'],
    ['it was refused and cannot be better the next time', [...asked, facts.passkeyRejected({ retryable: false })], 'password'],
    ['the device can have none', [...asked, facts.notUsed({ retryable: false })], 'password'],
    ['two failures in a row: it is proposed no more', [...asked, facts.notUsed(), requested(2), facts.passkeyRejected()], 'password'],
    ['options were issued for the fifth time', [...asked, ...[2, 3, 4, 5].map(requested)], 'passkey passkey_report password'],
    ['a password was wrong: the passkey is still there', [...asked, facts.passwordChosen(), facts.wrongPassword()], 'passkey passkey_options passkey_report password'],
    ['nobody is named yet', [facts.usernameless(), requested()], 'passkey passkey_options passkey_report'],
    ['nobody is named yet, and there was none here', [facts.usernameless(), requested(), facts.notUsed()], 'passkey_options'],
    ['it signed in: both factors are given', [...asked, facts.passkeyVerified(), facts.withheld('has_passkey_here')], 'pin pin_skip'],
    ['it signed in, made without verification: the code is asked', [...asked, unverified, facts.withheld('has_passkey_here')], 'otp_send'],
    ['it came from another device: one for this is offered', [...asked, facts.passkeyVerified({ crossDevice: true }), offered()], 'append_options append_skip append_report'],
    ['an account that demands a code needs none beside it', [entered({ mfa: true, passkeys: 1 }), requested(), facts.passkeyVerified({ mfa: true, crossDevice: true }), offered()], 'append_options append_skip append_report'],
    ['one that demands it, and a passkey made without verification', [entered({ mfa: true, passkeys: 1 }), requested(), facts.passkeyVerified({ mfa: true, uvInitialized: false })], 'otp_send'],
  ],
  'From the settings': [
    ['the offer', [facts.settings(), offered()], 'append_options append_skip append_report'],
    ['and nothing after it', [facts.settings(), offered(), started(), appended(), completed('passkey-01')], '', 'session_completed'],
  ],
  'Step 3: the offer': [
    ['a passkey is offered', [...signedIn, offered()], 'append_options append_skip append_report'],
    ['options were issued, so the prompt may be up', [...signedIn, offered(), started()], 'append append_report append_skip append_options'],
    ['options were issued for the third time', [...signedIn, offered(), started(), started(), started()], 'append append_report append_skip'],
  ],
  'Step 4: with the passkey': [
    ['the passkey was created, so a code is due', taken, 'otp_send'],
    ['a code was issued', [...taken, issued()], 'otp_send otp'],
    ['a code was sent', [...taken, issued(), facts.sent()], 'otp_send otp'],
    ['the carrier would not have the code', [...taken, issued(), facts.undelivered()], 'otp_send otp'],
    ['a code was wrong', [...taken, issued(), facts.codeRejected()], 'otp_send otp'],
    ['five codes were wrong: the code is dead', [...taken, issued(), ...fiveWrong], 'otp_send'],
    ['five codes were wrong, then another was sent', [...taken, issued(), ...fiveWrong, issued(2)], 'otp_send otp'],
    ['the code was verified, so a PIN is due', [...taken, issued(), codeVerified()], 'pin pin_skip'],
    ['the PIN was set, so biometrics are due', [...taken, issued(), codeVerified(), pinSet()], 'biometrics biometrics_skip'],
    ['the PIN was passed over', [...taken, issued(), codeVerified(), pinSkipped()], 'biometrics biometrics_skip'],
    ['five codes were sent: there are no more', [...taken, ...fiveSent], 'otp'],
    ['the fifth was verified', [...taken, ...fiveSent, codeVerified()], 'pin pin_skip'],
  ],
  'Step 5: without': [
    ['the person said no', declined, 'otp_send'],
    ['the person said never again', [...signedIn, offered(), facts.skipped('never')], 'otp_send'],
    ['no offer was made', [...signedIn, facts.withheld()], 'otp_send'],
    ['no prompt appeared', [...signedIn, offered(), started(), facts.notShown()], 'otp_send'],
    ['something came between the app and the prompt: again', [...signedIn, offered(), started(), facts.notShown(true)], 'otp_send append_options'],
    ['the prompt was dismissed: it may be tried again', dismissed, 'otp_send append_options'],
    ['the ceremony failed on the device: again', [...signedIn, offered(), started(), facts.failedThere()], 'otp_send append_options'],
    ['the ceremony failed here: again', [...signedIn, offered(), started(), facts.failedHere()], 'otp_send append_options'],
    ['it failed for good', [...signedIn, offered(), started(), facts.failedThere(false)], 'otp_send'],
    ['dismissed, and the code is under way', [...dismissed, issued()], 'otp_send otp append_options'],
    ['dismissed, and the PIN is due', [...dismissed, issued(), codeVerified()], 'pin pin_skip append_options'],
    ['dismissed, and biometrics are due', [...dismissed, issued(), codeVerified(), pinSet()], 'biometrics biometrics_skip append_options'],
    ['dismissed, and tried again in the middle of the code', [...dismissed, issued(), started(2)], 'append append_report append_skip append_options'],
    ['dismissed for the third time', [...dismissed, started(2), facts.cancelled(), started(3), facts.cancelled()], 'otp_send'],
    ['dismissed, tried again, declined', [...dismissed, started(2), facts.skipped()], 'otp_send'],
  ],
  'An account that demands a code (MFA)': [
    ['comes to the code first, though the policy offers first', mfa, 'otp_send'],
    ['also when that became known with the password only', [entered(), verified({ mfa: true })], 'otp_send'],
    ['also where the policy has no code at all', [entered({ mfa: true, policy: everything('off') }), verified({ mfa: true })], 'otp_send'],
    ['has no passing over the code', [entered({ mfa: true, policy: everything('optional') }), verified({ mfa: true }), issued()], 'otp_send otp'],
    ['is offered a passkey after it', [...mfa, issued(), codeVerified(), offered()], 'append_options append_skip append_report'],
    ['could not even try again before it', [...mfa, offered(), started(), facts.cancelled()], 'otp_send'],
    ['is not asked again after the passkey', [...mfa, issued(), codeVerified(), offered(), started(), appended()], 'pin pin_skip'],
  ],
  'What the policy demands': [
    ['an optional code may be passed over', [...under(everything('optional')), facts.withheld()], 'otp_send otp_skip'],
    ['an optional code on its way, too', [...under(everything('optional')), facts.withheld(), issued()], 'otp_send otp otp_skip'],
    ['a required PIN may not', [...under(everything('required')), facts.withheld(), issued(), codeVerified()], 'pin'],
    ['nor a required answer about biometrics', [...under(everything('required')), facts.withheld(), issued(), codeVerified(), pinSet()], 'biometrics'],
    ['what is off is not asked', [...under({ withoutPasskey: { ...branch, otp: 'off', pin: 'off' } }), facts.withheld()], 'biometrics biometrics_skip'],
    [
      'a PIN that is set on this installation is not asked again',
      [entered(), verified({ pinHere: true }), facts.withheld(), issued(), codeVerified()],
      'biometrics biometrics_skip',
    ],
    ['each branch has its own demands: with', [...under({ withPasskey: { ...branch, otp: 'off' } }), offered(), started(), appended()], 'pin pin_skip'],
    ['each branch has its own demands: without', [...under({ withPasskey: { ...branch, otp: 'off' } }), offered(), facts.skipped()], 'otp_send'],
    ['before the branch is known the stricter counts', under({ ...codeFirst, withPasskey: { ...branch, otp: 'off' } }), 'otp_send'],
    ['a code that was passed over is asked where the other branch requires it', triedAgain({ otp: 'required' }, { otp: 'optional' }, codeSkipped()), 'otp_send'],
    ['a PIN that was passed over, too', triedAgain({ pin: 'required' }, { pin: 'optional' }, pinSkipped()), 'pin'],
    ['and the question for biometrics', triedAgain({ biometrics: 'required' }, { biometrics: 'optional' }, facts.biometricsSkipped()), 'biometrics'],
    ['the order is the policy’s', under({ order: ['biometrics', 'pin', 'append', 'otp'] }), 'biometrics biometrics_skip'],
  ],
  'Over': [
    ['completed', finished, '', 'session_completed'],
    ['completed, and long past its time', finished, '', 'session_completed', at(86_400)],
    ['said to be expired', [entered(), facts.expired()], '', 'session_expired'],
    ['expired by the clock, and nobody said so yet', [...signedIn, offered()], '', 'session_expired', at(900)],
    ['expired by the clock when no code was left', [...taken, ...fiveSent], '', 'session_expired', at(900)],
    ['ended', [...signedIn, ended('signed_out')], '', 'session_ended'],
    ['ended, and long past its time', [...signedIn, ended('signed_out')], '', 'session_ended', at(86_400)],
  ],
}

for (const [part, rows] of Object.entries(flow)) {
  describe(part, () => {
    test.each(rows)('%s', (_, events, words, refusal = 'step_not_legal', now = at(60)) => {
      const state = folded(events)
      const legal = words.split(' ').filter(Boolean)
      expect(legalActions(state.view, now)).toEqual(legal)
      for (const action of actions) {
        const { outcome, events: decided } = (doing[action] as Command)(state, { ...usual, now })
        if (legal.includes(action)) {
          expect([action, outcome]).toEqual([action, { done: true }])
          expect(decided.length).toBeGreaterThan(0)
        } else {
          expect([action, outcome, decided]).toMatchObject([action, { refused: refusedFor(action, refusal, state.view) }, []])
        }
      }
    })
  })
}

/** That no more codes are sent is said in so many words. */
const refusedFor = (action: Action, refusal: Refusal, view: SessionView): Refusal => {
  const wantsMore = action === 'otp_send' && currentStep(view) === 'otp' && view.otp.issues === limits.otpSends
  return wantsMore && refusal === 'step_not_legal' ? 'otp_sends_exhausted' : refusal
}

test('what is legal a millisecond before the time is over is not legal when it is', () => {
  const { view } = folded([...signedIn, offered()])
  expect(legalActions(view, at(899.999))).toEqual(['append_options', 'append_skip', 'append_report'])
  expect(legalActions(view, at(900))).toEqual([])
})

describe('A whole login is the list of its steps', () => {
  const login = (policy: Partial<Policy>, taken: Action[], first: Parameters<typeof entered>[0] = {}): string[] => {
    const events = [entered({ policy, ...first })]
    for (const action of taken) events.push(...(doing[action] as Command)(folded(events), usual).events)
    return events.map(({ type }) => type)
  }

  test('with the passkey', () => {
    expect(login({}, ['password', 'append_options', 'append', 'otp_send', 'otp', 'pin', 'biometrics'])).toEqual([
      'IdentifierEntered',
      ...['PasswordVerified', 'AppendOffered'],
      'AppendStarted',
      'PasskeyAppended',
      'OtpIssued',
      'OtpVerified',
      'PinSet',
      ...['BiometricToggled', 'SessionCompleted'],
    ])
  })

  test('by passkey', () => {
    const events = [entered({ passkeys: 1 }), requested()]
    for (const action of ['passkey', 'pin', 'biometrics'] as const) events.push(...(doing[action] as Command)(folded(events), usual).events)
    expect(events.map(({ type }) => type)).toEqual([
      ...['IdentifierEntered', 'PasskeyRequested'],
      ...['PasskeyVerified', 'AppendWithheld'],
      'PinSet',
      ...['BiometricToggled', 'SessionCompleted'],
    ])
  })

  test('without', () => {
    expect(login({}, ['password', 'append_skip', 'otp_send', 'otp', 'pin_skip', 'biometrics_skip'])).toEqual([
      'IdentifierEntered',
      ...['PasswordVerified', 'AppendOffered'],
      'AppendSkipped',
      'OtpIssued',
      'OtpVerified',
      'PinSkipped',
      ...['BiometricSkipped', 'SessionCompleted'],
    ])
  })

  test('with everything off and no offer, the password completes it', () => {
    expect(login(everything('off'), ['password'], { supports: ['password'] })).toEqual([
      'IdentifierEntered',
      ...['PasswordVerified', 'AppendWithheld', 'SessionCompleted'],
    ])
  })

  test('with everything turned round', () => {
    expect(login({ order: ['biometrics', 'pin', 'otp', 'append'] }, ['password', 'biometrics', 'pin', 'otp_send', 'otp', 'append_skip'])).toEqual([
      'IdentifierEntered',
      'PasswordVerified',
      'BiometricToggled',
      'PinSet',
      'OtpIssued',
      ...['OtpVerified', 'AppendOffered'],
      ...['AppendSkipped', 'SessionCompleted'],
    ])
  })
})
