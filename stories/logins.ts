/** Under the usual policy: the offer of a passkey, a code by e-mail or SMS, and if one likes a PIN and biometrics. */
import assert from 'node:assert/strict'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { Client } from './app.ts'
import { createAuthenticator } from './authenticator.ts'
import { accountTells, finish, firstLogin, firstLoginLeaves, giveCode, legal, refused, signIn, taken, tells, tokensTell, type Story } from './chapters.ts'
import { shop, type Stage } from './stage.ts'

export const logins: Story[] = [
  ['a first login ends with a passkey, an unlocked app, and tokens that anybody can verify', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()

    taken(await app.start(ada.email))
    assert.deepEqual(legal(app), ['password', 'recover'])
    taken(await app.password(ada.password))
    assert.deepEqual(app.latest.offer, { outcome: 'offered', reason: null, number: 1, mode: 'manual', entryPoint: 'post_login', variant: null })
    taken(await app.createPasskey(ada.phone))
    assert.equal(app.latest.passkey?.status, 'pending')
    taken(await app.otpSend('email'))
    taken(await app.otp(stage.codeFor(ada.email)))
    assert.equal(app.latest.passkey?.status, 'active')
    taken(await app.pin())
    const { session, tokens } = taken(await app.biometrics(true))

    assert.equal(session?.status, 'completed')
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSet', 'BiometricToggled', 'SessionCompleted',
    )
    await accountTells(stage, ada, ...firstLoginLeaves)
    const { sub, amr, sid } = await claims(stage, app)
    assert.deepEqual({ sub, amr, sid }, { sub: ada.account, amr: ['pwd'], sid: app.session })

    const refreshed = taken(await app.refresh())
    assert.notEqual(refreshed.tokens?.refreshToken, tokens?.refreshToken)
    assert.equal((await claims(stage, app)).auth_time, (await claims(stage, app, tokens?.accessToken)).auth_time)
    assert.equal((await app.signOut()).status, 204)
    refused(await app.refresh(), { status: 401, code: 'session_over' })
    await tokensTell(stage, app, 'TokensIssued', 'TokensRefreshed', 'SignedOut')
  }],

  ['who skips the passkey gives a code by SMS, which counts as a second factor', async (stage) => {
    const bob = await stage.newPerson({ by: 'number' })
    const app = stage.newApp()
    await signIn(app, { email: bob.number, password: bob.password })
    taken(await app.appendSkip('declined'))
    assert.deepEqual(app.latest.otp?.channels, ['sms'])
    refused(await app.otpSend('email'), { status: 422, code: 'otp_channel_unavailable' })
    taken(await app.otpSend('sms'))
    taken(await app.otp(stage.codeFor(bob.number)))
    taken(await app.pin())
    taken(await app.biometrics(false))
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSet', 'BiometricToggled', 'SessionCompleted',
    )
    await accountTells(stage, bob, 'InstallationPinSet', 'InstallationBiometricToggled')
    assert.deepEqual((await claims(stage, app)).amr, ['pwd', 'sms', 'mfa'])
  }],

  ['an account that demands a code gives it before it is offered a passkey', async (stage) => {
    const ada = await stage.newPerson({ mfa: true })
    const app = stage.newApp()
    const { session, offer } = await signIn(app, ada)
    assert.deepEqual([session?.step, offer, legal(app)], ['otp', null, ['otp_send']])
    await giveCode(stage, app, ada)
    taken(await app.createPasskey(ada.phone))
    assert.equal(app.latest.passkey?.status, 'active')
    await finish(app)
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'OtpIssued', 'OtpSent', 'OtpVerified',
      'AppendOffered', 'AppendStarted', 'PasskeyAppended', 'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
    await accountTells(stage, ada, 'PasskeyLinked', 'PasskeyActivated')
  }],

  ['the next login by password on the same device asks again for none of what was set up there', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await firstLogin(stage, app, ada)
    await signIn(app, ada)
    assert.equal(app.latest.session?.step, 'otp')
    const { session, pin, biometrics } = await giveCode(stage, app, ada)
    assert.deepEqual([session?.status, pin?.outcome, biometrics?.outcome], ['completed', 'here', 'here'])
    await tells(
      stage, app, 'IdentifierEntered', 'PasskeyRequested', 'PasswordChosen', 'PasswordVerified', 'AppendWithheld', 'OtpIssued', 'OtpSent', 'OtpVerified',
      'SessionCompleted',
    )
    assert.equal((await stage.events(`session-${app.session}`))[4]?.data['reason'], 'has_passkey_here')
  }],

  ['another device of the same person is offered a passkey of its own, and knows of no PIN', async (stage) => {
    const ada = await stage.newPerson()
    await firstLogin(stage, stage.newApp(), ada)
    await stage.projected()
    const tablet = stage.newApp({ platform: 'android', origin: `android:apk-key-hash:${shop.android[0]?.fingerprints[0]}` })
    const { offer } = await signIn(tablet, ada)
    assert.equal(offer?.number, 2)
    taken(await tablet.createPasskey(createAuthenticator()))
    await giveCode(stage, tablet, ada)
    assert.equal(tablet.latest.pin?.outcome, 'due')
    await finish(tablet)
    await tells(
      stage, tablet, 'IdentifierEntered', 'PasskeyRequested', 'PasswordChosen', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
    await accountTells(stage, ada, ...firstLoginLeaves, 'PasskeyLinked', 'PasskeyActivated')
  }],
]

/** What a service that trusts the engine reads in the token, with the keys that the engine publishes. */
async function claims(stage: Stage, app: Client, token = app.tokens?.accessToken ?? '') {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', stage.url))
  const verified = await jwtVerify(token, keys, { issuer: 'https://login.shop.example', audience: shop.id, typ: 'at+jwt', currentDate: stage.now() })
  return verified.payload
}
