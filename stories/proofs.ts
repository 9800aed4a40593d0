/** What wrong proofs, late ones and codes that do not arrive lead to. */
import assert from 'node:assert/strict'
import type { Body } from './app.ts'
import { createAuthenticator } from './authenticator.ts'
import { accountTells, finish, giveCode, legal, refused, signIn, taken, tells, type Story } from './chapters.ts'

export const proofs: Story[] = [
  ['a wrong password and an identifier that nobody owns are answered alike, and told apart in the log', async (stage) => {
    const ada = await stage.newPerson()
    const [known, unknown] = [stage.newApp(), stage.newApp()]
    const [one, other] = [await known.start(ada.email), await unknown.start(`not.${ada.email}`)]
    assert.deepEqual(alike(taken(one)), alike(taken(other)))
    const wrong = { status: 403, code: 'password_rejected' }
    const [first, second] = [refused(await known.password('not my password'), wrong), refused(await unknown.password('not my password'), wrong)]
    assert.deepEqual(alike(first), alike(second))
    assert.deepEqual(legal(known), ['password', 'recover'])
    await tells(stage, known, 'IdentifierEntered', 'PasswordRejected')
    await tells(stage, unknown, 'IdentifierEntered', 'PasswordRejected')
    const reasons = await Promise.all([known, unknown].map(async ({ session }) => (await stage.events(`session-${session}`))[1]?.data['reason']))
    assert.deepEqual(reasons, ['wrong_password', 'unknown_identifier'])
    taken(await known.password(ada.password))
  }],

  ['five wrong codes kill a code; a new one, half a minute later, is good', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.appendSkip('declined'))
    taken(await app.otpSend('email'))
    const dead = stage.codeFor(ada.email)
    for (const wrong of [1, 2, 3, 4]) refused(await app.otp(another(dead, wrong)), { status: 403, code: 'otp_rejected', reason: 'wrong_code' })
    refused(await app.otp(another(dead, 5)), { status: 403, code: 'otp_rejected', reason: 'too_many_attempts' })
    assert.deepEqual(legal(app), ['otp_send'])
    refused(await app.otpSend('email'), { status: 429, code: 'otp_resend_too_soon' })

    await stage.passTime(31)
    taken(await app.otpSend('email'))
    assert.notEqual(stage.codeFor(ada.email), dead)
    refused(await app.otp(dead), { status: 403, code: 'otp_rejected', reason: 'wrong_code' })
    // The sixth wrong one in a row.
    await stage.passTime(4)
    taken(await app.otp(stage.codeFor(ada.email)))
    await finish(app)
    const wrong = 'OtpRejected'
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped', 'OtpIssued', 'OtpSent', wrong, wrong, wrong, wrong, wrong,
      'OtpIssued', 'OtpSent', wrong, 'OtpVerified', 'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
  }],

  ['a code that the carrier would not take may be asked for again at once', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.appendSkip('declined'))
    stage.carrierRefuses(true)
    refused(await app.otpSend('email'), { status: 503, code: 'delivery_failed', reason: 'unreachable' })
    stage.carrierRefuses(false)
    await giveCode(stage, app, ada)
    await finish(app)
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped', 'OtpIssued', 'OtpDeliveryFailed',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
  }],

  ['a login that is not finished in time is over, and the passkey made in it is revoked', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.createPasskey(ada.phone))
    await stage.passTime(901)
    refused(await app.otpSend('email'), { status: 410, code: 'session_expired' })
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended')

    await stage.sweeper.sweep()
    await stage.projected()
    assert.deepEqual([taken(await app.state()).session?.status, legal(app)], ['expired', []])
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended', 'SessionExpired')
    await accountTells(stage, ada, 'PasskeyLinked', 'PasskeyRevoked')
    assert.deepEqual(await stage.sweeper.sweep(), { expired: 0, revoked: 0 })

    // A passkey that never signed in does not stand in the way of the next one.
    await signIn(app, ada)
    assert.equal(app.latest.offer?.number, 2)
    taken(await app.createPasskey(createAuthenticator()))
    await giveCode(stage, app, ada)
    assert.equal(app.latest.passkey?.status, 'active')
  }],

  ['who leaves before the end is not signed in, and keeps no passkey', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.createPasskey(ada.phone))
    assert.equal((await app.signOut()).status, 204)
    refused(await app.otpSend('email'), { status: 410, code: 'session_ended', reason: 'signed_out' })
    await stage.projected()
    await stage.sweeper.sweep()
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended', 'SessionEnded')
    await accountTells(stage, ada, 'PasskeyLinked', 'PasskeyRevoked')
  }],
]

/** A code of six digits that is not this one. */
export const another = (code: string, step: number): string => String((Number(code) + step) % 1_000_000).padStart(6, '0')

/** An answer without what is every session's own. */
export const alike = ({ session, next, ...rest }: Body) => ({
  ...rest,
  session: { ...session, id: '', expiresAt: '', secondsLeft: 0 },
  next: next?.map(({ href, ...one }) => ({ ...one, href: href.replace(session?.id ?? '', '') })),
})
