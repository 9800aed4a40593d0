import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Policy } from '../domain/policy.ts'
import { actionsOf, newKey, off, openApi, refused, type Api } from './testing.ts'

let api: Api
afterEach(() => api.close())
const open = async (policy: Partial<Policy> = { withPasskey: off, withoutPasskey: off }, account = {}) => {
  api = await openApi({ policy })
  return api.register(account)
}

describe('Whoever is signed in', () => {
  beforeEach(() => open())

  test('reads the state with the access token', async () => {
    const { read, tokens } = await api.signedIn()
    const reply = await read(tokens.accessToken)
    expect([reply.status, reply.body.session.status, reply.body.tokens]).toEqual([200, 'completed', undefined])
    expect(actionsOf(reply)).toEqual(['refresh', 'switch_biometrics', 'sign_out'])
  })

  test('switches biometrics, once for each key', async () => {
    const { path, tokens } = await api.signedIn()
    const switched = (enabled: boolean, key = newKey()) => api.post(`${path}/biometrics`, { token: tokens.accessToken, body: { enabled }, key })
    const key = newKey()
    expect(await switched(true, key)).toMatchObject({ status: 200, body: { enabled: true }, events: ['InstallationBiometricToggled'] })
    expect(await switched(true)).toMatchObject({ status: 200, events: [] })
    expect(await switched(false)).toMatchObject({ status: 200, events: ['InstallationBiometricToggled'] })
    // The first request, sent again: it was done, and is not done over what came after.
    expect(await switched(true, key)).toMatchObject({ status: 200, events: [] })
    refused(await switched(false, key), 422, 'key_reused')
  })

  test('signs out, and that is that; to say so again does no harm', async () => {
    const { tokens, refresh, read, signOut, path } = await api.signedIn()
    const out = await signOut(tokens.accessToken)
    expect([out.status, out.body, out.events]).toEqual([204, undefined, ['SignedOut']])
    refused(await refresh(tokens.refreshToken), 401, 'session_over')
    refused(await read(tokens.accessToken), 401, 'session_over')
    refused(await api.post(`${path}/biometrics`, { token: tokens.accessToken, body: { enabled: true } }), 401, 'session_over')
    expect(await signOut(tokens.accessToken)).toMatchObject({ status: 204, events: [] })
  })

  test('signs out everywhere: every session of before is over, a new one is not', async () => {
    const [one, other] = [await api.signedIn(), await api.signedIn()]
    api.pass(1)
    expect(await one.signOut(one.tokens.accessToken, '?everywhere=true')).toMatchObject({ status: 204, events: ['SessionsRevoked', 'SignedOut'] })
    for (const { refresh, read, tokens, path } of [one, other]) {
      refused(await refresh(tokens.refreshToken), 401, 'session_over')
      refused(await read(tokens.accessToken), 401, 'session_over')
      refused(await api.post(`${path}/biometrics`, { token: tokens.accessToken, body: { enabled: true } }), 401, 'session_over')
    }
    expect(await one.signOut(one.tokens.accessToken, '?everywhere=true')).toMatchObject({ status: 204, events: [] })
    api.pass(1)
    const later = await api.signedIn()
    expect((await later.refresh(later.tokens.refreshToken)).status).toBe(200)
  })

  test('and then signed out has no say over the others any more', async () => {
    const [one, other] = [await api.signedIn(), await api.signedIn()]
    await one.signOut(one.tokens.accessToken)
    refused(await one.signOut(one.tokens.accessToken, '?everywhere=true'), 401, 'session_over')
    expect((await other.refresh(other.tokens.refreshToken)).status).toBe(200)
  })

  test.each(['AccountDisabled', 'AccountErased'] as const)('is not any more after %s', async (type) => {
    const { tokens, refresh, read } = await api.signedIn()
    await api.inAccount({ type, data: {} })
    refused(await refresh(tokens.refreshToken), 401, 'session_over')
    refused(await read(tokens.accessToken), 401, 'session_over')
  })
})

test('Whoever is not signed in yet leaves with the flow token, and the login is over', async () => {
  await open()
  const login = await api.loginAt('append')
  const out = await api.call('DELETE', login.path, { token: login.flowToken })
  expect([out.status, out.events]).toEqual([204, ['SessionEnded']])
  expect((await login.read()).body.session).toMatchObject({ status: 'ended', endReason: 'signed_out' })
  expect(await api.call('DELETE', login.path, { token: login.flowToken })).toMatchObject({ status: 204, events: [] })
})
