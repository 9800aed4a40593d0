import { describe, expect, test } from 'vitest'
import type { Sealed } from '../event.ts'
import type { Policy } from '../policy.ts'
import type { SessionEvent } from './events.ts'
import { legalActions } from './flow.ts'
import { at, doing, facts, folded, given, type Command } from './given.ts'
import { decideOtp, decideOtpReceipt, decideOtpSend, type Receipt } from './otp.ts'

const { entered, verified, offered, started, appended, cancelled, withheld, completed, ended } = facts
const { issued, sent, undelivered, codeVerified, codeRejected, codeSkipped } = facts

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
const only = (otp: 'optional' | 'required') => ({ withPasskey: { ...off, otp }, withoutPasskey: { ...off, otp } })
/** The code is all that this login asks for after the password. */
const due = [entered({ policy: only('required') }), verified(), withheld()]
const optional = [entered({ policy: only('optional') }), verified(), withheld()]
const fourWrong = [4, 3, 2, 1].map((left) => codeRejected(left))
const dead = [...fourWrong, codeRejected(0)]

const typed = (matches: boolean, issue = 1): Command => (state, circumstances) => decideOtp(state, { matches, issue }, circumstances)
const carried = (receipt: Receipt, issue = 1): Command => (state) => decideOtpReceipt(state, issue, receipt)

describe('A code', () => {
  test('is issued for a destination that the account has', () => {
    const data = { issue: 1, channel: 'sms', destination: 'sealed number' as Sealed, expiresAt: at(360), resendAt: at(90) } as const
    const { channel, destination } = data
    given(...due).when((state, circumstances) => decideOtpSend(state, { channel, destination }, circumstances)).then({ type: 'OtpIssued', data })
  })

  test('is not issued for a channel that the account does not have', () => {
    const send = { channel: 'sms', destination: undefined } as const
    given(...due).when((state, circumstances) => decideOtpSend(state, send, circumstances)).refused('otp_channel_unavailable')
  })

  test('may be asked for again after 30 seconds', () => {
    for (const [now, left] of [[0, 30], [0.001, 30], [29, 1], [29.999, 1]] as const) {
      given(...due, issued()).when(doing.otp_send, { now: at(now) }).refused({ refused: 'otp_resend_too_soon', retryAfterSeconds: left })
    }
    given(...due, issued()).when(doing.otp_send, { now: at(30) }).then(issued(2, 30))
  })

  test('may be asked for again at once when the carrier would not have it', () => {
    given(...due, issued(), undelivered()).when(doing.otp_send, { now: at(1) }).then(issued(2, 1))
  })

  test('is sent five times in a login, not six', () => {
    const four = [1, 2, 3, 4].map((issue) => issued(issue))
    given(...due, ...four).when(doing.otp_send).then(issued(5, 60))
    given(...due, ...four, issued(5)).when(doing.otp_send).refused('otp_sends_exhausted')
  })
})

describe('The right code', () => {
  test('is taken, and the login goes on', () => {
    given(...due, issued(), sent()).when(typed(true)).then(codeVerified(), completed())
  })

  test('is taken after wrong ones', () => {
    given(...due, issued(), ...fourWrong).when(typed(true)).then(codeVerified(), completed())
  })

  test('is taken though the carrier said that it failed: it may have come all the same', () => {
    given(...due, issued(), undelivered()).when(typed(true)).then(codeVerified(), completed())
  })

  test('is taken within five minutes', () => {
    given(...due, issued()).when(typed(true), { now: at(299.999) }).then(codeVerified(), completed())
    given(...due, issued()).when(typed(true), { now: at(300) }).refused({ refused: 'otp_rejected', reason: 'expired' }, codeRejected(0, 'expired'))
  })

  test('is that of the newest issue alone', () => {
    given(...due, issued(), issued(2)).when(typed(true, 1)).refused({ refused: 'otp_rejected', reason: 'expired' }, codeRejected(0, 'expired'))
  })

  test('by SMS counts as a second factor, by e-mail it does not', () => {
    const data = { issue: 1, channel: 'sms', destination: 'sealed number' as Sealed, expiresAt: at(300), resendAt: at(30) } as const
    const bySms: SessionEvent = { type: 'OtpIssued', data }
    given(...due, bySms).when(typed(true)).then(codeVerified('sms'), completed(null, ['pwd', 'sms', 'mfa']))
    given(...due, issued()).when(typed(true)).then(codeVerified('email'), completed(null, ['pwd']))
  })

  test('of an account that demands it comes before the offer', () => {
    given(entered(), verified({ mfa: true }), issued()).when(typed(true)).then(codeVerified(), offered())
  })
})

describe('A wrong code', () => {
  test('leaves so many attempts, and the fifth kills the code', () => {
    given(...due, issued()).when(typed(false)).refused({ refused: 'otp_rejected', reason: 'wrong_code' }, codeRejected(4))
    given(...due, issued(), ...fourWrong).when(typed(false)).refused({ refused: 'otp_rejected', reason: 'too_many_attempts' }, codeRejected(0))
    given(...due, issued(), ...dead).when(typed(true)).refused('step_not_legal')
  })

  test('does not count against the next code', () => {
    given(...due, issued(), ...dead, issued(2))
      .when(typed(false, 2))
      .refused({ refused: 'otp_rejected', reason: 'wrong_code' }, codeRejected(4, 'wrong_code', 2))
  })

  test('does not count as one when the code had expired', () => {
    const events = [...due, issued(), codeRejected(0, 'expired')]
    expect(folded(events).view.otp.wrong).toBe(0)
    expect(folded(events).view.refusals).toBe(1)
  })

  test('as the thirtieth refusal ends the login', () => {
    const wrong = Array.from({ length: 29 }, () => facts.wrongPassword())
    given(entered({ policy: only('required') }), ...wrong, verified(), withheld(), issued())
      .when(typed(false))
      .refused({ refused: 'otp_rejected', reason: 'wrong_code' }, codeRejected(4), ended('too_many_refusals'))
  })
})

describe('When the last code is dead and no other can be had', () => {
  const last = [1, 2, 3, 4, 5].map((issue) => issued(issue))
  const fifthWrong = [4, 3, 2, 1].map((left) => codeRejected(left, 'wrong_code', 5))

  test('a login that requires one is over', () => {
    given(...due, ...last, ...fifthWrong)
      .when(typed(false, 5))
      .refused({ refused: 'otp_rejected', reason: 'too_many_attempts' }, codeRejected(0, 'too_many_attempts', 5), ended('too_many_refusals'))
  })

  test('also when it died of old age', () => {
    given(...due, ...last)
      .when(typed(true, 5), { now: at(300) })
      .refused({ refused: 'otp_rejected', reason: 'expired' }, codeRejected(0, 'expired', 5), ended('too_many_refusals'))
  })

  test('but not while it is alive', () => {
    given(...due, ...last)
      .when(typed(false, 5))
      .refused({ refused: 'otp_rejected', reason: 'wrong_code' }, codeRejected(4, 'wrong_code', 5))
    given(...due, ...last).when(typed(true, 4)).refused({ refused: 'otp_rejected', reason: 'expired' }, codeRejected(0, 'expired', 4))
  })

  test('nor where the code may be passed over', () => {
    given(...optional, ...last, ...fifthWrong)
      .when(typed(false, 5))
      .refused({ refused: 'otp_rejected', reason: 'too_many_attempts' }, codeRejected(0, 'too_many_attempts', 5))
  })

  test('nor where a passkey may still be tried', () => {
    const dismissed = [entered({ policy: { withPasskey: off } }), verified(), offered(), started(), cancelled()]
    given(...dismissed, ...last, ...fifthWrong)
      .when(typed(false, 5))
      .refused({ refused: 'otp_rejected', reason: 'too_many_attempts' }, codeRejected(0, 'too_many_attempts', 5))
  })
})

describe('An optional code', () => {
  test('may be passed over', () => {
    given(...optional).when(doing.otp_skip).then(codeSkipped(), completed())
    given(...optional, issued(), sent()).when(doing.otp_skip).then(codeSkipped(), completed())
  })

  test('may not where it is required', () => {
    given(...due, issued()).when(doing.otp_skip).refused('step_not_legal')
  })

  test('is asked again in the branch that requires it', () => {
    const policy: Partial<Policy> = { withPasskey: { ...off, otp: 'required' }, withoutPasskey: { ...off, otp: 'optional', pin: 'required' } }
    const passedOver = [entered({ policy }), verified(), offered(), started(), cancelled(), codeSkipped()]
    expect(legalActions(folded(passedOver).view, at(60))).toEqual(['pin', 'append_options'])
    given(...passedOver, started(2)).when(doing.append).then(appended(2))
    given(...passedOver, started(2), appended(2), issued()).when(typed(true)).then(codeVerified(), completed('passkey-01'))
  })
})

describe('What the carrier said', () => {
  test('is a fact', () => {
    given(...due, issued()).when(carried({ delivered: true })).then(sent())
    given(...due, issued()).when(carried({ delivered: true, carrierId: 'id-1' })).then({ type: 'OtpSent', data: { issue: 1, carrierId: 'id-1' } })
    given(...due, issued())
      .when(carried({ delivered: false, reason: 'timeout', retryable: true }))
      .refused({ refused: 'delivery_failed', reason: 'timeout', retryable: true }, undelivered())
  })

  test('is a refusal of its own when the carrier would not have the destination', () => {
    const refused: SessionEvent = { type: 'OtpDeliveryFailed', data: { issue: 1, reason: 'refused', retryable: false } }
    given(...due, issued())
      .when(carried({ delivered: false, reason: 'refused', retryable: false }))
      .refused({ refused: 'delivery_refused', reason: 'refused', retryable: false }, refused)
  })

  test('counts once, and for the newest code alone', () => {
    given(...due, issued(), sent()).when(carried({ delivered: false, reason: 'timeout', retryable: true })).then()
    given(...due, issued(), undelivered()).when(carried({ delivered: true })).then()
    given(...due, issued(), issued(2)).when(carried({ delivered: true }, 1)).then()
  })

  test('after the login was completed changes nothing about that', () => {
    const done = [...due, issued(), codeVerified(), completed()]
    given(...done)
      .when(carried({ delivered: false, reason: 'timeout', retryable: true }))
      .refused({ refused: 'delivery_failed', reason: 'timeout', retryable: true }, undelivered())
    const { view, completion } = folded([...done, undelivered()])
    expect({ status: view.status, completion }).toEqual({ status: 'completed', completion: folded(done).completion })
  })
})
