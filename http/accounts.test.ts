import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { losingAnswers, eventsOf } from '../eventlog/testing.ts'
import { backendKey, newKey, off, openApi, password, refused, type Api, type Reply, type Request } from './testing.ts'

const phone = '+436601234567'
const another = 'a brand new password'
/** RFC 7914, section 12, as a PHC string, of `pleaseletmein`. */
const importedHash = '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw'

let api: Api
beforeEach(async () => {
  api = await openApi({ policy: { withPasskey: off, withoutPasskey: off } })
})
afterEach(() => api.close())

/** As the company's backend sends it. */
const send = (path: string, body?: unknown, request: Request = {}): Promise<Reply> => api.post(`/v1/accounts${path}`, { token: backendKey, ...(body === undefined ? {} : { body }), ...request })
const remove = (path: string, request: Request = {}): Promise<Reply> => api.call('DELETE', `/v1/accounts${path}`, { token: backendKey, key: newKey(), ...request })
const show = (account: string): Promise<Reply> => api.call('GET', `/v1/accounts/${account}`, { token: backendKey })
const metadataOf = async (account: string) => (await eventsOf(api.log, `account-${account}`)).map(({ type, metadata }) => ({ type, ...metadata }))
const passwordOf = async (identifier: string, typed: string): Promise<number> => (await (await api.start({ identifier })).step('password', { password: typed })).status

describe('An account is created', () => {
  const wanted = { identifiers: ['Ada@Example.com', 'ada'], password, mfa: true, locale: 'de' }

  test('with all that was given, and shown in the form that it is kept in', async () => {
    const created = await send('', { ...wanted, contacts: [{ channel: 'sms', address: '+43 660 1234567' }] })
    expect([created.status, created.events]).toEqual([201, ['IdentifierClaimed', 'IdentifierClaimed', 'AccountRegistered', 'PasswordSet', 'ContactAdded']])
    expect(created.body).toEqual({
      account: expect.stringMatching(/^[0-9a-f-]{36}$/), status: 'active', registeredAt: api.now().toISOString(), hasPassword: true, mfa: true, disabledFactors: [], locale: 'de', passkeys: [],
      identifiers: [{ kind: 'email', value: 'ada@example.com' }, { kind: 'username', value: 'ada' }],
      contacts: [{ id: expect.any(String), channel: 'sms', address: phone }],
    })
    expect(created.headers.get('location')).toBe(`/v1/accounts/${created.body.account}`)
    expect((await show(created.body.account)).body).toEqual(created.body)
    expect((await send('/find', { identifier: 'ADA' })).body).toEqual(created.body)
    for (const { actor, $correlationId } of await metadataOf(created.body.account)) expect([actor, $correlationId]).toEqual(['backend:crm', created.body.account])
  })

  test('once for each key: the repeat gives the same answer, whatever has become of the account', async () => {
    const key = newKey()
    const created = await send('', wanted, { key })
    await send(`/${created.body.account}/disable`)
    const repeated = await send('', wanted, { key })
    expect([repeated.status, repeated.events, repeated.body]).toEqual([201, [], created.body])
    refused(await send('', { ...wanted, mfa: false }, { key }), 422, 'key_reused')
    refused(await send('', { ...wanted, identifiers: ['bob@example.com'] }, { key }), 422, 'key_reused')
    refused(await send('', { ...wanted, password: another }, { key }), 422, 'key_reused')
  })

  test('once, when the same request comes many times at the same moment', async () => {
    const [key, bodies] = [newKey(), Array.from({ length: 8 }, (_, n) => ({ ...wanted, identifiers: [`ada.${n}@example.com`] }))]
    const replies = await Promise.all([...bodies, ...bodies].map((body) => api.app.request('/v1/accounts', {
      method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key, Authorization: `Bearer ${backendKey}` },
    })))
    const statuses = replies.map(({ status }) => status).sort()
    expect(statuses).toEqual([201, 201, ...Array.from({ length: 14 }, () => 422)])
  })

  test.each([0, 1, 2, 3])('by the repeat, where %i appends were done when the process died', async (appends) => {
    const key = newKey()
    let left = appends
    api.log.broken.append = async (next) => {
      if (left-- <= 0) throw new Error('the process died')
      return next()
    }
    expect((await send('', wanted, { key })).status).toBe(500)
    api.log.broken.append = undefined
    const repeated = await send('', wanted, { key })
    expect(repeated.status).toBe(201)
    expect((await send('/find', { identifier: 'ada' })).body).toEqual(repeated.body)
  })

  test('not over another: who has exactly these identifiers is named, and who has one of them is not', async () => {
    const { body: { account } } = await send('', wanted)
    const again = await send('', wanted)
    refused(again, 409, 'identifier_taken')
    expect(again.body.account).toBe(account)
    for (const identifiers of [['ada'], ['ada', 'ada@example.org'], ['ada', 'ada@example.com', phone]]) {
      const other = await send('', { ...wanted, identifiers })
      expect([other.status, other.body.code, other.body.account]).toEqual([409, 'identifier_taken', undefined])
    }
  })

  test.each<[string, object, number, string]>([
    ['an identifier that is none', { identifiers: ['@'] }, 400, 'identifier_malformed'],
    ['a contact that is none', { contacts: [{ channel: 'sms', address: 'ada@example.com' }] }, 400, 'contact_malformed'],
    ['a password that is too short', { password: 'short' }, 422, 'password_unacceptable'],
    ['a password that is who they are', { password: 'ada@example.com' }, 422, 'password_unacceptable'],
    ['a hash of an unknown kind', { password: undefined, passwordHash: '$unknown$hash' }, 422, 'password_unacceptable'],
    ['a password and a hash', { passwordHash: importedHash }, 400, 'malformed'],
    ['no identifier', { identifiers: [] }, 400, 'malformed'],
  ])('not with %s, which is said without quoting it', async (_, change, status, code) => {
    const reply = await send('', { ...wanted, ...change })
    refused(reply, status, code)
    expect(reply.body.detail).toEqual(expect.any(String))
    expect(JSON.stringify(reply.body)).not.toMatch(/"@"|"short"|unknown\$|ada@/)
  })
})

describe('Accounts are imported', () => {
  const accounts = [
    { identifiers: ['ada@example.com'], passwordHash: importedHash },
    { identifiers: ['@'] },
    { identifiers: ['bob@example.com', 'bob'], password },
    { identifiers: ['bob@example.com', 'bob'] },
    { identifiers: ['bob'] },
    { identifiers: ['eve'], password: 'short' },
  ]

  test('each with its own result, and a hash keeps its password', async () => {
    const imported = await send('/import', { accounts })
    expect([imported.status, imported.events.filter((type) => type === 'AccountRegistered')]).toEqual([200, ['AccountRegistered', 'AccountRegistered']])
    const [ada, bob] = [imported.body.results[0].account, imported.body.results[2].account]
    expect(imported.body.results).toEqual([
      { outcome: 'registered', account: expect.any(String), reason: null },
      { outcome: 'refused', account: null, reason: 'identifier 1 is neither an e-mail address, nor a phone number with its country code, nor a username' },
      { outcome: 'registered', account: expect.any(String), reason: null },
      { outcome: 'exists', account: bob, reason: null },
      { outcome: 'refused', account: null, reason: 'an identifier belongs to another account' },
      { outcome: 'refused', account: null, reason: 'the password is too short' },
    ])
    expect(await passwordOf('ada@example.com', 'pleaseletmein')).toBe(200)
    expect((await eventsOf(api.log, `account-${ada}`))[0]).toMatchObject({ data: { source: 'import' }, metadata: { actor: 'backend:crm' } })
  })

  test('once for each key, also after a crash in the middle', async () => {
    const key = newKey()
    const many = Array.from({ length: 20 }, (_, n) => ({ identifiers: [`person.${n}@example.com`] }))
    let left = 25
    api.log.broken.append = async (next) => {
      if (left-- <= 0) throw new Error('the process died')
      return next()
    }
    expect((await send('/import', { accounts: many }, { key })).status).toBe(500)
    api.log.broken.append = undefined
    refused(await send('/import', { accounts: many.slice(1) }, { key }), 422, 'key_reused')
    const repeated = await send('/import', { accounts: many }, { key })
    expect(repeated.body.results.map(({ outcome }: { outcome: string }) => outcome)).toEqual(many.map(() => 'registered'))
    const again = await send('/import', { accounts: many }, { key })
    expect([again.body, again.events]).toEqual([repeated.body, []])
  })

  test('not at all with a key that was used for others', async () => {
    const [key, unusable] = [newKey(), Array.from({ length: 20 }, () => ({ identifiers: ['@'] }))]
    await send('/import', { accounts: [...unusable, { identifiers: ['ada'] }] }, { key })
    refused(await send('/import', { accounts: [{ identifiers: ['bob'] }, ...unusable.slice(1), { identifiers: ['ada'] }] }, { key }), 422, 'key_reused')
  })

  test('at most a hundred at once', async () => {
    refused(await send('/import', { accounts: Array.from({ length: 101 }, () => ({ identifiers: ['ada'] })) }), 400, 'malformed')
  })
})

describe('Of an account that is there', () => {
  let account: string
  beforeEach(async () => {
    account = await api.register()
  })
  const contactsOf = ({ body }: Reply) => body.contacts.map(({ channel, address }: { channel: string; address: string }) => `${channel} ${address}`)

  test('the password is set, every session is over, and the passkeys on file are told', async () => {
    const before = await api.signedIn()
    const { passkey } = await api.withPasskey()
    api.pass(1)
    const set = await send(`/${account}/password`, { password: another })
    expect([set.status, set.events]).toEqual([200, ['PasswordSet', 'SessionsRevoked']])
    expect(set.body.passkeys).toEqual([
      { id: passkey, name: expect.any(String), provider: expect.toSatisfy((one) => one === null || typeof one === 'string'), aaguid: expect.any(String), status: 'active', createdAt: expect.any(String), backedUp: expect.any(Boolean) },
    ])
    refused(await before.refresh(before.tokens.refreshToken), 401, 'session_over')
    api.pass(1)
    expect(await passwordOf('ada@example.com', password)).toBe(403)
    expect(await passwordOf('ada@example.com', another)).toBe(200)
  })

  test('whoever is half through a login with the old password gets no further, and leaves no passkey', async () => {
    const login = await api.start()
    await login.step('password', { password })
    const credential = await api.credential(login)
    api.pass(1)
    await send(`/${account}/password`, { password: another })
    for (const [name, fields] of [['append', { credential }], ['append/options'], ['append/skip', { reason: 'declined' }]] as const) refused(await login.step(name, fields), 410, 'session_ended')
    expect((await show(account)).body.passkeys).toEqual([])
  })

  test('nor when the password is set at the very moment at which the passkey is written', async () => {
    const [login, other] = [await api.start(), await api.openNode()]
    await login.step('password', { password })
    const credential = await api.credential(login)
    api.pass(1)
    api.log.broken.append = async (next) => {
      api.log.broken.append = undefined
      expect((await api.post(`/v1/accounts/${account}/password`, { token: backendKey, body: { password: another } }, other.app)).status).toBe(200)
      return next()
    }
    expect((await login.step('append', { credential })).status).toBe(403)
    expect((await show(account)).body.passkeys).toEqual([])
  })

  test('the password is set to what a hash stands for', async () => {
    expect((await send(`/${account}/password`, { passwordHash: importedHash })).events).toEqual(['PasswordSet', 'SessionsRevoked'])
    expect(await passwordOf('ada@example.com', 'pleaseletmein')).toBe(200)
  })

  test.each([['too_short', { password: 'short' }], ['too_long', { password: 'é'.repeat(600) }], ['guessable', { password: 'Ada@Example.com' }], ['hash_unusable', { passwordHash: '$nothing' }]])('no password is set that is %s', async (reason, body) => {
    const reply = await send(`/${account}/password`, body)
    refused(reply, 422, 'password_unacceptable')
    expect(reply.body.reason).toBe(reason)
  })

  test('the password is set once for a key, and its repeat says the same, whatever came after', async () => {
    const key = newKey()
    const set = await send(`/${account}/password`, { password: another }, { key })
    await send(`/${account}/contacts`, { channel: 'sms', address: phone })
    const repeated = await send(`/${account}/password`, { password: another }, { key })
    expect([repeated.status, repeated.body, repeated.events]).toEqual([200, set.body, []])
    refused(await send(`/${account}/password`, { password: 'yet another password' }, { key }), 422, 'key_reused')
    refused(await send(`/${account}/disable`, undefined, { key }), 422, 'key_reused')
  })

  test('every change says which backend made it, and shows nothing of its key', async () => {
    await send(`/${account}/password`, { password: another })
    await send(`/${account}/mfa`, { enabled: true })
    const [set, ended, switched] = (await metadataOf(account)).slice(-3)
    for (const one of [set, ended, switched]) expect(one).toMatchObject({ actor: 'backend:crm', $correlationId: account, fingerprint: expect.stringMatching(/^[\w-]{43}$/) })
    expect([set?.type, ended?.type, switched?.type, set?.$causationId === ended?.$causationId]).toEqual(['PasswordSet', 'SessionsRevoked', 'MfaSwitched', true])
    expect(JSON.stringify(await metadataOf(account))).not.toContain(backendKey.slice(4))
  })

  test('a disabled one is signed in to by nobody until it is enabled, and every session is over for good', async () => {
    const before = await api.signedIn()
    api.pass(1)
    const disabled = await send(`/${account}/disable`)
    expect([disabled.status, disabled.body.status, disabled.events]).toEqual([200, 'disabled', ['AccountDisabled', 'SessionsRevoked']])
    expect((await send(`/${account}/disable`)).events).toEqual([])
    const login = await api.start()
    refused(await login.step('password', { password: 'wrong' }), 403, 'password_rejected', ['PasswordRejected'])
    const proved = await login.step('password', { password })
    expect([proved.status, proved.body.code]).toEqual([403, 'account_disabled'])
    const enabled = await send(`/${account}/enable`)
    expect([enabled.body.status, enabled.events]).toEqual(['active', ['AccountEnabled']])
    expect((await send(`/${account}/enable`)).events).toEqual([])
    refused(await before.refresh(before.tokens.refreshToken), 401, 'session_over')
    refused(await before.read(before.tokens.accessToken), 401, 'session_over')
    expect(await passwordOf('ada@example.com', password)).toBe(200)
  })

  test('MFA is switched', async () => {
    expect(await send(`/${account}/mfa`, { enabled: true })).toMatchObject({ status: 200, body: { mfa: true }, events: ['MfaSwitched'] })
    expect(await send(`/${account}/mfa`, { enabled: true })).toMatchObject({ status: 200, events: [] })
  })

  test('contacts are added and removed', async () => {
    const added = await send(`/${account}/contacts`, { channel: 'sms', address: '+43 660 1234567' })
    expect([added.status, contactsOf(added), added.events]).toEqual([200, ['email ada@example.com', `sms ${phone}`], ['ContactAdded']])
    expect(await send(`/${account}/contacts`, { channel: 'sms', address: phone })).toMatchObject({ status: 200, body: added.body, events: [] })
    refused(await send(`/${account}/contacts`, { channel: 'email', address: phone }), 400, 'contact_malformed')
    const { id } = added.body.contacts[1]
    const key = newKey()
    const removed = await remove(`/${account}/contacts/${id}`, { key })
    expect([removed.status, contactsOf(removed), removed.events]).toEqual([200, ['email ada@example.com'], ['ContactRemoved']])
    expect(await remove(`/${account}/contacts/${id}`, { key })).toMatchObject({ status: 200, body: removed.body, events: [] })
    refused(await remove(`/${account}/contacts/${id}`), 404, 'contact_unknown')
  })

  test('all sessions are ended, and a new one may begin', async () => {
    const before = await api.signedIn()
    api.pass(1)
    expect(await send(`/${account}/sessions/end`)).toMatchObject({ status: 200, events: ['SessionsRevoked'] })
    refused(await before.refresh(before.tokens.refreshToken), 401, 'session_over')
    api.pass(1)
    const later = await api.signedIn()
    expect((await later.refresh(later.tokens.refreshToken)).status).toBe(200)
  })

  test('a passkey is removed, for somebody who lost the device', async () => {
    const { passkey } = await api.withPasskey()
    const removed = await remove(`/${account}/passkeys/${passkey}`)
    expect([removed.status, removed.body.passkeys, removed.events]).toEqual([200, [], ['PasskeyRevoked']])
    expect(await remove(`/${account}/passkeys/${passkey}`)).toMatchObject({ status: 200, events: [] })
    refused(await remove(`/${account}/passkeys/unknown`), 404, 'passkey_unknown')
  })

  test('a lost answer of the log changes nothing', async () => {
    api.log.broken.append = losingAnswers(1)
    expect(await send(`/${account}/disable`)).toMatchObject({ status: 200, body: { status: 'disabled' }, events: ['AccountDisabled', 'SessionsRevoked'] })
  })
})

describe('The service API', () => {
  const commands: [string, unknown?][] = [
    ['/password', { password: another }], ['/disable'], ['/enable'], ['/mfa', { enabled: true }], ['/contacts', { channel: 'sms', address: phone }], ['/sessions/end'], ['/erase'],
  ]
  const removals = ['/contacts/one', '/passkeys/one']

  test('is for the company’s backends alone', async () => {
    const account = await api.register()
    const { tokens } = await api.signedIn()
    for (const token of [tokens.accessToken, `${backendKey}x`, backendKey.slice(0, -1), 'x']) {
      for (const [path, body] of [...commands.map(([path, body]) => [`/${account}${path}`, body] as const), ['', { identifiers: ['eve'] }], ['/find', { identifier: 'ada@example.com' }], ['/import', { accounts: [{ identifiers: ['eve'] }] }]] as const) {
        refused(await send(path, body, { token }), 401, 'backend_key_invalid')
      }
      for (const path of removals) refused(await remove(`/${account}${path}`, { token }), 401, 'backend_key_invalid')
      refused(await api.call('GET', `/v1/accounts/${account}`, { token }), 401, 'backend_key_invalid')
    }
    refused(await api.call('GET', `/v1/accounts/${account}`), 401, 'token_missing')
  })

  test('knows no account by another id', async () => {
    for (const unknown of [randomUUID(), 'nobody']) {
      for (const [path, body] of commands) refused(await send(`/${unknown}${path}`, body), 404, 'account_unknown')
      for (const path of removals) refused(await remove(`/${unknown}${path}`), 404, 'account_unknown')
      refused(await show(unknown), 404, 'account_unknown')
    }
    for (const identifier of ['nobody', '@']) refused(await send('/find', { identifier }), 404, 'account_unknown')
  })

  test('wants a key for whatever changes something', async () => {
    const account = await api.register()
    for (const [path, body] of commands) refused(await send(`/${account}${path}`, body, { key: undefined }), 400, 'idempotency_key_missing')
    for (const path of ['', '/import', '/find']) refused(await send(path, {}, { key: undefined }), 400, 'idempotency_key_missing')
    for (const path of removals) refused(await remove(`/${account}${path}`, { key: undefined }), 400, 'idempotency_key_missing')
  })
})
