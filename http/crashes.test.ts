/**
 * A kill between any two appends of a use case leaves something that works, and the repeat completes it: on another engine, and on the same one
 * if the log alone was away. How a person is forgotten stands in `erase.test.ts`.
 */
import type { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import { failingAfter } from '../eventlog/testing.ts'
import { backendKey, ceremonyHere, newKey, off, openApi, password, serverPin, startBody, challengeOf, type Api, type ApiOptions, type Reply } from './testing.ts'

/** Sends the one request of the use case, each time the same one. */
type Send = (on?: Hono) => Promise<Reply>
type UseCase = {
  prepare: (api: Api) => Promise<Send>
  policy?: ApiOptions['policy']
  /** It leaves these facts; those of several accounts in any order. */
  facts: string[]
  anyOrder?: true
}

const opened: Api[] = []
afterEach(() => Promise.all(opened.splice(0).map((api) => api.close())))

/** An account `ada@example.com` is there. */
async function open(policy: ApiOptions['policy'] = {}): Promise<Api> {
  const api = await openApi({ policy })
  opened.push(api)
  await api.register()
  return api
}

const justOffer = { withPasskey: off, withoutPasskey: off }
const withCode = { withPasskey: { ...off, otp: 'required' as const }, withoutPasskey: { ...off, otp: 'required' as const } }

/** Of the company's backend. */
const asBackend = (method: string, path: (api: Api) => string | Promise<string>, body?: unknown): UseCase['prepare'] => async (api) => {
  const [key, where] = [newKey(), await path(api)]
  return (on) => api.call(method, `/v1/accounts${where}`, { key, token: backendKey, ...(body === undefined ? {} : { body }) }, on)
}
/** Of somebody who signed in a moment ago. */
const signedIn = (send: (api: Api, login: Awaited<ReturnType<Api['signedIn']>>, key: string, on?: Hono) => Promise<Reply>): UseCase['prepare'] => async (api) => {
  const [login, key] = [await api.signedIn(), newKey()]
  return (on) => send(api, login, key, on)
}
/** A step of a login that has come so far. */
const step = (at: Parameters<Api['loginAt']>[0], name: string, fields: unknown = {}): UseCase['prepare'] => async (api) => {
  const [login, key] = [await api.loginAt(at), newKey()]
  return (on) => login.step(name, fields, { key }, on)
}

const useCases: Record<string, UseCase> = {
  'a new account': {
    prepare: asBackend('POST', () => '', { identifiers: ['bob@example.com', 'bob', '+436601234567'], password }),
    facts: ['IdentifierClaimed', 'IdentifierClaimed', 'IdentifierClaimed', 'AccountRegistered', 'PasswordSet', 'ContactAdded', 'ContactAdded'],
  },
  'an import': {
    prepare: asBackend('POST', () => '/import', { accounts: [{ identifiers: ['bob@example.com', 'bob'] }, { identifiers: ['eve'] }] }),
    facts: ['IdentifierClaimed', 'IdentifierClaimed', 'IdentifierClaimed', 'AccountRegistered', 'AccountRegistered', 'ContactAdded'],
    anyOrder: true,
  },
  'a contact added by the backend': {
    prepare: asBackend('POST', (api) => `/${api.world.account}/contacts`, { channel: 'sms', address: '+436601234567' }),
    facts: ['ContactAdded'],
  },
  'a password set by the backend': { prepare: asBackend('POST', (api) => `/${api.world.account}/password`, { password: 'a brand new password' }), facts: ['PasswordSet', 'SessionsRevoked'] },
  'a passkey removed by the backend': {
    policy: justOffer,
    prepare: asBackend('DELETE', async (api) => `/${api.world.account}/passkeys/${(await api.withPasskey()).passkey}`),
    facts: ['PasskeyRevoked'],
  },
  'the end of all sessions': { prepare: asBackend('POST', (api) => `/${api.world.account}/sessions/end`, {}), facts: ['SessionsRevoked'] },

  'a contact that a person changes': {
    policy: justOffer,
    prepare: signedIn((api, { tokens }, key, on) => api.call('POST', '/v1/account/contacts', { key, token: tokens.accessToken, body: { channel: 'email', address: 'ada@example.org' } }, on)),
    facts: ['ContactRemoved', 'ContactAdded'],
  },
  'a password that a person sets': {
    policy: justOffer,
    prepare: signedIn((api, { tokens }, key, on) => api.call('POST', '/v1/account/password', { key, token: tokens.accessToken, body: { password: 'a brand new password' } }, on)),
    facts: ['PasswordSet', 'SessionsRevoked'],
  },
  'a refresh': {
    policy: justOffer,
    prepare: signedIn((api, { path, tokens: { refreshToken } }, key, on) => api.post(`${path}/refresh`, { key, body: { refreshToken } }, on)),
    facts: ['TokensRefreshed'],
  },
  'the switch for biometrics': {
    policy: justOffer,
    prepare: signedIn((api, { path, tokens }, key, on) => api.post(`${path}/biometrics`, { key, token: tokens.accessToken, body: { enabled: true } }, on)),
    facts: ['InstallationBiometricToggled'],
  },
  'a sign-out': { policy: justOffer, prepare: signedIn((api, { path, tokens }, _, on) => api.call('DELETE', path, { token: tokens.accessToken }, on)), facts: ['SignedOut'] },
  'a sign-out everywhere': {
    policy: justOffer,
    prepare: signedIn((api, { path, tokens }, _, on) => api.call('DELETE', `${path}?everywhere=true`, { token: tokens.accessToken }, on)),
    facts: ['SessionsRevoked', 'SignedOut'],
  },
  'a passkey that gets a name': {
    policy: justOffer,
    async prepare(api) {
      const [{ device, passkey }, key] = [await api.withPasskey(), newKey()]
      const { tokens } = await api.signInWith(device)
      return (on) => api.post(`/v1/passkeys/${passkey}/name`, { key, token: tokens.accessToken, body: { name: 'My phone' } }, on)
    },
    facts: ['PasskeyRenamed'],
  },
  'a passkey that a person removes': {
    policy: justOffer,
    async prepare(api) {
      const [{ device, passkey }, key] = [await api.withPasskey(), newKey()]
      const { tokens } = await api.signInWith(device)
      return (on) => api.call('DELETE', `/v1/passkeys/${passkey}`, { key, token: tokens.accessToken }, on)
    },
    facts: ['PasskeyRevoked'],
  },

  'a start': {
    async prepare(api) {
      const [key, body] = [newKey(), startBody({ flowChallenge: challengeOf(newKey()) })]
      return (on) => api.post('/v1/sessions', { key, body }, on)
    },
    facts: ['IdentifierEntered'],
  },
  'a password': { prepare: step('password', 'password', { password }), facts: ['PasswordVerified', 'AppendOffered'] },
  'a link': {
    async prepare(api) {
      const [login, key] = [await api.loginAt('append'), newKey()]
      const credential = await api.credential(login)
      return (on) => login.step('append', { credential }, { key }, on)
    },
    facts: ['PasskeyLinked', 'PasskeyAppended'],
  },
  'a link that is active at once and completes the login': {
    policy: justOffer,
    async prepare(api) {
      const [login, key] = [await api.loginAt('append'), newKey()]
      const credential = await api.credential(login)
      return (on) => login.step('append', { credential }, { key }, on)
    },
    facts: ['PasskeyLinked', 'PasskeyActivated', 'PasskeyAppended', 'SessionCompleted', 'TokensIssued'],
  },
  'a code that activates the passkey': {
    policy: withCode,
    async prepare(api) {
      const [login, key] = [await api.loginAt('append'), newKey()]
      await login.step('append', { credential: await api.credential(login) })
      await login.step('otp/send', { channel: 'email' })
      return (on) => login.step('otp', { code: api.code() }, { key }, on)
    },
    facts: ['PasskeyActivated', 'OtpVerified', 'SessionCompleted', 'TokensIssued'],
  },
  'an offer that is declined for ever': { prepare: step('append', 'append/skip', { reason: 'never' }), facts: ['AppendPreferenceChanged', 'AppendSkipped'] },
  'a code that is sent': { prepare: step('otp', 'otp/send', { channel: 'email' }), facts: ['OtpIssued', 'OtpSent'] },
  'a PIN of the device': { prepare: step('pin', 'pin'), facts: ['InstallationPinSet', 'PinSet'] },
  'a PIN that is kept here': {
    policy: { pinKeptOn: 'server' },
    prepare: step('pin', 'pin', { pin: serverPin }),
    facts: ['InstallationPinSet', 'PinSet'],
  },
  'biometrics, which complete the login': {
    prepare: step('biometrics', 'biometrics', { enabled: true }),
    facts: ['InstallationBiometricToggled', 'BiometricToggled', 'SessionCompleted', 'TokensIssued'],
  },
  'a login with a passkey': {
    policy: justOffer,
    async prepare(api) {
      const [{ device }, login, key] = [await api.withPasskey(), await api.start(), newKey()]
      const credential = await device.get(login.started.body.requestOptions, ceremonyHere)
      return (on) => login.step('passkey', { credential }, { key }, on)
    },
    facts: ['PasskeyVerified', 'AppendWithheld', 'SessionCompleted', 'TokensIssued'],
  },
}

describe('What a crash left is completed by the repeat:', () => {
  test.each(Object.entries(useCases))('%s', async (_, { prepare, policy, facts, anyOrder }) => {
    const inOrder = (types: string[]): string[] => (anyOrder ? types.toSorted() : types)

    const calm = await open(policy)
    const send = await prepare(calm)
    let appends = 0
    // What is counted in passing comes after the answer, and is nobody's to repeat.
    calm.log.broken.append = (next, stream) => ((appends += stream === 'password-formats' ? 0 : 1), next())
    const undisturbed = await send()
    expect([undisturbed.status < 300, inOrder(undisturbed.events)]).toEqual([true, inOrder(facts)])
    expect(appends).toBeGreaterThan(0)

    const crashes = Array.from({ length: appends }, (_, done) => ['another engine', 'the same engine'].map((where) => ({ done, where }))).flat()
    // With one append there is nothing in between.
    for (const { done, where } of appends > 1 ? crashes : crashes.slice(0, 1)) {
      const api = await open(policy)
      const request = await prepare(api)
      const [sent, since] = [api.world.messages.length, await end(api)]
      api.log.broken.append = failingAfter(done)
      const broken = await request()
      // Who died does nothing any more; one that could not reach the log goes on with what it had begun.
      if (where === 'the same engine') api.log.broken.append = undefined
      const on = where === 'another engine' ? (await api.openNode()).app : api.app

      // What is there works, for others too.
      expect((await api.post('/v1/accounts/find', { token: backendKey, body: { identifier: 'ada@example.com' } }, on)).status).toBe(200)
      const { status, body } = await api.post('/v1/sessions', { body: startBody({ flowChallenge: challengeOf(newKey()), identifier: 'bob@example.com' }) }, on)
      expect(status).toBe(201)

      const repeated = await request(on)
      const wrote = await typesSince(api, since, body.session.id)
      expect([broken.status, inOrder(wrote)], `after ${done} appends, on ${where}`).toEqual([503, inOrder(facts)])
      expect([repeated.status, shapeOf(repeated.body)], `after ${done} appends, on ${where}`).toEqual([undisturbed.status, shapeOf(undisturbed.body)])
      const messages = api.world.messages.slice(sent)
      expect(new Set(messages.map(({ id, code }) => `${id} ${code}`)).size, 'one code under one id').toBe(calm.world.messages.length - sent)

      const again = await request(on)
      expect([again.status, again.events]).toEqual([repeated.status, []])
      expect(lasting(again.body)).toEqual(lasting(repeated.body))
    }
  })
})

const streams = ['session-', 'account-', 'identifier-', 'tokens-']
async function end({ log }: Api): Promise<string | undefined> {
  let position: string | undefined
  for await (const event of log.readAll({})) position = event.position
  return position
}
/** All facts, but those of a login that has nothing to do with it. */
async function typesSince({ log }: Api, after: string | undefined, other: string): Promise<string[]> {
  const types: string[] = []
  for await (const { type, stream } of log.readAll({ after, prefixes: streams })) if (stream !== `session-${other}`) types.push(type)
  return types
}

/** Ids and random bytes differ from run to run. */
const shapeOf = (body: unknown): unknown =>
  JSON.parse((JSON.stringify(body) ?? 'null').replaceAll(/"[\w.-]{20,}"/g, '"<random>"').replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>'))
/** Less what is signed anew. */
const lasting = (body: unknown): unknown => JSON.parse((JSON.stringify(body) ?? 'null').replaceAll(/"accessToken":"[^"]*"/g, '"accessToken":""'))
