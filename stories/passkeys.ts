/** Logins with a passkey: the second one, the one without an identifier, the ways out, and what does not sign in. */
import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import type { Body, Client } from './app.ts'
import { createAuthenticator } from './authenticator.ts'
import { accountTells, finish, firstLogin, firstLoginLeaves, giveCode, legal, refused, signIn, taken, tells, tokensTell, type Story } from './chapters.ts'
import type { Stage } from './stage.ts'

export const passkeyLogins: Story[] = [
  ['the second login takes the passkey and nothing else, and counts as two factors', async (stage) => {
    const { ada, app } = await withPasskey(stage)
    const asked = taken(await app.start(ada.email))
    assert.deepEqual([asked.session?.step, asked.assertion?.preferImmediatelyAvailable], ['passkey', true])
    assert.deepEqual(legal(app), ['passkey', 'passkey_options', 'passkey_report', 'password', 'recover'])
    const { session, signals } = taken(await app.usePasskey(ada.phone))
    assert.equal(session?.status, 'completed')
    assert.deepEqual(amrOf(app), ['swk', 'user', 'mfa'])
    assert.deepEqual([signals?.rpId, signals?.name, signals?.acceptedCredentialIds], ['shop.example', ada.email.toLowerCase(), idsOf(asked)])
    await tells(stage, app, 'IdentifierEntered', 'PasskeyRequested', 'PasskeyVerified', 'AppendWithheld', 'SessionCompleted')
    await accountTells(stage, ada, ...firstLoginLeaves)
    await tokensTell(stage, app, 'TokensIssued')
  }],

  ['who says nothing is known by the passkey', async (stage) => {
    const { ada, app } = await withPasskey(stage)
    const asked = taken(await app.start())
    assert.deepEqual([asked.requestOptions?.allowCredentials, legal(app)], [[], ['passkey', 'passkey_options', 'passkey_report']])
    assert.equal(taken(await app.usePasskey(ada.phone)).session?.status, 'completed')
    assert.equal(decodeJwt(app.tokens?.accessToken ?? '').sub, ada.account)
    await tells(stage, app, 'UsernamelessLoginStarted', 'PasskeyRequested', 'PasskeyVerified', 'AppendWithheld', 'SessionCompleted')
  }],

  ['the password stays the way out, and why it was taken is a fact', async (stage) => {
    const { ada } = await withPasskey(stage)
    const tablet = stage.newApp({ platform: 'android' })
    taken(await tablet.start(ada.email))
    const { assertion } = taken(await tablet.passkeyReport('NoCredentialException'))
    assert.deepEqual([assertion?.outcome, assertion?.reason, assertion?.preferImmediatelyAvailable], ['not_used', 'no_credential', false])
    taken(await tablet.password(ada.password))
    assert.deepEqual([tablet.latest.offer?.entryPoint, tablet.latest.offer?.number], ['login_error', 2])
    taken(await tablet.appendSkip('declined'))
    await giveCode(stage, tablet, ada)
    await finish(tablet)
    assert.deepEqual(amrOf(tablet), ['pwd'])
    await tells(
      stage, tablet, 'IdentifierEntered', 'PasskeyRequested', 'PasskeyNotUsed', 'PasswordChosen', 'PasswordVerified', 'AppendOffered', 'AppendSkipped',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
    const chosen = (await stage.events(`session-${tablet.session}`)).find(({ type }) => type === 'PasswordChosen')
    assert.deepEqual(chosen?.data, { reason: 'no_credential' })
  }],

  ['after two failures in a row the login proposes the passkey no more', async (stage) => {
    const { ada, app } = await withPasskey(stage)
    taken(await app.start(ada.email))
    taken(await app.passkeyReport('1001'))
    assert.deepEqual(legal(app), ['passkey_options', 'password', 'recover'])
    taken(await app.passkeyOptions())
    refused(await app.usePasskey(ada.phone, { clientData: { origin: 'https://shop.example.evil' } }), { status: 403, code: 'passkey_rejected', reason: 'wrong_origin' })
    assert.deepEqual([app.latest.session?.step, legal(app)], ['password', ['password', 'recover']])
    await tells(stage, app, 'IdentifierEntered', 'PasskeyRequested', 'PasskeyNotUsed', 'PasskeyRequested', 'PasskeyRejected')
  }],

  ['who says nothing, and has no passkey here, is asked for an identifier', async (stage) => {
    const app = stage.newApp({ platform: 'android' })
    taken(await app.start())
    taken(await app.passkeyReport('NoCredentialException'))
    taken(await app.passkeyOptions())
    refused(await app.passkeyReport('NoCredentialException'), { status: 422, code: 'identifier_needed' })
    await tells(stage, app, 'UsernamelessLoginStarted', 'PasskeyRequested', 'PasskeyNotUsed', 'PasskeyRequested', 'PasskeyNotUsed', 'SessionEnded')
  }],

  ['a stolen password does not buy a passkey', async (stage) => {
    const ada = await stage.newPerson()
    const [thief, device] = [stage.newApp(), createAuthenticator()]
    await signIn(thief, ada)
    taken(await thief.createPasskey(device))
    assert.deepEqual([thief.latest.passkey?.status, legal(thief)], ['pending', ['otp_send']])

    // The code goes to Ada. The passkey alone opens nothing, whoever the thief says to be.
    taken(await thief.start())
    refused(await thief.usePasskey(device), { status: 403, code: 'passkey_rejected', reason: 'not_active' })
    await tells(stage, thief, 'UsernamelessLoginStarted', 'PasskeyRequested', 'PasskeyRejected')
    taken(await thief.start(ada.email))
    assert.deepEqual(legal(thief), ['password', 'recover'])

    await stage.passTime(901)
    await stage.sweeper.sweep()
    taken(await thief.start())
    const { unknownCredentialId } = refused(await thief.usePasskey(device), { status: 403, code: 'credential_unknown' })
    assert.ok(unknownCredentialId)
    await accountTells(stage, ada, 'PasskeyLinked', 'PasskeyRevoked')

    // And nobody is kept from a passkey of their own by it.
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.createPasskey(ada.phone))
    await giveCode(stage, app, ada)
    assert.equal(app.latest.passkey?.status, 'active')
  }],

  ['a passkey of somebody else does not sign in, and its device is told nothing of it', async (stage) => {
    const [{ ada, app }, { ada: eve }] = [await withPasskey(stage), await withPasskey(stage)]
    taken(await app.start(ada.email))
    const options = { ...app.latest.requestOptions, allowCredentials: [] } as never
    const credential = await eve.phone.get(options, { origin: app.origin })
    const answer = refused(await app.send('passkey', { credential }), { status: 403, code: 'passkey_rejected', reason: 'wrong_account' })
    assert.equal(answer.unknownCredentialId, undefined)
    await tells(stage, app, 'IdentifierEntered', 'PasskeyRequested', 'PasskeyRejected')
  }],

  ['a hundred answers to one request sign in once', async (stage) => {
    const { ada, app } = await withPasskey(stage)
    taken(await app.start(ada.email))
    const credential = await ada.phone.get(app.latest.requestOptions as never, { origin: app.origin })
    const answers = await Promise.all(Array.from({ length: 100 }, () => app.send('passkey', { credential }).catch(() => undefined)))
    assert.equal(answers.filter((answer) => answer?.status === 200).length, 1)
    await tells(stage, app, 'IdentifierEntered', 'PasskeyRequested', 'PasskeyVerified', 'AppendWithheld', 'SessionCompleted')
  }],

  ['a passkey of another device signs in, and one for this is offered', async (stage) => {
    const { ada } = await withPasskey(stage)
    await stage.projected()
    const laptop = stage.newApp()
    taken(await laptop.start(ada.email))
    taken(await laptop.usePasskey(ada.phone, { crossDevice: true }))
    assert.equal(laptop.latest.offer?.entryPoint, 'cross_device')
    taken(await laptop.createPasskey(createAuthenticator()))
    assert.equal(laptop.latest.passkey?.status, 'active')
    await finish(laptop)
    await tells(
      stage, laptop, 'IdentifierEntered', 'PasskeyRequested', 'PasskeyVerified', 'AppendOffered', 'AppendStarted', 'PasskeyAppended',
      'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
    await accountTells(stage, ada, ...firstLoginLeaves, 'PasskeyLinked', 'PasskeyActivated')
  }],

  ['without a contact a code that is required is refused before the password is asked for, and a passkey needs none', async (stage) => {
    const ada = await stage.newPerson({ identifiers: [`ada_${Date.now()}`], contacts: [] })
    const name = (await stage.engine.accounts.load(ada.account))?.identifiers[0]
    const typed = (name && (await stage.engine.vault.open(name.value))) ?? ''
    const app = stage.newApp()
    refused(await app.start(typed), { status: 403, code: 'no_contact' })
    assert.deepEqual(legal(app), [])
    await tells(stage, app, 'IdentifierEntered', 'SessionEnded')
  }],
]

/** A password that was filled in, and a platform that can do it without a prompt. */
export const silently = { order: ['otp', 'append', 'pin', 'biometrics'], append: { conditional: true } } satisfies Parameters<Stage['setPolicy']>[0]
export const conditional: Story[] = [
  ['a filled-in password becomes a passkey without a prompt, which is a second factor only after a code beside it', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp({ device: { conditionalCreate: true } })
    taken(await app.start(ada.email))
    taken(await app.password(ada.password, { autofilled: true }))
    await giveCode(stage, app, ada)
    assert.deepEqual([app.latest.offer?.mode, legal(app)[0]], ['conditional', 'append_options'])
    taken(await app.createPasskey(ada.phone, { userPresent: false, userVerified: false }))
    await finish(app)

    taken(await app.start(ada.email))
    taken(await app.usePasskey(ada.phone))
    assert.deepEqual([app.latest.session?.step, amrOf(app)], ['otp', undefined])
    await giveCode(stage, app, ada)
    await finish(app)
    assert.deepEqual(amrOf(app), ['swk', 'user'])

    taken(await app.start(ada.email))
    taken(await app.usePasskey(ada.phone))
    await finish(app)
    assert.deepEqual(amrOf(app), ['swk', 'user', 'mfa'])
    await accountTells(stage, ada, 'PasskeyLinked', 'PasskeyActivated', 'PasskeyUvInitialized')
  }],

  ['a platform that would not do it says so, and the login goes on', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp({ device: { conditionalCreate: true } })
    taken(await app.start(ada.email))
    taken(await app.password(ada.password, { autofilled: true }))
    await giveCode(stage, app, ada)
    taken(await app.appendOptions())
    assert.equal(app.latest.creationOptions?.authenticatorSelection.userVerification, 'preferred')
    taken(await app.appendReport('1004'))
    await finish(app)
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'OtpIssued', 'OtpSent', 'OtpVerified', 'AppendOffered', 'AppendStarted', 'AppendFailed',
      'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
  }],
]

export const settings: Story[] = [
  ['somebody who has just signed in adds a passkey in the settings, and it is active at once', async (stage) => {
    const { ada, app } = await withPasskey(stage)
    taken(await app.start(ada.email))
    taken(await app.usePasskey(ada.phone))
    const signedIn = app.tokens
    const { session, offer } = taken(await app.openSettings())
    assert.deepEqual([session?.purpose, offer?.entryPoint, offer?.mode], ['settings', 'settings', 'manual'])
    const created = taken(await app.createPasskey(createAuthenticator()))
    assert.deepEqual([created.session?.status, created.passkey?.status, created.tokens, created.next], ['completed', 'active', undefined, []])
    assert.equal(created.signals?.acceptedCredentialIds.length, 2)
    await tells(stage, app, 'SettingsEntered', 'AppendOffered', 'AppendStarted', 'PasskeyAppended', 'SessionCompleted')
    await accountTells(stage, ada, ...firstLoginLeaves, 'PasskeyLinked', 'PasskeyActivated')
    assert.deepEqual(app.tokens, signedIn)
  }],

  ['a passkey that is on file must have been used for it, a moment ago', async (stage) => {
    const { ada, app } = await withPasskey(stage)
    // That login was by password; since then there is a passkey.
    const byPassword = await app.openSettings()
    refused(byPassword, { status: 401, code: 'insufficient_user_authentication', reason: 'passkey_needed' })
    taken(await app.start(ada.email))
    taken(await app.usePasskey(ada.phone))
    await stage.passTime(301)
    const { maxAgeSeconds } = refused(await app.openSettings(), { status: 401, code: 'insufficient_user_authentication', reason: 'too_old' })
    assert.equal(maxAgeSeconds, 300)
  }],
]

/** Somebody whose first login has come to a passkey on the phone. */
async function withPasskey(stage: Stage) {
  const ada = await stage.newPerson()
  const app = stage.newApp()
  await firstLogin(stage, app, ada)
  return { ada, app }
}

const amrOf = ({ tokens }: Client): unknown => tokens && decodeJwt(tokens.accessToken)['amr']
const idsOf = ({ requestOptions }: Body): string[] => requestOptions?.allowCredentials.map(({ id }) => id) ?? []
