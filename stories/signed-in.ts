/** After the login: refresh tokens, signing out, and requests whose answer was lost. */
import assert from 'node:assert/strict'
import type { Body } from './app.ts'
import { createAuthenticator } from './authenticator.ts'
import { accountTells, firstLogin, firstLoginLeaves, firstLoginTells, refused, taken, tells, tokensTell, type Story } from './chapters.ts'
import type { Stage } from './stage.ts'

const over = { status: 401, code: 'session_over' }

export const signedIn: Story[] = [
  ['signing out everywhere ends the session on the other device', async (stage) => {
    const ada = await stage.newPerson()
    const [phone, tablet] = [stage.newApp(), stage.newApp()]
    await firstLogin(stage, phone, ada)
    await firstLogin(stage, tablet, { ...ada, phone: createAuthenticator() })
    await tells(stage, tablet, 'IdentifierEntered', 'PasskeyRequested', 'PasswordChosen', ...firstLoginTells.slice(1))
    taken(await tablet.refresh())
    assert.equal((await phone.signOut({ everywhere: true })).status, 204)
    refused(await tablet.refresh(), over)
    refused(await phone.refresh(), over)
    await tokensTell(stage, phone, 'TokensIssued', 'SignedOut')
    await tokensTell(stage, tablet, 'TokensIssued', 'TokensRefreshed')
    await accountTells(stage, ada, ...firstLoginLeaves, ...firstLoginLeaves, 'SessionsRevoked')
  }],

  ['a refresh token that comes back after its successor was used ends the session, for the thief and for the owner', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    const stolen = (await firstLogin(stage, app, ada)).tokens?.refreshToken
    await tells(stage, app, ...firstLoginTells)
    taken(await app.refresh())
    taken(await app.refresh())
    refused(await app.refresh(stolen), { ...over, reason: 'reused' })
    refused(await app.refresh(), over)
    await tokensTell(stage, app, 'TokensIssued', 'TokensRefreshed', 'TokensRefreshed', 'RefreshReused')
  }],

  ['biometrics are switched after sign-in with the access token; switched to what they are, nothing is written', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    await firstLogin(stage, app, ada)
    for (const _ of [1, 2]) assert.deepEqual(taken(await app.switchBiometrics(false)), { enabled: false })
    await tells(stage, app, ...firstLoginTells)
    await accountTells(stage, ada, ...firstLoginLeaves, 'InstallationBiometricToggled')
  }],

  ['the answer with the tokens can be had again until they are used; the flow token is good for nothing more', async (stage) => {
    const ada = await stage.newPerson()
    const sent: Parameters<typeof fetch>[] = []
    const app = stage.newApp({ fetch: (...request) => (sent.push(request), stage.fetch(...request)) })
    const { tokens } = await firstLogin(stage, app, ada)
    const [completing] = sent.slice(-1) as [Parameters<typeof fetch>]
    const again = (await (await stage.fetch(...completing)).json()) as Body
    assert.equal(again.tokens?.refreshToken, tokens?.refreshToken)
    taken(await app.refresh())
    const late = await stage.fetch(...completing)
    refused({ status: late.status, body: (await late.json()) as Body }, { status: 401, code: 'flow_token_invalid' })
    await tells(stage, app, ...firstLoginTells)
    await tokensTell(stage, app, 'TokensIssued', 'TokensRefreshed')
  }],

  ['a login whose every answer is lost once ends as any other, and each fact is written once', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp({ fetch: losingEveryAnswer(stage) })
    await firstLogin(stage, app, ada)
    await tells(stage, app, ...firstLoginTells)
    await accountTells(stage, ada, ...firstLoginLeaves)
    taken(await app.refresh())
    taken(await app.switchBiometrics(false))
    assert.equal((await app.signOut()).status, 204)
    await tokensTell(stage, app, 'TokensIssued', 'TokensRefreshed', 'SignedOut')
  }],

  ['refused requests, too, are answered the same again and counted once', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp({ fetch: losingEveryAnswer(stage) })
    taken(await app.start(ada.email))
    refused(await app.password('not my password'), { status: 403, code: 'password_rejected' })
    taken(await app.password(ada.password))
    refused(await app.createPasskey(ada.phone, { clientData: { type: 'webauthn.get' } }), { status: 422, code: 'append_rejected' })
    stage.carrierRefuses(true)
    refused(await app.otpSend('email'), { status: 503, code: 'delivery_failed' })
    stage.carrierRefuses(false)
    taken(await app.otpSend('email'))
    refused(await app.otp('not a code'), { status: 403, code: 'otp_rejected' })
    await tells(
      stage, app, 'IdentifierEntered', 'PasswordRejected', 'PasswordVerified', 'AppendOffered', 'AppendStarted', 'AppendFailed',
      'OtpIssued', 'OtpDeliveryFailed', 'OtpIssued', 'OtpSent', 'OtpRejected',
    )
  }],

  ['the same key with another request is refused, and writes nothing', async (stage) => {
    const ada = await stage.newPerson()
    const app = stage.newApp()
    taken(await app.start(ada.email))
    const key = 'one-key-for-two-requests'
    refused(await app.send('password', { password: 'not my password' }, key), { status: 403, code: 'password_rejected' })
    refused(await app.send('password', { password: ada.password }, key), { status: 422, code: 'key_reused' })
    await tells(stage, app, 'IdentifierEntered', 'PasswordRejected')
  }],
]

/** A network that loses every first answer. The app sends the request again and has the same answer; no code is sent twice. */
const losingEveryAnswer = ({ fetch: carry, messages }: Stage): typeof fetch => async (input, init) => {
  // A state that is only read is told as of now: a second later it has a second less.
  if (init?.method === 'GET') return carry(input, init)
  const lost = await carry(input, init)
  const sent = messages()
  const answer = await carry(input, init)
  assert.equal(answer.status, lost.status)
  assert.deepEqual(equalJson(await answer.clone().text()), equalJson(await lost.text()))
  assert.equal(messages(), sent)
  return answer
}

/** A JWT may be signed anew. */
function equalJson(text: string): unknown {
  const body: Body = text === '' ? {} : JSON.parse(text)
  return body.tokens ? { ...body, tokens: { ...body.tokens, accessToken: 'signed anew' } } : body
}
