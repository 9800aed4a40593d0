/** Logins that other policies make of the same engine. */
import assert from 'node:assert/strict'
import { accountTells, finish, giveCode, legal, refused, signIn, taken, tells, tokensTell, type Story } from './chapters.ts'

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const

export const everythingOff = { append: { enabled: false }, withPasskey: off, withoutPasskey: off }
export const passwordAlone: Story[] = [
  ['with everything off the password completes the login', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    const { session, tokens, otp, pin, biometrics } = await signIn(app, ada)
    assert.deepEqual([session?.status, otp, pin, biometrics], ['completed', null, null, null])
    assert.ok(tokens)
    assert.deepEqual(legal(app), ['refresh', 'switch_biometrics', 'sign_out'])
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendWithheld', 'SessionCompleted')
    await accountTells(stage, ada)
    await tokensTell(stage, app, 'TokensIssued')
  }],

  ['an account that demands a code is asked for one even so', async (stage) => {
    const ada = await stage.newPerson({ mfa: true })
    const app = stage.newApp()
    await signIn(app, ada)
    assert.deepEqual(legal(app), ['otp_send'])
    assert.equal((await giveCode(stage, app, ada)).session?.status, 'completed')
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'OtpIssued', 'OtpSent', 'OtpVerified', 'AppendWithheld', 'SessionCompleted')
  }],
]

export const offerOnly = { withPasskey: off, withoutPasskey: off }
export const passwordAndOffer: Story[] = [
  ['with nothing on but the offer, the passkey completes the login and is active at once', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    const { session, passkey } = taken(await app.createPasskey(ada.phone))
    assert.deepEqual([session?.status, passkey?.status], ['completed', 'active'])
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended', 'SessionCompleted')
    await accountTells(stage, ada, 'PasskeyLinked', 'PasskeyActivated')
  }],

  ['with nothing on but the offer, a no completes the login as well', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    assert.equal(taken(await app.appendSkip('declined')).session?.status, 'completed')
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped', 'SessionCompleted')
  }],

  ['a login keeps the plan that it began with when the policy changes', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    taken(await app.start(ada.email))
    stage.setPolicy({ withPasskey: { otp: 'required' }, withoutPasskey: { otp: 'required' } })
    taken(await app.password(ada.password))
    assert.equal(taken(await app.appendSkip('declined')).session?.status, 'completed')
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped', 'SessionCompleted')
  }],

  ['an app that cannot create passkeys signs in as ever', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp({ supports: ['password'] })
    assert.equal((await signIn(app, ada)).session?.status, 'completed')
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendWithheld', 'SessionCompleted')
  }],
]

export const pinOnServer = { pinKeptOn: 'server' } as const
const [pin, wrongPin, newPin] = ['839204718265', '839204718266', '570318264903']
export const serverPin: Story[] = [
  ['a PIN kept by the engine opens the app; five wrong ones lock it and stop the refresh, until the next login sets a new one', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.appendSkip('declined'))
    await giveCode(stage, app, ada)
    refused(await app.pin(), { status: 422, code: 'pin_expected_here' })
    refused(await app.pin('121212121212'), { status: 422, code: 'pin_too_weak', reason: 'too_simple' })
    taken(await app.pin(pin))
    taken(await app.biometrics(true))
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSet', 'BiometricToggled', 'SessionCompleted',
    )
    assert.deepEqual(taken(await app.unlock(pin)), { unlocked: true })

    for (const attemptsLeft of [4, 3, 2, 1]) {
      assert.equal(refused(await app.unlock(wrongPin), { status: 403, code: 'pin_rejected' }).attemptsLeft, attemptsLeft)
      // Its answer was lost and it is sent again: that is not another wrong PIN.
      assert.equal(refused(await app.repeat(), { status: 403, code: 'pin_rejected' }).attemptsLeft, attemptsLeft)
    }
    refused(await app.unlock(wrongPin), { status: 403, code: 'pin_locked' })
    refused(await app.unlock(pin), { status: 403, code: 'pin_locked' })
    refused(await app.refresh(), { status: 403, code: 'pin_locked' })

    await stage.projected()
    await signIn(app, ada)
    assert.equal((await giveCode(stage, app, ada)).pin?.outcome, 'due')
    assert.equal(taken(await app.pin(newPin)).session?.status, 'completed')
    assert.deepEqual(taken(await app.unlock(newPin)), { unlocked: true })
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendWithheld',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSet', 'SessionCompleted',
    )
    taken(await app.refresh())
    const wrong = 'InstallationPinRejected'
    await accountTells(stage, ada, 'InstallationPinSet', 'InstallationBiometricToggled', wrong, wrong, wrong, wrong, wrong, 'InstallationPinSet')
  }],

  ['the right PIN makes the wrong ones before it no longer count', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.appendSkip('declined'))
    await giveCode(stage, app, ada)
    taken(await app.pin(pin))
    taken(await app.biometricsSkip())
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSet', 'BiometricSkipped', 'SessionCompleted',
    )
    for (const _ of [1, 2, 3, 4]) refused(await app.unlock(wrongPin), { status: 403, code: 'pin_rejected' })
    taken(await app.unlock(pin))
    assert.equal(refused(await app.unlock(wrongPin), { status: 403, code: 'pin_rejected' }).attemptsLeft, 4)
    const wrong = 'InstallationPinRejected'
    await accountTells(stage, ada, 'InstallationPinSet', wrong, wrong, wrong, wrong, 'InstallationPinVerified', wrong)
  }],

  ['who passes the PIN over has none to unlock with', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.appendSkip('declined'))
    await giveCode(stage, app, ada)
    await finish(app)
    refused(await app.unlock(pin), { status: 409, code: 'pin_not_kept_here' })
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
    await accountTells(stage, ada)
  }],
]
