import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../eventlog/event-log.ts'
import { backendKey, newKey, openApi, refused, serverPin, type Api, type Reply } from './testing.ts'

let api: Api
let account: string
beforeEach(async () => {
  api = await openApi({ policy: { pinKeptOn: 'server' } })
  account = await api.register({ identifiers: ['ada@example.com', 'ada'], locale: 'de' })
})
afterEach(() => api.close())

const ask = (query = '', of = account): Promise<Reply> => api.call('GET', `/v1/accounts/${of}/export${query}`, { token: backendKey })
const audited = async (): Promise<unknown[]> => {
  const acts: unknown[] = []
  for await (const { data } of api.log.readAll({ prefixes: ['audit-'] })) acts.push(data)
  return acts
}
const eventsOf = ({ facts }: { facts: { event: string }[] }): string[] => facts.map(({ event }) => event)

describe('What is kept of a person', () => {
  test('is given for them whole: what they have, and every login with what was seen and asked', async () => {
    const login = await api.loginAt('append', { identifier: 'Ada@Example.com', device: { platform: 'ios', model: 'iPhone17,1' } })
    const credential = await api.credential(login)
    await login.step('append', { credential })
    await login.step('otp/send', { channel: 'email' })
    await login.step('otp', { code: api.code() })
    await login.step('pin', { pin: serverPin })
    const completed = await login.step('biometrics', { enabled: true })
    const { accessToken, refreshToken } = completed.body.tokens
    await api.post(`/v1/passkeys/${credential.id}/name`, { token: accessToken, body: { name: 'My phone' } })
    await api.post(`${login.path}/refresh`, { body: { refreshToken } })
    const added = await api.post(`/v1/accounts/${account}/contacts`, { token: backendKey, body: { channel: 'email', address: 'ada@example.org' } })
    await api.call('DELETE', `/v1/accounts/${account}/contacts/${added.body.contacts[0].id}`, { token: backendKey, key: newKey() })
    // Somebody else, perhaps: it names the account all the same.
    await api.start({ identifier: 'ada' })

    const { status, body } = await ask('?why=Ticket%204711')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      account, status: 'active', locale: 'de', hasPassword: true,
      identifiers: [{ kind: 'email', value: 'ada@example.com' }, { kind: 'username', value: 'ada' }],
      contacts: [{ address: 'ada@example.com', removed: true }, { address: 'ada@example.org', removed: false }],
      passkeys: [{ name: 'My phone', status: 'active' }],
      installations: [{ pin: 'server', biometrics: true }],
      sessions: [
        { id: login.id, status: 'completed', platform: 'ios', identifier: 'ada@example.com', address: '192.0.2.1', deviceModel: 'iPhone17,1', userAgent: null, signedInBy: 'password' },
        { status: 'running', identifier: 'ada', signedInBy: null },
      ],
    })
    const [first] = body.sessions
    for (const event of ['AppendOffered', 'PasskeyAppended', 'OtpIssued', 'PinSet', 'TokensIssued', 'TokensRefreshed']) expect(eventsOf(first)).toContain(event)
    expect(first.facts.find(({ event }: { event: string }) => event === 'OtpIssued')).toMatchObject({ meaning: expect.stringContaining('code'), data: { destination: 'ada@example.com', channel: 'email' } })
    expect(body.facts.find(({ event }: { event: string }) => event === 'PasskeyRenamed').data.name).toBe('My phone')
    expect(await audited()).toEqual([{ who: 'backend:crm', what: 'accounts export', why: 'Ticket 4711', subject: `account-${account}` }])
  })

  test('holds nothing that tells whether a secret is right, and nothing that is still sealed', async () => {
    await api.loginAt('completed')
    const text = JSON.stringify((await ask()).body)
    expect(text).toContain('withheld')
    expect(text).not.toMatch(/\$argon2|"[ap]1\./)
    const flowToken = (await api.start()).flowToken
    expect(JSON.stringify((await ask()).body)).not.toContain(flowToken)
  })

  test('says of what aged that it is no longer kept, and logins of that time go on', async () => {
    const login = await api.loginAt('otp', { device: { platform: 'ios', model: 'iPhone17,1' } })
    await api.engine.vault.dropPeriod('2026-03')
    const { status, body } = await ask()
    expect([status, body.sessions]).toEqual([200, [expect.objectContaining({ identifier: null, address: null, deviceModel: null, signedInBy: 'password' })]])
    expect(body.sessions[0].facts[0].data).toMatchObject({ identifier: 'no longer kept', address: 'no longer kept' })
    expect(body.identifiers[0].value).toBe('ada@example.com')
    await login.step('otp/send', { channel: 'email' })
    expect((await login.step('otp', { code: api.code() })).status).toBe(200)
    expect((await login.read()).status).toBe(200)
    api.pass(31 * 86_400)
    expect((await (await api.loginAt('completed')).read()).status).toBe(200)
  })

  test('holds nothing of anybody else', async () => {
    const bob = await api.register({ identifiers: ['bob@example.com'] })
    await api.loginAt('completed', { identifier: 'bob@example.com' })
    const { body } = await ask()
    expect(JSON.stringify(body)).not.toMatch(new RegExp(`bob|${bob}`))
    expect(body.sessions).toEqual([])
  })
})

describe('Nothing is opened', () => {
  test('before it is written down that it was asked for', async () => {
    api.log.broken.append = async () => Promise.reject(new Unavailable('the log is away'))
    refused(await ask(), 503, 'log_unavailable')
    api.log.broken.append = undefined
    expect(await audited()).toEqual([])
  })

  test('for a reason that would keep who it was', async () => {
    const reply = await ask('?why=ada%40example.com%20asks')
    refused(reply, 400, 'malformed')
    expect(JSON.stringify(reply.body)).not.toContain('ada')
    expect(await audited()).toEqual([])
  })

  test('of somebody who is not there, or was forgotten', async () => {
    refused(await ask('', '5e0c4a8a-7f0a-5d3c-9c55-0b8a3f1c2e47'), 404, 'account_unknown')
    await api.post(`/v1/accounts/${account}/erase`, { token: backendKey, key: newKey() })
    refused(await ask(), 410, 'forgotten')
    expect(await audited()).toEqual([])
  })
})
