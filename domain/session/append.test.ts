import { describe, expect, test } from 'vitest'
import type { Policy } from '../policy.ts'
import { decideAppend, decideAppendOptions, decideAppendReport, decideAppendSkip, type AppendReport } from './append.ts'
import type { SessionEvent } from './events.ts'
import { passkeyStatus } from './flow.ts'
import { at, doing, facts, folded, given, usual, type Command } from './given.ts'

const { entered, verified, wrongPassword, offered, started, appended, cancelled, failedHere, failedThere } = facts
const { issued, codeVerified, completed, ended } = facts
const toOffer = [entered(), verified(), offered()]

const created = (challenge: string): Command => (state, circumstances) => {
  const passkey = { credentialId: 'passkey-01', aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd', backupEligible: true, backedUp: true }
  return decideAppend(state, { verdict: 'good', challenge, passkey }, circumstances)
}
const judged = (reason: string, retryable: boolean, challenge = 'challenge-1'): Command => (state, circumstances) =>
  decideAppend(state, { verdict: 'bad', challenge, reason, retryable }, circumstances)
const reported = (report: Pick<AppendReport, 'outcome'> & { retryable?: boolean }): Command => (state, circumstances) =>
  decideAppendReport(state, { platform: 'ios', code: '1004', reason: 'failed', ...report } as AppendReport, circumstances)

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
const allOff = { withPasskey: off, withoutPasskey: off }
const statusAfter = (...events: SessionEvent[]) => passkeyStatus(folded(events).view)

describe('The offer is taken', () => {
  test('with options, in the mode of the offer', () => {
    const excludes = [{ id: 'AQID', transports: ['internal'] }]
    given(...toOffer)
      .when((state, circumstances) => decideAppendOptions(state, { challenge: 'challenge-1', excludes, expiresAt: at(360) }, circumstances))
      .then({ type: 'AppendStarted', data: { challenge: 'challenge-1', excludes, expiresAt: at(360), mode: 'manual' } })
  })

  test('and a passkey is created', () => {
    given(...toOffer, started()).when(doing.append).then(appended())
  })

  test('and the passkey ends the login when nothing else is asked', () => {
    given(entered({ policy: allOff }), verified(), offered(), started()).when(doing.append).then(appended(), completed('passkey-01'))
  })

  test('by the newest challenge alone', () => {
    given(...toOffer, started(1), started(2)).when(created('challenge-1')).refused('challenge_used')
    given(...toOffer, started(1), started(2)).when(judged('wrong_origin', true, 'challenge-1')).refused('challenge_used')
    given(...toOffer, started(1), started(2)).when(created('challenge-2')).then(appended(2))
  })

  test('three times at most', () => {
    given(...toOffer, started(1), started(2)).when(doing.append_options).then(started(3))
    given(...toOffer, started(1), started(2), started(3)).when(doing.append_options).refused('step_not_legal')
    given(...toOffer, started(1), cancelled(), started(2), cancelled()).when(doing.append_options).then(started(3))
    given(...toOffer, started(1), cancelled(), started(2), cancelled(), started(3), cancelled())
      .when(doing.append_options)
      .refused('step_not_legal')
  })
})

describe('A passkey made in a login', () => {
  const taken = [entered(), verified(), offered(), started(), appended()]

  test('is pending until the required code was given', () => {
    expect(statusAfter(...taken)).toBe('pending')
    expect(statusAfter(...taken, issued(), facts.codeRejected())).toBe('pending')
    expect(statusAfter(...taken, issued(), codeVerified())).toBe('active')
  })

  test('is pending though the code was passed over, when only the branch without it allowed that', () => {
    const policy: Partial<Policy> = { withPasskey: { ...off, otp: 'required' }, withoutPasskey: { ...off, otp: 'optional', pin: 'required' } }
    expect(statusAfter(entered({ policy }), verified(), offered(), started(), cancelled(), facts.codeSkipped(), started(2), appended(2))).toBe('pending')
  })

  test('stays pending when the login ends before', () => {
    expect(statusAfter(...taken, facts.expired())).toBe('pending')
    expect(statusAfter(...taken, ended('signed_out'))).toBe('pending')
  })

  test.each(['off', 'optional'] as const)('is active at once where the code is %s with a passkey', (otp) => {
    expect(statusAfter(entered({ policy: { withPasskey: { ...off, otp } } }), verified(), offered(), started(), appended())).toBe('active')
  })

  test('waits for the code that the account demands', () => {
    const late = [entered({ policy: allOff }), verified({ mfa: true }), offered(), started(), appended()]
    expect(statusAfter(...late)).toBe('pending')
  })

  test('is none before it is made', () => {
    expect(statusAfter(...toOffer, started())).toBeUndefined()
  })

  test.each([cancelled(), facts.notShown(), facts.skipped(), failedThere(), failedHere()])('is not undone by what comes late: $type', (late) => {
    const { view } = folded([...taken, late])
    expect(view).toEqual({ ...folded(taken).view, refusals: view.refusals })
  })
})

describe('It does not come to a passkey, and the login goes on', () => {
  test.each(['declined', 'never'] as const)('because the person said so: %s', (reason) => {
    const skip: Command = (state, circumstances) => decideAppendSkip(state, reason, circumstances)
    given(...toOffer).when(skip).then(facts.skipped(reason))
    given(...toOffer, started()).when(skip).then(facts.skipped(reason))
  })

  test('because the prompt was dismissed, did not appear, or failed: each a fact of its own', () => {
    const told = { platform: 'ios', code: '1004', reason: 'failed' } as const
    given(...toOffer, started()).when(reported({ outcome: 'cancelled' })).then({ type: 'AppendCancelled', data: told })
    given(...toOffer, started()).when(reported({ outcome: 'not_shown', retryable: true })).then({ type: 'AppendNotShown', data: { ...told, retryable: true } })
    given(...toOffer, started())
      .when(reported({ outcome: 'failed', retryable: false }))
      .then({ type: 'AppendFailed', data: { by: 'device', ...told, retryable: false } })
  })

  test('because the engine refused what was created', () => {
    given(...toOffer, started())
      .when(judged('wrong_origin', true))
      .refused({ refused: 'append_rejected', reason: 'wrong_origin', retryable: true }, failedHere())
  })

  test.each<[SessionEvent['type'], Command]>([
    ['AppendSkipped', doing.append_skip],
    ['AppendCancelled', reported({ outcome: 'cancelled' })],
    ['AppendNotShown', reported({ outcome: 'not_shown' })],
    ['AppendFailed', reported({ outcome: 'failed', retryable: true })],
    ['AppendFailed', judged('wrong_origin', true)],
  ])('to its end, when that was the last step: %s', (type, command) => {
    const { events } = command(folded([entered({ policy: allOff }), verified(), offered(), started()]), usual)
    expect(events.map((event) => event.type)).toEqual([type, 'SessionCompleted'])
  })
})

describe('A failure', () => {
  test('may be tried again while the login goes on', () => {
    for (const outcome of [cancelled(), failedThere(), failedHere()]) {
      given(...toOffer, started(), outcome, issued()).when(doing.append_options).then(started(2))
    }
  })

  test('may not where it is final, or no prompt appeared, or the person said no', () => {
    for (const outcome of [failedThere(false), failedHere(false), facts.notShown(), facts.skipped()]) {
      given(...toOffer, started(), outcome, issued()).when(doing.append_options).refused('step_not_legal')
    }
  })

  test('says of itself that it may not be tried a fourth time', () => {
    const third = [...toOffer, started(1), started(2), started(3)]
    given(...third)
      .when(judged('wrong_origin', true, 'challenge-3'))
      .refused({ refused: 'append_rejected', reason: 'wrong_origin', retryable: false }, failedHere(false))
    given(...third)
      .when(reported({ outcome: 'failed', retryable: true }))
      .then(failedThere(false))
  })

  test('seen by the engine counts as a refusal, and the thirtieth ends the login', () => {
    const wrong = Array.from({ length: 29 }, () => wrongPassword())
    given(entered(), ...wrong, verified(), offered(), started())
      .when(judged('wrong_origin', true))
      .refused({ refused: 'append_rejected', reason: 'wrong_origin', retryable: true }, failedHere(), ended('too_many_refusals'))
  })

  test('seen by the device does not', () => {
    const wrong = Array.from({ length: 29 }, () => wrongPassword())
    given(entered(), ...wrong, verified(), offered(), started())
      .when(reported({ outcome: 'failed', retryable: true }))
      .then(failedThere())
  })
})
