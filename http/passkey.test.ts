import { afterEach, describe, expect, test } from 'vitest'
import { createAuthenticator } from '../stories/authenticator.ts'
import { actionsOf, ceremonyHere, challengeOf, done, newKey, off, openApi, password, refused, shop, startBody, type Api, type ApiOptions } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (options: ApiOptions = {}) => {
  api = await openApi(options)
  const account = await api.register()
  return { account, ...(await api.withPasskey()) }
}
const allOff: ApiOptions = { policy: { withPasskey: off, withoutPasskey: off } }

describe('A start of somebody who has a passkey', () => {
  test('carries the options, so that the app needs no round trip', async () => {
    const { passkey } = await open()
    const { started } = await api.start()
    expect([started.status, started.events, started.body.session.step]).toEqual([201, ['IdentifierEntered', 'PasskeyRequested'], 'passkey'])
    expect(started.body.requestOptions).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      timeout: 300_000,
      rpId: shop.rpId,
      allowCredentials: [{ type: 'public-key', id: passkey, transports: ['internal', 'hybrid'] }],
      userVerification: 'required',
    })
    expect(started.body.assertion).toEqual({ outcome: 'requested', reason: null, retryable: true, preferImmediatelyAvailable: true })
    expect(actionsOf(started)).toEqual(['passkey', 'passkey_options', 'passkey_report', 'password'])
  })

  test('is repeated in the same words, challenge and all', async () => {
    await open()
    const key = newKey()
    const body = startBody()
    const [one, other] = [await api.post('/v1/sessions', { body, key }), await api.post('/v1/sessions', { body, key })]
    expect([other.body, other.events]).toEqual([one.body, []])
  })

  test('names no passkey that is pending or revoked', async () => {
    const { passkey } = await open()
    await api.inAccount({ type: 'PasskeyRevoked', data: { passkey, reason: 'removed' } })
    const { started } = await api.start()
    expect([started.events, started.body.requestOptions]).toEqual([['IdentifierEntered'], undefined])
  })

  test('names those that can sign in, and neither the one that waits for a code nor the one that was removed', async () => {
    const { passkey: removed } = await open()
    await api.inAccount({ type: 'PasskeyRevoked', data: { passkey: removed, reason: 'removed' } })
    const { passkey } = await api.withPasskey()
    const pending = await api.start({ installation: '2f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60' })
    await pending.step('password', { password })
    await pending.step('append', { credential: await api.credential(pending) })
    const { started } = await api.start()
    expect(started.body.requestOptions.allowCredentials.map(({ id }: { id: string }) => id)).toEqual([passkey])
  })
})

describe('A passkey', () => {
  test('signs in, and the answer tells the device which passkeys are good', async () => {
    const { account, device, passkey } = await open(allOff)
    const { signedIn } = await api.signInWith(device)
    done(signedIn, ['PasskeyVerified', 'AppendWithheld', 'SessionCompleted', 'TokensIssued'], null)
    const userId = Buffer.from(account.replaceAll('-', ''), 'hex').toString('base64url')
    expect(signedIn.body.signals).toEqual({ rpId: shop.rpId, userId, acceptedCredentialIds: [passkey], name: 'ada@example.com', displayName: 'ada@example.com' })
  })

  test('is answered again in the same words when the answer was lost', async () => {
    const { device } = await open(allOff)
    const login = await api.start()
    const fields = { credential: await device.get(login.started.body.requestOptions, ceremonyHere) }
    const key = newKey()
    const [one, other] = [await login.step('passkey', fields, { key }), await login.step('passkey', fields, { key })]
    const { tokens: _, ...rest } = one.body
    expect([other.status, other.events]).toEqual([200, []])
    expect(other.body).toMatchObject(rest)
  })

  test('whose challenge is older than the options is refused', async () => {
    const { device } = await open()
    const login = await api.start()
    const credential = await device.get(login.started.body.requestOptions, ceremonyHere)
    api.pass(300)
    const reply = await login.step('passkey', { credential })
    refused(reply, 403, 'passkey_rejected', ['PasskeyRejected'])
    // Whoever that was is told nothing of the account.
    expect(reply.body.signals).toBeUndefined()
    expect(reply.body).toMatchObject({ reason: 'challenge_expired', retryable: true, next: expect.arrayContaining([expect.objectContaining({ action: 'passkey_options' })]) })
  })

  test('answered twice is used up, and fresh options make the older ones dead', async () => {
    const { device } = await open()
    const login = await api.start()
    const old = await device.get(login.started.body.requestOptions, ceremonyHere)
    const fresh = await login.step('passkey/options')
    refused(await login.step('passkey', { credential: old }), 403, 'passkey_rejected', ['PasskeyRejected'])
    const again = await login.step('passkey/options')
    expect(again.body.requestOptions.challenge).not.toBe(fresh.body.requestOptions.challenge)
    const credential = await device.get(again.body.requestOptions, ceremonyHere)
    expect((await login.step('passkey', { credential })).status).toBe(200)
    refused(await login.step('passkey', { credential }), 409, 'step_not_legal')
  })

  test('made for a creation, or in a creation, does not sign in', async () => {
    const { device } = await open()
    const creating = await api.start({ installation: '2f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60' })
    await creating.step('password', { password })
    const credential = await api.credential(creating, createAuthenticator())
    const login = await api.start()
    const assertion = await device.get(login.started.body.requestOptions, ceremonyHere)
    refused(await login.step('passkey', { credential }), 403, 'passkey_rejected', ['PasskeyRejected'])
    refused(await creating.step('append', { credential: assertion }), 422, 'append_rejected', ['AppendFailed'])
  })

  test('that counts backwards was copied', async () => {
    api = await openApi(allOff)
    await api.register()
    const bound = createAuthenticator({ backupEligible: false })
    const { passkey } = await api.withPasskey(bound)
    expect((await api.signInWith(bound)).signedIn.status).toBe(200)
    await api.inAccount({ type: 'PasskeyUsed', data: { passkey, counter: 9, backedUp: false, installation: null } })
    const { signedIn } = await api.signInWith(bound)
    refused(signedIn, 403, 'passkey_rejected', ['PasskeyRejected'])
    expect(signedIn.body.reason).toBe('counter_not_increased')
  })

  test('that counts is remembered', async () => {
    api = await openApi(allOff)
    await api.register()
    const bound = createAuthenticator({ backupEligible: false })
    await api.withPasskey(bound)
    expect((await api.signInWith(bound)).signedIn.events.toSorted()).toEqual(['AppendWithheld', 'PasskeyUsed', 'PasskeyVerified', 'SessionCompleted', 'TokensIssued'])
  })

  test('of an account that was disabled meanwhile tells so to its owner alone', async () => {
    const { device } = await open()
    const login = await api.start()
    await api.inAccount({ type: 'AccountDisabled', data: {} })
    const credential = await device.get(login.started.body.requestOptions, ceremonyHere)
    refused(await login.step('passkey', { credential }), 403, 'account_disabled', ['PasskeyVerified', 'SessionEnded'])
  })
})

describe('A passkey that is not known', () => {
  test('is named, so that its device forgets it, where the account it names has revoked it', async () => {
    const { device, passkey } = await open()
    const login = await api.start()
    const credential = await device.get(login.started.body.requestOptions, ceremonyHere)
    await api.inAccount({ type: 'PasskeyRevoked', data: { passkey, reason: 'removed' } })
    const reply = await login.step('passkey', { credential })
    refused(reply, 403, 'credential_unknown', ['PasskeyRejected'])
    expect(reply.body.unknownCredentialId).toBe(passkey)
  })

  test.each([
    ['names nobody', (response: object) => ({ ...response, userHandle: null }), 'not_of_this_account'],
    ['names another account', (response: object) => ({ ...response, userHandle: Buffer.alloc(16, 7).toString('base64url') }), 'wrong_account'],
  ])('is only refused where its answer %s', async (_, change, reason) => {
    const { device } = await open()
    const login = await api.start()
    const credential = await device.get(login.started.body.requestOptions, ceremonyHere)
    const other = Buffer.alloc(16, 9).toString('base64url')
    const reply = await login.step('passkey', { credential: { ...credential, id: other, rawId: other, response: change(credential.response) } })
    refused(reply, 403, 'passkey_rejected', ['PasskeyRejected'])
    expect([reply.body.reason, reply.body.unknownCredentialId]).toEqual([reason, undefined])
  })

  test.each([
    ['names nobody', (): string | null => null, 'user_handle_missing', ['PasskeyRejected', 'SessionEnded']],
    ['names an account that there is not', () => Buffer.alloc(16, 7).toString('base64url'), 'account_unknown', ['PasskeyRejected']],
  ])('is only refused where nobody was named and its answer %s', async (_, userHandle, reason, events) => {
    const { device } = await open()
    const login = await api.start({ identifier: undefined })
    const credential = await device.get(login.started.body.requestOptions, ceremonyHere)
    const reply = await login.step('passkey', { credential: { ...credential, response: { ...credential.response, userHandle: userHandle() } } })
    refused(reply, 403, 'passkey_rejected', events)
    expect([reply.body.reason, reply.body.unknownCredentialId]).toEqual([reason, undefined])
  })
})

describe('A creation that was refused', () => {
  test('names the passkey that the device made in vain', async () => {
    api = await openApi()
    await api.register()
    const login = await api.loginAt('append')
    const credential = await api.credential(login, createAuthenticator(), { clientData: { origin: 'https://shop.example.evil' } })
    const reply = await login.step('append', { credential })
    refused(reply, 422, 'append_rejected', ['AppendFailed'])
    expect(reply.body.unknownCredentialId).toBe(credential.id)
  })

  test('also when the login had run out of time', async () => {
    api = await openApi()
    await api.register()
    const login = await api.loginAt('append')
    const credential = await api.credential(login)
    api.pass(900)
    const reply = await login.step('append', { credential })
    refused(reply, 410, 'session_expired')
    expect(reply.body.unknownCredentialId).toBe(credential.id)
  })

  test('and not one that the account has', async () => {
    api = await openApi()
    await api.register()
    const login = await api.loginAt('append')
    const credential = await api.credential(login)
    await login.step('append', { credential })
    const reply = await login.step('append', { credential })
    refused(reply, 409, 'step_not_legal')
    expect(reply.body.unknownCredentialId).toBeUndefined()
  })
})

describe('From the settings', () => {
  const settings = (more: object = {}) => startBody({ identifier: undefined, entryPoint: 'settings', ...more })

  test('a session of its own needs the token of a login of a moment ago, on this installation', async () => {
    const { device } = await open(allOff)
    const { tokens } = await api.signInWith(device)
    const started = await api.post('/v1/sessions', { body: settings(), token: tokens.accessToken })
    expect([started.status, started.events]).toEqual([201, ['SettingsEntered', 'AppendOffered']])
    refused(await api.post('/v1/sessions', { body: settings() }), 401, 'token_missing')
    refused(await api.post('/v1/sessions', { body: settings({ installation: '2f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60' }), token: tokens.accessToken }), 401, 'access_token_invalid')
    await api.inAccount({ type: 'SessionsRevoked', data: {} })
    refused(await api.post('/v1/sessions', { body: settings({ flowChallenge: 'x'.repeat(43) }), token: tokens.accessToken }), 401, 'session_over')
  })

  test('the offer is one more of all that the person was made, and is made also while nobody can tell how many', async () => {
    const { device } = await open(allOff)
    const { tokens } = await api.signInWith(device)
    const offered = async () => (await api.post('/v1/sessions', { body: settings(), token: tokens.accessToken })).body.offer.number
    api.world.offers = { offers: 2, recent: [] }
    expect(await offered()).toBe(3)
    api.world.offers = 'unavailable'
    expect(await offered()).toBe(1)
  })

  test('a token that is too old is told how fresh it must be (RFC 9470)', async () => {
    const { device } = await open(allOff)
    const { tokens } = await api.signInWith(device)
    api.pass(301)
    const reply = await api.post('/v1/sessions', { body: settings(), token: tokens.accessToken })
    refused(reply, 401, 'insufficient_user_authentication')
    expect(reply.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_user_authentication", .*max_age="300"$/)
    expect(reply.body).toMatchObject({ reason: 'too_old', maxAgeSeconds: 300 })
  })

  test('a login by password does not do where there is a passkey', async () => {
    await open(allOff)
    const login = await api.start()
    const { body } = await login.step('password', { password })
    const { tokens } = (await login.step('append/skip', { reason: 'declined' })).body
    expect(body.session.step).toBe(null)
    const reply = await api.post('/v1/sessions', { body: settings(), token: (tokens ?? body.tokens).accessToken })
    refused(reply, 401, 'insufficient_user_authentication')
    expect([reply.body.reason, reply.headers.get('www-authenticate')]).toEqual(['passkey_needed', expect.stringContaining('acr_values="phr"')])
  })

  test('nobody leaves it but by its own token', async () => {
    const { device } = await open(allOff)
    const { tokens } = await api.signInWith(device)
    const flowToken = newKey()
    const started = await api.post('/v1/sessions', { body: settings({ flowChallenge: challengeOf(flowToken) }), token: tokens.accessToken })
    const path = `/v1/sessions/${started.body.session.id}`
    await api.post(`${path}/append/skip`, { body: { reason: 'declined' }, token: flowToken })
    refused(await api.call('DELETE', path, { token: 'x' }), 401, 'flow_token_invalid')
    const left = await api.call('DELETE', path, { token: flowToken })
    expect([left.status, left.events]).toEqual([204, []])
  })

  test('a repeated start is answered again, also when the login is no longer fresh', async () => {
    const { device } = await open(allOff)
    const { tokens } = await api.signInWith(device)
    const request = { body: settings(), token: tokens.accessToken, key: newKey() }
    const one = await api.post('/v1/sessions', request)
    api.pass(400)
    const other = await api.post('/v1/sessions', request)
    expect([other.status, other.body.session.id, other.events]).toEqual([201, one.body.session.id, []])
  })
})
