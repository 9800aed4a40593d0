import { afterEach, describe, expect, test } from 'vitest'
import type { Policy } from '../domain/policy.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { done, newKey, off, openApi, password, refused, type Api, type ApiOptions } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (options: ApiOptions = {}, account: Parameters<Api['register']>[0] = {}) => {
  api = await openApi(options)
  return api.register(account)
}
const everywhere = (branch: Policy['withPasskey'], policy: Partial<Policy> = {}): ApiOptions => ({ policy: { withPasskey: branch, withoutPasskey: branch, ...policy } })

describe('The passkey', () => {
  const atOffer = async (options: ApiOptions = {}, account = {}) => {
    const id = await open(options, account)
    return { account: id, login: await api.loginAt('append') }
  }

  test('is created with the options that are asked for, and linked before the login says so', async () => {
    const { account, login } = await atOffer()
    const options = await login.step('append/options')
    done(options, ['AppendStarted'], 'append')
    const { creationOptions } = options.body
    expect(creationOptions).toMatchObject({
      rp: { id: 'shop.example', name: 'Northwind Shop' },
      user: { id: Buffer.from(account.replaceAll('-', ''), 'hex').toString('base64url'), name: 'ada@example.com' },
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
    })
    expect(Buffer.from(creationOptions.challenge, 'base64url')).toHaveLength(32)
    const credential = await createAuthenticator().create(creationOptions, { origin: 'https://shop.example' })
    const reply = await login.step('append', { credential })
    done(reply, ['PasskeyLinked', 'PasskeyAppended'], 'otp')
    expect(reply.body.passkey).toEqual({ id: credential.id, status: 'pending' })
  })

  test('becomes active with the code', async () => {
    const { login } = await atOffer()
    const credential = await api.credential(login)
    await login.step('append', { credential })
    await login.step('otp/send', { channel: 'email' })
    const reply = await login.step('otp', { code: api.code() })
    done(reply, ['PasskeyActivated', 'OtpVerified'], 'pin')
    expect(reply.body.passkey).toEqual({ id: credential.id, status: 'active' })
  })

  test('is there no more when the login ran out of time before the code', async () => {
    const { login } = await atOffer()
    const { body } = await login.step('append', { credential: await api.credential(login) })
    api.pass(900)
    expect([body.passkey.status, (await login.read()).body.passkey]).toEqual(['pending', null])
  })

  test('is active at once where no code is demanded', async () => {
    const { login } = await atOffer(everywhere({ ...off, pin: 'optional' }))
    done(await login.step('append', { credential: await api.credential(login) }), ['PasskeyLinked', 'PasskeyActivated', 'PasskeyAppended'], 'pin')
  })

  test('is not made again on a device that has one, and such a person is not asked again', async () => {
    const { login } = await atOffer(everywhere(off))
    const credential = await api.credential(login)
    await login.step('append', { credential })
    const again = await api.start()
    done(await again.step('password', { password }), ['PasswordChosen', 'PasswordVerified', 'AppendWithheld', 'SessionCompleted', 'TokensIssued'], null)
    const elsewhere = await api.loginAt('append', { installation: '6ad2b0c4-1f3b-4f0e-8a53-2c9d7e5f1b20' })
    const { body } = await elsewhere.step('append/options')
    expect(body.creationOptions.excludeCredentials).toEqual([{ id: credential.id, type: 'public-key', transports: ['internal', 'hybrid'] }])
  })

  test('for another origin is refused; that is a fact, and the login goes on', async () => {
    const { login } = await atOffer()
    const credential = await api.credential(login, createAuthenticator(), { clientData: { origin: 'https://shop.example.evil.example' } })
    const reply = await login.step('append', { credential })
    refused(reply, 422, 'append_rejected', ['AppendFailed'])
    expect(reply.body).toMatchObject({ reason: 'wrong_origin', session: { status: 'running', step: 'otp' }, offer: { outcome: 'failed', reason: 'wrong_origin' } })
  })

  const undecodable = { type: 'public-key', id: 'AA', rawId: 'AA', response: { clientDataJSON: 'AA', attestationObject: 'AA' } }
  test.each([{}, { id: 'x' }, undecodable, JSON.parse('{"__proto__":{"id":"AA"}}')])(
    'that is none (%j) is refused, and may be tried again',
    async (credential) => {
      const { login } = await atOffer()
      await login.step('append/options')
      const reply = await login.step('append', { credential })
      refused(reply, 422, 'append_rejected', ['AppendFailed'])
      expect(reply.body).toMatchObject({ reason: 'malformed' })
    },
  )

  test('for options that a newer request has replaced is refused', async () => {
    const { login } = await atOffer()
    const old = await api.credential(login)
    await login.step('append/options')
    refused(await login.step('append', { credential: old }), 422, 'append_rejected', ['AppendFailed'])
  })

  test('for options that are older than five minutes is refused', async () => {
    const { login } = await atOffer()
    const credential = await api.credential(login)
    api.pass(300)
    const reply = await login.step('append', { credential })
    refused(reply, 422, 'append_rejected', ['AppendFailed'])
    expect(reply.body).toMatchObject({ reason: 'challenge_expired', retryable: true })
  })

  test('made for somebody else’s login is refused', async () => {
    const { login } = await atOffer()
    await api.register({ identifiers: ['eve@example.com'] })
    const eves = await api.credential(await api.loginAt('append', { identifier: 'eve@example.com' }))
    await login.step('append/options')
    refused(await login.step('append', { credential: eves }), 422, 'append_rejected', ['AppendFailed'])
  })

  test('that was refused where the offer came last completes the login, and the answer has the tokens', async () => {
    const { login } = await atOffer(everywhere(off, { order: ['otp', 'pin', 'biometrics', 'append'] }))
    await login.step('append/options')
    const key = newKey()
    const reply = await login.step('append', { credential: {} }, { key })
    refused(reply, 422, 'append_rejected', ['AppendFailed', 'SessionCompleted', 'TokensIssued'])
    expect(reply.body).toMatchObject({ session: { status: 'completed' }, tokens: { tokenType: 'Bearer' } })
    expect((await login.step('append', { credential: {} }, { key })).body.tokens.refreshToken).toBe(reply.body.tokens.refreshToken)
  })

  test.each([
    ['declined', ['AppendSkipped']],
    ['never', ['AppendPreferenceChanged', 'AppendSkipped']],
  ])('may be %s', async (reason, events) => {
    const { login } = await atOffer()
    done(await login.step('append/skip', { reason }), events, 'otp')
    const next = await (await api.start()).step('password', { password })
    expect(next.events).toEqual(['PasswordVerified', reason === 'never' ? 'AppendWithheld' : 'AppendOffered'])
  })

  test.each([
    ['1001', 'AppendCancelled', { outcome: 'cancelled', reason: 'dismissed_or_timed_out' }],
    ['1003', 'AppendNotShown', { outcome: 'not_shown', reason: 'not_handled' }],
    ['1004', 'AppendFailed', { outcome: 'failed', reason: 'failed' }],
    ['constructor', 'AppendFailed', { outcome: 'failed', reason: 'unknown' }],
  ])('that the device says did not come about (%s) is %s', async (code, event, offer) => {
    const { login } = await atOffer()
    await login.step('append/options')
    const reply = await login.step('append/report', { platform: 'ios', code, message: 'what the system said' })
    done(reply, [event], 'otp')
    expect(reply.body.offer).toMatchObject(offer)
  })

  test('comes after the code for an account that demands one', async () => {
    await open({}, { mfa: true })
    const login = await api.start()
    done(await login.step('password', { password }), ['PasswordVerified'], 'otp')
    refused(await login.step('append/options'), 409, 'step_not_legal')
    await login.step('otp/send', { channel: 'email' })
    done(await login.step('otp', { code: api.code() }), ['OtpVerified', 'AppendOffered'], 'append')
  })
})
