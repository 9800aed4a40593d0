import { createHash, createSecretKey } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccess } from '../access/access.ts'
import { startProvider, type CompanyProvider } from '../access/testing-provider.ts'
import { Unavailable } from '../eventlog/event-log.ts'
import { openApi, password, refused, type Api, type Login } from './testing.ts'

let provider: CompanyProvider
let api: Api
let login: Login
let [auditor, admin] = ['', '']
const why = 'Ticket 4711'

beforeAll(async () => {
  provider = await startProvider({ people: {}, consoles: ['http://localhost'] })
  api = await openApi({ access: accessBy(provider) })
  ;[auditor, admin] = [await provider.sign({ sub: 'bob', groups: ['internal-audit'] }), await provider.sign({ sub: 'cyd', groups: ['platform'] })]
  await api.register()
  login = await api.start()
  await login.step('password', { password: 'wrong' })
  await login.step('password', { password })
})
afterAll(() => Promise.all([api.close(), provider.close()]))
beforeEach(() => void (api.world.time += 1000))

const accessBy = ({ settings }: CompanyProvider) =>
  createAccess({ settings: settings(), consoleUrl: 'http://localhost', secret: createSecretKey(createHash('sha256').update('a secret for tests').digest()), now: () => new Date() })
const get = (path: string, token = auditor) => api.call('GET', `/v1/audit/${path}`, { token })
const look = (body: object, token = admin) => api.call('POST', '/v1/audit/looks', { body: { stream: `session-${login.id}`, revision: 0, why, ...body }, token })

/** What was written down of looks, the newest last. */
async function acts() {
  const facts = []
  for await (const { stream, data, metadata } of api.log.readAll({ prefixes: ['audit-'] })) facts.push({ stream, actor: metadata.actor, ...data })
  return facts
}

describe('A login is replayed', () => {
  test('for auditors, who get no identity with it', async () => {
    const { status, body } = await get(`sessions/${login.id}`)
    expect([status, body.steps.map(({ event }: any) => event.type)]).toEqual([200, ['IdentifierEntered', 'PasswordRejected', 'PasswordVerified', 'AppendOffered']])
    expect(body.steps[0].sealed).toEqual([{ field: 'address', under: 'period', opens: true }, { field: 'identifier', under: 'period', opens: true }])
    expect(JSON.stringify(body)).not.toMatch(/ada@|192\.0\.2\.1/)
    expect((await get(`accounts/${api.world.account}`)).body).toMatchObject({ account: api.world.account, sessions: [{ session: login.id, offer: { outcome: 'offered' } }] })
  })

  test('as of a revision or a time, or not at all', async () => {
    expect((await get(`sessions/${login.id}?asOf=1`)).body).toMatchObject({ revision: 1, asOf: { revision: 1 }, next: ['password'] })
    refused(await get(`sessions/${login.id}?asOf=soon`), 400, 'malformed')
    refused(await get(`sessions/${login.id}?asOf=999`), 400, 'malformed')
    refused(await get(`sessions/${login.id}?asOf=2020-01-01`), 404, 'session_unknown')
    refused(await get(`accounts/${login.id}`), 404, 'account_unknown')
    refused(await get('accounts/none'), 404, 'account_unknown')
  })

  test('for nobody else', async () => {
    const analyst = await provider.sign({ groups: ['product-analytics'] })
    for (const path of [`sessions/${login.id}`, `accounts/${api.world.account}`, 'search']) refused(await get(path, analyst), 403, 'role_missing')
    refused(await look({}, analyst), 403, 'role_missing')
    refused(await get('search', ''), 401, 'operator_token_invalid')
    refused(await api.call('GET', '/v1/audit/search'), 401, 'token_missing')
  })
})

describe('A look at what is sealed', () => {
  test('is a fact before the answer: who, at what, and why', async () => {
    const { status, body } = await look({ fields: ['identifier'] })
    expect([status, body.opened]).toEqual([200, [{ field: 'identifier', value: 'ada@example.com' }]])
    expect((await acts()).at(-1)).toEqual({ stream: `audit-${body.look}`, actor: 'console:cyd', who: 'cyd', what: 'look', why, subject: `session-${login.id}`, revision: 0, fields: ['identifier'] })
    // Read again after the answer was on its way it would be no proof: the log refuses the fact, and nothing is shown.
    const before = await acts()
    api.log.broken.append = async (next, stream) => {
      if (stream.startsWith('audit-')) throw new Unavailable('the log is away')
      return next()
    }
    const failed = await look({}).finally(() => (api.log.broken.append = undefined))
    refused(failed, 503, 'log_unavailable')
    expect(JSON.stringify(failed.body)).not.toContain('ada@')
    expect(await acts()).toEqual(before)
  })

  test('opens one event, whole where no field is named, and of the account too', async () => {
    expect((await look({})).body.opened).toEqual([{ field: 'address', value: '192.0.2.1' }, { field: 'identifier', value: 'ada@example.com' }])
    expect((await look({ stream: `account-${api.world.account}` })).body.opened).toEqual([{ field: 'identifiers.0.value', value: 'ada@example.com' }])
    expect((await acts()).at(-1)).toMatchObject({ fields: ['identifiers.0.value'] })
  })

  test('takes the role that the configuration names', async () => {
    const before = await acts()
    const asked = await look({}, auditor)
    refused(asked, 403, 'role_missing')
    expect(asked.body.detail).toBe('admin')
    expect(await acts()).toEqual(before)
  })

  test('takes a reason, which must not say who it is about', async () => {
    const before = await acts()
    for (const bad of ['', 'x', 'about ada@example.com', 'two\nlines']) refused(await look({ why: bad }), 400, 'malformed')
    refused(await look({ why: undefined }), 400, 'malformed')
    expect(await acts()).toEqual(before)
  })

  test('opens no hash of a password, no key and nothing that is not there, and is no fact then', async () => {
    const before = await acts()
    refused(await look({ stream: `account-${api.world.account}`, revision: 1 }), 422, 'not_sealed')
    refused(await look({ stream: `account-${api.world.account}`, revision: 1, fields: ['hash'] }), 422, 'not_sealed')
    refused(await look({ fields: ['flowTokenHash'] }), 422, 'not_sealed')
    refused(await look({ revision: 1 }), 422, 'not_sealed')
    for (const stream of [`key-${api.world.account}`, 'session-none', `audit-${before.at(-1)?.stream}`]) refused(await look({ stream }), 404, 'event_unknown')
    refused(await look({ revision: 999 }), 404, 'event_unknown')
    expect(await acts()).toEqual(before)
  })

  test('does not come from a page elsewhere', async () => {
    refused(await api.call('POST', '/v1/audit/looks', { body: { stream: `session-${login.id}`, revision: 0, why }, headers: { cookie: 'keyledger-console=x', 'sec-fetch-site': 'cross-site' } }), 401, 'token_missing')
  })
})

describe('Somebody', () => {
  test('is found by an identifier for a reason, which is a fact whether or not there is an account', async () => {
    const find = (identifier: string, reason = why) => api.call('POST', '/v1/audit/accounts/find', { body: { identifier, why: reason }, token: auditor })
    expect((await find('Ada@Example.com')).body).toEqual({ account: api.world.account })
    expect((await acts()).at(-1)).toMatchObject({ who: 'bob', what: 'audit account', why, subject: `account-${api.world.account}` })
    const before = (await acts()).length
    refused(await find('nobody@example.com'), 404, 'account_unknown')
    const after = await acts()
    expect([after.length, JSON.stringify(after)]).toEqual([before + 1, expect.not.stringContaining('nobody@')])
    refused(await find('ada@example.com', 'is it ada@example.com?'), 400, 'malformed')
  })
})

describe('A search', () => {
  test('finds events, and says where it looked', async () => {
    const { body } = await get('search?type=PasswordRejected&reason=wrong_password&platform=ios&app=shop&from=2026-03-02&to=2026-03-03')
    expect(body).toMatchObject({ source: 'log', found: [{ session: login.id, account: api.world.account, app: 'shop', outcome: 'running', offer: 'offered', event: { revision: 1, type: 'PasswordRejected' } }], after: null })
    expect((await get('search?type=PasswordRejected&platform=android')).body.found).toEqual([])
    expect((await get('search?type=OperatorActed')).body.found[0].event.sentence).toMatch(/: look, session-/)
  })

  test('says what is wrong with the question', async () => {
    const wrong = { 'from=yesterday': 'from must be', 'type=Nothing': 'type must be', 'outcome=x': 'outcome must be', 'limit=0': 'limit must be', 'limit=1000': 'limit must be', 'after=x': 'after must be', 'colour=red': 'what is asked must be of', 'app=a&app=b': 'app is there twice', 'platform=os2': 'platform must be' }
    for (const [query, detail] of Object.entries(wrong)) {
      const reply = await get(`search?${query}`)
      refused(reply, 400, 'malformed')
      expect(reply.body.detail).toContain(detail)
    }
    refused(await get(`search?type=OperatorActed&after=${Buffer.from('{"p":"999999"}').toString('base64url')}`), 400, 'malformed')
  })
})

test('Of somebody who was forgotten a look shows that nothing is kept', async () => {
  const { body } = await look({ fields: ['identifier'] })
  expect(body.opened[0].value).toBe('ada@example.com')
  const key = 'k'.repeat(24)
  await api.engine.administration.erase({ actor: 'cli:test', secret: key, key }, api.world.account)
  const forgotten = await look({ stream: `account-${api.world.account}` })
  expect(forgotten.body.opened).toEqual([{ field: 'identifiers.0.value', value: null }])
  expect((await get(`accounts/${api.world.account}`)).body.status).toBe('erased')
})
