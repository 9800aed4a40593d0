import { describe, expect, test } from 'vitest'
import { Policy } from '../policy.ts'
import type { SessionEvent } from './events.ts'
import { passkeyStatus } from './flow.ts'
import { assertion, at, doing, facts, folded, given, noCredential, type Command } from './given.ts'
import { decidePasskey, decidePasskeyReport } from './passkey.ts'
import { decidePassword } from './password.ts'
import type { PasswordReason } from './vocabulary.ts'

const { entered, usernameless, settings, requested, passkeyVerified, passkeyRejected, notUsed, passwordChosen, wrongPassword, verified } = facts
const { offered, withheld, started, appended, issued, codeVerified, ended } = facts
const asked = [entered({ passkeys: 1 }), requested()]

const good = (says: Partial<typeof assertion> = {}, { challenge = 'request-01', disabled = false } = {}): Command => (state, circumstances) =>
  decidePasskey(state, { verdict: 'good', challenge, disabled, verified: { ...assertion, ...says } }, circumstances)
const bad = (reason: string, { challenge = 'request-01' as string | null, passkey = 'passkey-00' as string | null, retryable = true } = {}): Command => (state, circumstances) =>
  decidePasskey(state, { verdict: 'bad', challenge, reason, passkey, retryable }, circumstances)
const password = (right: boolean, insteadOf?: PasswordReason, autofilled?: boolean): Command => (state, circumstances) => {
  const account = { accountRevision: 3, mfa: false, contacts: ['email' as const], pinHere: false, biometricsHere: false }
  return decidePassword(state, right ? { verdict: 'right', disabled: false, account } : { verdict: 'wrong', reason: 'wrong_password' }, { insteadOf, autofilled }, circumstances)
}

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
const allOff = { withPasskey: off, withoutPasskey: off }
const signedIn = (amr: string[], passkey: string | null = null): SessionEvent => ({ type: 'SessionCompleted', data: { amr, authTime: at(60), passkey } })

describe('A good passkey', () => {
  test('signs in, and no other is offered where it is kept', () => {
    given(...asked).when(doing.passkey).then(passkeyVerified(), withheld('has_passkey_here'))
  })

  test('is both factors: it completes the login of an account that demands a code', () => {
    given(entered({ passkeys: 1, mfa: true, policy: allOff }), requested())
      .when(good({ mfa: true }))
      .then(passkeyVerified({ mfa: true }), withheld('has_passkey_here'), signedIn(['swk', 'user', 'mfa']))
  })

  test('that never leaves its device says so', () => {
    given(entered({ passkeys: 1, policy: allOff }), requested())
      .when(good({ backupEligible: false }))
      .then(passkeyVerified({ backupEligible: false }), withheld('has_passkey_here'), signedIn(['hwk', 'user', 'mfa']))
  })

  test('made without verification is one factor: the code is asked, and only then it is two', () => {
    const weak = { uvInitialized: false }
    const policy = { withPasskey: { ...off, otp: 'required' as const }, withoutPasskey: off }
    given(entered({ passkeys: 1, policy }), requested()).when(good(weak)).then(passkeyVerified(weak), withheld('has_passkey_here'))
    given(entered({ passkeys: 1, policy }), requested(), passkeyVerified(weak), withheld('has_passkey_here'), issued())
      .when(doing.otp)
      .then(codeVerified(), { type: 'SessionCompleted', data: { amr: ['swk', 'user'], authTime: at(0), passkey: null } })
  })

  test('from another device leads to the offer of one for this', () => {
    const far = { crossDevice: true }
    const atDoor = offered(1, 'cross_device')
    given(...asked).when(good(far)).then(passkeyVerified(far), atDoor)
    expect(passkeyStatus(folded([...asked, passkeyVerified(far), atDoor, started(), appended()]).view)).toBe('active')
  })

  test('says whose it is where nobody was named', () => {
    given(usernameless({ policy: allOff }), requested()).when(good()).then(passkeyVerified(), withheld('has_passkey_here'), signedIn(['swk', 'user', 'mfa']))
    expect(folded([usernameless(), requested(), passkeyVerified()]).view.account).toBe(assertion.account)
  })

  test('of a disabled account tells that it is disabled', () => {
    given(...asked).when(good({}, { disabled: true })).refused('account_disabled', passkeyVerified(), ended('account_disabled'))
  })

  test('ends a login in which the app lacks a step that the account demands', () => {
    const supports = ['passkey', 'passkey_options']
    given(usernameless({ policy: allOff, supports }), requested())
      .when(good({ mfa: true, uvInitialized: false }))
      .refused('upgrade_required', passkeyVerified({ mfa: true, uvInitialized: false }), ended('upgrade_required'))
  })
})

describe('A challenge', () => {
  test('is good once, and the one before it is dead', () => {
    given(...asked, requested(2)).when(good()).refused('challenge_used')
    given(...asked).when(good({}, { challenge: 'challenge-1' })).refused('challenge_used')
    given(...asked, passkeyVerified(), withheld('has_passkey_here')).when(good()).refused('step_not_legal')
    given(...asked, passkeyRejected()).when(good()).refused('step_not_legal')
  })

  test('for creating is none for signing in', () => {
    given(entered(), verified(), offered(), started()).when(good({}, { challenge: 'challenge-1' })).refused('step_not_legal')
  })

  test('is replaced by fresh options, five times in all', () => {
    given(...asked).when(doing.passkey_options).then(requested(2))
    given(...asked, ...[2, 3, 4, 5].map(requested)).when(doing.passkey_options).refused('step_not_legal')
  })
})

describe('A bad passkey', () => {
  test('is a fact with its reason, and another may be tried', () => {
    given(...asked)
      .when(bad('wrong_origin'))
      .refused({ refused: 'passkey_rejected', reason: 'wrong_origin', retryable: true }, passkeyRejected())
  })

  test('that the account does not have may be forgotten by its device', () => {
    given(...asked)
      .when(bad('credential_unknown'))
      .refused({ refused: 'credential_unknown', unknownCredentialId: 'passkey-00' }, passkeyRejected({ reason: 'credential_unknown' }))
  })

  test('twice in a row: the session proposes it no more, and the password is left', () => {
    given(...asked, passkeyRejected(), requested(2))
      .when(bad('wrong_origin', { challenge: 'request-02' }))
      .refused({ refused: 'passkey_rejected', reason: 'wrong_origin', retryable: true }, passkeyRejected({ challenge: 'request-02', attemptsLeft: 28 }))
  })

  test('twice in a row where nobody is named ends the login: an identifier is needed', () => {
    given(usernameless(), requested(), passkeyRejected(), requested(2))
      .when(bad('wrong_origin', { challenge: 'request-02' }))
      .refused({ refused: 'passkey_rejected', reason: 'wrong_origin', retryable: true }, passkeyRejected({ challenge: 'request-02', attemptsLeft: 28 }), ended('identifier_needed'))
  })

  test('twice in a row ends a login for which no code could be sent', () => {
    given(entered({ passkeys: 1, contacts: [] }), requested(), passkeyRejected(), requested(2))
      .when(doing.passkey_report)
      .refused('no_contact', notUsed(), ended('no_contact'))
  })
})

describe('The device brought none', () => {
  test('and says why; the login goes on', () => {
    given(...asked).when(doing.passkey_report).then(notUsed())
  })

  test('and where nobody is named and it cannot have any, an identifier is needed', () => {
    const report = { ...noCredential, reason: 'not_supported', retryable: false }
    given(usernameless(), requested())
      .when((state, circumstances) => decidePasskeyReport(state, report, circumstances))
      .refused('identifier_needed', notUsed({ reason: 'not_supported', retryable: false }), ended('identifier_needed'))
  })
})

describe('The password instead of the passkey', () => {
  test.each<[string, SessionEvent[], PasswordReason]>([
    ['it was chosen while the passkey was asked for', [], 'chosen'],
    ['there was none here', [notUsed()], 'no_credential'],
    ['the prompt was dismissed', [notUsed({ reason: 'dismissed_or_timed_out', outcome: 'cancelled' })], 'cancelled'],
    ['the ceremony failed on the device', [notUsed({ reason: 'failed', outcome: 'failed' })], 'failed'],
    ['the passkey was refused', [passkeyRejected()], 'failed'],
  ])('is a fact with its reason: %s', (_, before, reason) => {
    const login = [...asked, ...before]
    given(...login).when(password(true), { policy: Policy.parse({ append: { enabled: false } }) }).then(passwordChosen(reason), verified(), withheld())
  })

  test('has the reason that the app gives, where it gives one', () => {
    given(...asked, notUsed()).when(password(false, 'chosen')).refused('password_rejected', passwordChosen('chosen'), wrongPassword())
  })

  test('is chosen once', () => {
    given(...asked, passwordChosen(), wrongPassword()).when(password(false)).refused('password_rejected', wrongPassword(28))
  })

  test('is no choice where no passkey was asked for', () => {
    given(entered()).when(password(false, 'cancelled')).refused('password_rejected', wrongPassword())
  })

  test('after trouble leads to an offer that says so', () => {
    const atDoor = offered(1, 'login_error')
    given(...asked, notUsed()).when(password(true)).then(passwordChosen('no_credential'), verified(), atDoor)
    given(entered(), wrongPassword()).when(password(true)).then(verified(), atDoor)
  })
})

test('A passkey that the device says it has no longer does not keep another one from being offered', () => {
  const offer = { history: { offers: 1, recent: [] }, never: false, passkeyHere: true }
  given(...asked, notUsed()).when(password(true), { offer }).then(passwordChosen('no_credential'), verified(), offered(2, 'login_error'))
  given(...asked, notUsed({ reason: 'dismissed_or_none_here', outcome: 'cancelled' }))
    .when(password(true), { offer })
    .then(passwordChosen('cancelled'), verified(), withheld('has_passkey_here'))
})

describe('A password that a credential manager filled in', () => {
  const conditional = Policy.parse({ append: { conditional: true } })
  const able = entered({ policy: { order: ['otp', 'append', 'pin', 'biometrics'] } })
  const first = { ...able, data: { ...able.data, conditionalCreate: true } } as SessionEvent
  const silently = offered(1, 'post_login', 'conditional')

  test('may lead to a passkey without a prompt, after every required factor', () => {
    given(first).when(password(true, undefined, true), { policy: conditional }).then({ ...verified(), data: { ...verified().data, autofilled: true } } as SessionEvent)
    given(first, { ...verified(), data: { ...verified().data, autofilled: true } } as SessionEvent, issued())
      .when(doing.otp, { policy: conditional })
      .then(codeVerified(), silently)
  })

  test('and before a factor that is still required leads to an offer as ever', () => {
    const early = entered()
    const ableFirst = { ...early, data: { ...early.data, conditionalCreate: true } } as SessionEvent
    given(ableFirst).when(password(true, undefined, true), { policy: conditional }).then({ ...verified(), data: { ...verified().data, autofilled: true } } as SessionEvent, offered())
  })

  test('and one that was typed does not', () => {
    given(first, verified(), issued()).when(doing.otp, { policy: conditional }).then(codeVerified(), offered())
  })
})

test('What begins in the settings ends with the passkey', () => {
  given(settings(), offered(), started())
    .when(doing.append)
    .then(appended(), { type: 'SessionCompleted', data: { amr: ['pwd'], authTime: at(-60), passkey: 'passkey-01' } })
  given(settings(), offered()).when(doing.append_skip).then(facts.skipped(), { type: 'SessionCompleted', data: { amr: ['pwd'], authTime: at(-60), passkey: null } })
  given(settings()).when(doing.password).refused('step_not_legal')
})
