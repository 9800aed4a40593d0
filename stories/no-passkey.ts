/** The ways in which an offer does not come to a passkey. Each is a fact of its own, and the login goes on after it. */
import assert from 'node:assert/strict'
import type { SessionEvent } from '../domain/session/events.ts'
import type { Client } from './app.ts'
import { createAuthenticator } from './authenticator.ts'
import { accountTells, finish, giveCode, legal, refused, signIn, taken, tells, type Story } from './chapters.ts'
import type { Person, Stage } from './stage.ts'

type Outcome = { event: SessionEvent['type']; data: object; started: boolean; retry: boolean }

/** The login to its end, after what happened to the offer. */
const goesOn = async (stage: Stage, app: Client, ada: Person, { event, data, started, retry }: Outcome): Promise<void> => {
  assert.equal(app.latest.session?.step, 'otp')
  assert.equal(legal(app).includes('append_options'), retry)
  await giveCode(stage, app, ada)
  await finish(app)
  const before = ['IdentifierEntered', 'PasswordVerified', 'AppendOffered', ...(started ? ['AppendStarted' as const] : [])] as const
  await tells(stage, app, ...before, event, 'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSkipped', 'BiometricSkipped', 'SessionCompleted')
  const recorded = (await stage.events(`session-${app.session}`))[before.length]
  assert.deepEqual({ ...recorded?.data }, data)
}

/** The offer is taken, and the device says what came of it. */
const reported = (code: string, outcome: Omit<Outcome, 'started'>, settings: { platform: 'ios' | 'android' } = { platform: 'ios' }): Story[1] =>
  async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp(settings)
    await signIn(app, ada)
    taken(await app.appendOptions())
    taken(await app.appendReport(code, `what the system said about ${code}`))
    await goesOn(stage, app, ada, { ...outcome, started: true })
    await accountTells(stage, ada)
  }

const report = (platform: 'ios' | 'android', code: string, reason: string) => ({ platform, code, reason })

export const noPasskey: Story[] = [
  ['who declines the offer signs in without a passkey, and is asked again a week later', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.appendSkip('declined'))
    await goesOn(stage, app, ada, { event: 'AppendSkipped', data: { reason: 'declined' }, started: false, retry: false })
    await accountTells(stage, ada)
    await stage.projected()
    assert.equal((await signIn(app, ada)).offer, null)
    await tells(stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendWithheld')
    assert.equal((await stage.events(`session-${app.session}`))[2]?.data['reason'], 'cool_down')
    await stage.passTime(7 * 86_400)
    await signIn(app, ada)
    assert.equal(app.latest.offer?.number, 2)
  }],

  ['who says never again is not asked again, on any device', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    taken(await app.appendSkip('never'))
    await goesOn(stage, app, ada, { event: 'AppendSkipped', data: { reason: 'never' }, started: false, retry: false })
    await accountTells(stage, ada, 'AppendPreferenceChanged')
    const other = stage.newApp()
    assert.equal((await signIn(other, ada)).offer, null)
    await tells(stage, other, 'IdentifierEntered', 'PasswordVerified', 'AppendWithheld')
    assert.equal((await stage.events(`session-${other.session}`))[2]?.data['reason'], 'never_again')
  }],

  ['a prompt that is dismissed leaves the login, and the way back to the passkey, open',
    reported('1001', { event: 'AppendCancelled', data: report('ios', '1001', 'dismissed_or_timed_out'), retry: true })],

  ['a prompt that never appeared is not taken for a no',
    reported('1010', { event: 'AppendNotShown', data: { ...report('ios', '1010', 'device_not_configured'), retryable: false }, retry: false })],

  ['a ceremony that failed on the device is told as the device told it', reported(
    'CreateCredentialUnknownException',
    { event: 'AppendFailed', data: { by: 'device', ...report('android', 'CreateCredentialUnknownException', 'unspecified'), retryable: true }, retry: true },
    { platform: 'android' },
  )],

  ['a credential made for another origin is refused, and the login goes on', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    const tampered = await app.createPasskey(ada.phone, { clientData: { origin: 'https://shop.example.evil.test' } })
    const { reason } = refused(tampered, { status: 422, code: 'append_rejected' })
    await goesOn(stage, app, ada, { event: 'AppendFailed', data: { by: 'engine', reason, retryable: false }, started: true, retry: false })
    await accountTells(stage, ada)
  }],

  ['a dismissed prompt may be tried again, and the passkey is made after all', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    await assert.rejects(app.createPasskey(ada.phone, { dismissed: true }), { name: 'NotAllowedError' })
    taken(await app.appendReport('1001'))
    taken(await app.createPasskey(ada.phone))
    await giveCode(stage, app, ada)
    await finish(app)
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'AppendCancelled', 'AppendStarted', 'PasskeyAppended',
      'OtpIssued', 'OtpSent', 'OtpVerified', 'PinSkipped', 'BiometricSkipped', 'SessionCompleted',
    )
    await accountTells(stage, ada, 'PasskeyLinked', 'PasskeyActivated')
  }],

  ['the answer to a challenge that was replaced is refused, and one to fresh options taken', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await signIn(app, ada)
    const stale = await ada.phone.create(taken(await app.appendOptions()).creationOptions as never, { origin: app.origin })
    taken(await app.appendOptions())
    refused(await app.append(stale), { status: 422, code: 'append_rejected', reason: 'wrong_challenge' })
    taken(await app.createPasskey(createAuthenticator()))
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordVerified', 'AppendOffered',
      'AppendStarted', 'AppendStarted', 'AppendFailed', 'AppendStarted', 'PasskeyAppended',
    )
    await accountTells(stage, ada, 'PasskeyLinked')
  }],
]
