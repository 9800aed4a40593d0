import { createSecretKey, randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { generateKeyPair, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { thrown } from '../http/problems.ts'
import { SignInRefused } from './access-denied.ts'
import { createAccess, whoIs, type AccessDependencies } from './access.ts'
import { consoleKeyOf } from './console-key.ts'
import { createCookies } from './cookies.ts'
import { audience, clientSecret, startProvider, type CompanyProvider } from './testing-provider.ts'

const consoleUrl = 'http://localhost:8787'
const secret = createSecretKey(randomBytes(32))
let provider: CompanyProvider
beforeAll(async () => {
  provider = await startProvider({ people: { ada: ['product-analytics', 'everybody'], bob: ['internal-audit'], cyd: ['platform'], dan: ['everybody'] }, consoles: [consoleUrl, 'https://console.example'] })
})
afterAll(() => provider.close())

/** What is served with it: a route for analysts, and the way in. */
function open(dependencies: Partial<AccessDependencies> = {}) {
  const clock = { time: Date.now() }
  const errors: unknown[] = []
  const access = createAccess({ settings: provider.settings(), clientSecret, consoleUrl, secret, now: () => new Date(clock.time), ...dependencies })
  const app = new Hono()
    .all('/figures', access.requireRole('analyst'), (c) => c.json(whoIs(c)))
    .get('/console/sign-in', async (c) => c.redirect(await access.askProvider(c, '/console/funnel?platform=ios'), 303))
    .get('/console/callback', async (c) => c.redirect(await access.takeAnswer(c), 303))
    .post('/console/key', async (c) => c.json(await access.takeKey(c, await c.req.text())))
    .post('/console/sign-out', (c) => (access.signOut(c), c.body(null, 204)))
    .onError((error, c) => (error instanceof SignInRefused ? c.text(error.message, 400) : thrown(c, error, (one) => errors.push(one))))
  const url = dependencies.consoleUrl ?? consoleUrl
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET', body?: string) => app.request(`${url}${path}`, { method, headers: { host: new URL(url).host, ...headers }, ...(body !== undefined && { body }) })
  const read = async (headers: Record<string, string>, method?: string): Promise<[number, unknown]> => {
    const answer = await get('/figures', headers, method)
    const body = (await answer.json()) as { code?: string }
    return [answer.status, body.code ?? body]
  }
  const bearer = (token: string) => read({ authorization: `Bearer ${token}` })
  return { clock, errors, get, read, bearer }
}
const cookieOf = (answer: Response): string => answer.headers.getSetCookie().map((one) => one.split(';')[0]).filter((one) => !one?.endsWith('=')).join('; ')

/** As a browser does it. */
async function signIn({ get }: ReturnType<typeof open>, login: string) {
  const begun = await get('/console/sign-in')
  const asking = cookieOf(begun)
  const back = new URL(await provider.signIn(begun.headers.get('location') ?? '', login))
  const answer = await get(`${back.pathname}${back.search}`, { cookie: asking })
  return { begun, asking, back, answer, cookie: cookieOf(answer) }
}

describe('By the provider', () => {
  test('somebody signs in, comes back to where they were going, and may what their role may', async () => {
    const here = open()
    const { begun, answer, cookie } = await signIn(here, 'ada')
    const asked = new URL(begun.headers.get('location') ?? '').searchParams
    expect([asked.get('response_type'), asked.get('code_challenge_method'), asked.get('redirect_uri')]).toEqual(['code', 'S256', `${consoleUrl}/console/callback`])
    expect([asked.get('state')?.length, asked.get('nonce')?.length, asked.get('code_challenge')?.length]).toEqual([43, 43, 43])
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/console/funnel?platform=ios'])
    expect(await here.read({ cookie })).toEqual([200, { subject: 'ada', name: 'ada of Northwind', roles: ['analyst'] }])
  })

  test.each([['bob', 403, 'role_missing'], ['dan', 403, 'role_missing'], ['cyd', 200, { subject: 'cyd', name: 'cyd of Northwind', roles: ['admin'] }]])('%s, who is no analyst, is answered %i', async (login, status, body) => {
    const here = open()
    expect(await here.read({ cookie: (await signIn(here, login)).cookie })).toEqual([status, body])
  })

  test('the cookie can be read by nobody, and not be made into another one', async () => {
    const here = open()
    const { answer, cookie } = await signIn(here, 'ada')
    const [set = ''] = answer.headers.getSetCookie().filter((one) => one.startsWith('keyledger-console='))
    expect(set).toMatch(/; Max-Age=28800; Path=\/; HttpOnly; SameSite=Lax$/)
    const parts = cookie.split('.')
    expect(parts).toHaveLength(5)
    expect(parts.map((part) => Buffer.from(part, 'base64url').toString('latin1')).join()).not.toMatch(/ada|analyst/)
    const changed = [...parts.slice(0, 3), `${parts[3]?.startsWith('A') ? 'B' : 'A'}${parts[3]?.slice(1)}`, parts[4]].join('.')
    expect(await here.read({ cookie: changed })).toEqual([401, 'token_missing'])
    expect(await open({ secret: createSecretKey(randomBytes(32)) }).read({ cookie })).toEqual([401, 'token_missing'])
    expect(await open({ settings: provider.settings({ clientId: 'another' }) }).read({ cookie })).toEqual([401, 'token_missing'])
  })

  test('over https the cookie goes nowhere else', async () => {
    const here = open({ consoleUrl: 'https://console.example' })
    const { answer, cookie } = await signIn(here, 'ada')
    expect(answer.headers.getSetCookie().at(-1)).toMatch(/^__Host-keyledger-console=.*; Max-Age=28800; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    expect((await here.read({ cookie }))[0]).toBe(200)
    expect(await here.read({ cookie: cookie.replace('__Host-', '') })).toEqual([401, 'token_missing'])
  })

  test('after eight hours it is over, and after a sign-out too', async () => {
    const here = open()
    const { cookie } = await signIn(here, 'ada')
    here.clock.time += 8 * 3_600_000 - 5_000
    expect((await here.read({ cookie }))[0]).toBe(200)
    here.clock.time += 6_000
    expect(await here.read({ cookie })).toEqual([401, 'token_missing'])
    expect((await here.get('/console/sign-out', { cookie }, 'POST')).headers.getSetCookie()).toEqual([expect.stringMatching(/^keyledger-console=; Max-Age=0; Path=\/; HttpOnly; SameSite=Lax$/)])
  })

  test('an answer is taken once, and in the browser that asked', async () => {
    const here = open()
    const { asking, back, answer } = await signIn(here, 'ada')
    expect(answer.headers.getSetCookie().some((one) => one.startsWith('keyledger-sign-in=;'))).toBe(true)
    const again = async (cookie: string, search = back.search) => {
      const { status, headers } = await here.get(`/console/callback${search}`, { cookie })
      return [status, headers.getSetCookie()]
    }
    const refused = [400, []]
    expect(await again('')).toEqual(refused)
    // Also where the cookie was kept: the provider takes a code once.
    expect(await again(asking)).toEqual(refused)
    const other = await here.get('/console/sign-in')
    expect(await again(cookieOf(other))).toEqual(refused)
    const stranger = await provider.signIn(other.headers.get('location') ?? '', 'cyd')
    expect(await again(asking, new URL(stranger).search)).toEqual(refused)
    expect(await again(cookieOf(other), new URL(stranger).search.replace(encodeURIComponent(provider.issuer), encodeURIComponent('https://other.example')))).toEqual(refused)
    expect(await again(cookieOf(other), '?error=access_denied&state=x')).toEqual(refused)
    expect((await again(cookieOf(other), new URL(stranger).search))[0]).toBe(303)
  })

  test('what the provider says of somebody is believed by its signature alone', async () => {
    const here = open()
    provider.publishesOtherKeys(true)
    const { answer } = await signIn(here, 'ada')
    provider.publishesOtherKeys(false)
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([400, []])
  })

  test('a console key that lies about opens nothing', async () => {
    const consoleKey = consoleKeyOf(randomBytes(32))
    const here = open({ consoleKey })
    expect(await (await here.get('/console/key', {}, 'POST', consoleKey)).json()).toBe(false)
    expect(await here.bearer(consoleKey)).toEqual([401, 'operator_token_invalid'])
  })

  test('who takes ten minutes to sign in begins again', async () => {
    const here = open()
    const begun = await here.get('/console/sign-in')
    const back = new URL(await provider.signIn(begun.headers.get('location') ?? '', 'ada'))
    here.clock.time += 601_000
    expect((await here.get(`/console/callback${back.search}`, { cookie: cookieOf(begun) })).status).toBe(400)
  })

  test('a page elsewhere cannot have anything changed with the cookie', async () => {
    const here = open()
    const { cookie } = await signIn(here, 'ada')
    expect((await here.read({ cookie, 'sec-fetch-site': 'same-origin' }, 'POST'))[0]).toBe(200)
    expect((await here.read({ cookie, origin: consoleUrl }, 'POST'))[0]).toBe(200)
    const elsewhere: Record<string, string>[] = [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site', origin: consoleUrl }, { origin: 'https://evil.example' }, { origin: 'null' }, {}]
    for (const from of elsewhere) {
      expect(await here.read({ cookie, ...from }, 'POST')).toEqual([401, 'token_missing'])
    }
  })
})

describe('By a bearer token', () => {
  test('of the provider a script reads what its role may', async () => {
    expect(await open().bearer(await provider.accessToken())).toEqual([200, { subject: 'nightly', roles: ['analyst'] }])
    expect(await open().bearer(await provider.sign({}))).toEqual([200, { subject: 'ada', roles: ['analyst'] }])
    expect(await open().bearer(await provider.sign({ aud: ['another', audience] }))).toEqual([200, expect.anything()])
  })

  const now = Math.floor(Date.now() / 1000)
  test.each<[string, () => Promise<string>]>([
    ['of another issuer', () => provider.sign({ iss: 'https://other.example' })],
    ['for somebody else', () => provider.sign({ aud: 'https://shop.example' })],
    ['for the console as a client', () => provider.sign({ aud: 'console' })],
    ['that is expired', () => provider.sign({ exp: now - 31 })],
    ['that never expires', () => provider.sign({ exp: undefined })],
    ['that does not hold yet', () => provider.sign({ nbf: now + 60 })],
    ['of nobody', () => provider.sign({ sub: undefined })],
    ['that is an ID token', () => provider.sign({}, { typ: 'JWT' })],
    ['without a type', () => provider.sign({}, { typ: undefined })],
    ['of a key of the same name', async () => provider.sign({}, {}, (await generateKeyPair('ES256')).privateKey)],
    ['of a key that nobody published', () => provider.sign({}, { kid: 'two' })],
    ['that is not signed', async () => new UnsecuredJWT({ iss: provider.issuer, aud: audience, sub: 'ada', groups: ['platform'], exp: now + 60 }).encode()],
    ['that is none', async () => 'klc_x'],
  ])('one %s is refused', async (_, token) => {
    const here = open()
    expect(await here.bearer(await token())).toEqual([401, 'operator_token_invalid'])
    expect(here.errors).toEqual([])
  })

  test('a role that is not mapped gives nothing', async () => {
    expect(await open().bearer(await provider.sign({ groups: ['analyst'] }))).toEqual([403, 'role_missing'])
    expect(await open().bearer(await provider.sign({ groups: { 0: 'platform' } }))).toEqual([403, 'role_missing'])
  })

  test('the claim may lie deeper, and its name may be a URL', async () => {
    const deep = open({ settings: provider.settings({ roleClaim: 'realm_access.roles' }) })
    expect((await deep.bearer(await provider.sign({ realm_access: { roles: ['platform'] } })))[0]).toBe(200)
    const url = open({ settings: provider.settings({ roleClaim: 'https://northwind.example/roles' }) })
    expect((await url.bearer(await provider.sign({ 'https://northwind.example/roles': 'everybody platform' })))[0]).toBe(200)
    expect(await open({ settings: provider.settings({ roleClaim: 'constructor.name' }) }).bearer(await provider.sign({}))).toEqual([403, 'role_missing'])
  })

  test('where the provider gives access tokens no type of their own, the audience tells them from ID tokens', async () => {
    const here = open({ settings: provider.settings({ tokenType: 'JWT' }) })
    expect((await here.bearer(await provider.sign({}, { typ: 'JWT' })))[0]).toBe(200)
    expect(await here.bearer(await provider.sign({ aud: 'console' }, { typ: 'JWT' }))).toEqual([401, 'operator_token_invalid'])
    expect(() => provider.settings({ tokenType: 'JWT', audience: 'console' })).toThrow('must not be clientId')
  })

  test('what goes wrong in the header is the caller\'s to know', async () => {
    const answer = await open().get('/figures')
    expect([answer.status, answer.headers.get('www-authenticate'), answer.headers.get('content-type')]).toEqual([401, 'Bearer', 'application/problem+json'])
    expect(await open().read({ authorization: 'Basic eDp5' })).toEqual([401, 'operator_token_invalid'])
    expect(await (await open().get('/figures', { authorization: `Bearer ${await provider.sign({ groups: [] })}` })).json()).toMatchObject({ code: 'role_missing', detail: 'analyst' })
  })
})

describe('While the provider is away', () => {
  test('nobody is told that their token is bad, and it is asked once a second at most', async () => {
    const [token, before] = [await provider.sign({}), provider.asked()]
    const here = open()
    provider.isAway(true)
    try {
      expect(await Promise.all([1, 2, 3].map(() => here.bearer(token)))).toEqual([1, 2, 3].map(() => [503, 'identity_provider_unavailable']))
      expect(await here.bearer(token)).toEqual([503, 'identity_provider_unavailable'])
      expect(provider.asked() - before).toBe(1)
      const answer = await here.get('/console/sign-in')
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    } finally {
      provider.isAway(false)
    }
    here.clock.time += 1_001
    expect((await here.bearer(token))[0]).toBe(200)
    expect(here.errors).toEqual([])
  })

  test('its keys that are known still hold, for an hour and longer', async () => {
    const here = open()
    expect((await here.bearer(await provider.sign({})))[0]).toBe(200)
    provider.isAway(true)
    try {
      here.clock.time += 3_600_001
      const token = await provider.sign({ exp: Math.floor(here.clock.time / 1000) + 60 })
      expect((await here.bearer(token))[0]).toBe(200)
      expect((await here.bearer(token))[0]).toBe(200)
    } finally {
      provider.isAway(false)
    }
  })

  test('a sign-in that was begun is finished later', async () => {
    const here = open()
    const begun = await here.get('/console/sign-in')
    const back = new URL(await provider.signIn(begun.headers.get('location') ?? '', 'ada'))
    const take = () => here.get(`/console/callback${back.search}`, { cookie: cookieOf(begun) })
    provider.isAway(true)
    const away = await take()
    provider.isAway(false)
    expect([away.status, away.headers.getSetCookie()]).toEqual([503, []])
    expect((await take()).status).toBe(303)
  })

  test('one that calls itself something else is none', async () => {
    expect(await open({ settings: provider.settings({ issuer: provider.issuer.replace('127.0.0.1', 'localhost') }) }).bearer('a.b.c')).toEqual([503, 'identity_provider_unavailable'])
  })
})

test('A cookie that was made for something else does not open', async () => {
  const cookies = createCookies({ secret, of: 'test', secure: false, now: () => new Date() })
  const kind = (purpose: string) => ({ purpose, seconds: 60, schema: z.object({ name: z.string() }) })
  const app = new Hono()
    .get('/set', async (c) => (await cookies.set(c, kind('one'), { name: 'ada' }), c.body(null)))
    .get('/get/:purpose', async (c) => c.json((await cookies.get(c, kind(c.req.param('purpose')))) ?? null))
  const cookie = cookieOf(await app.request('/set'))
  const get = async (purpose: string) => (await app.request(`/get/${purpose}`, { headers: { cookie: cookie.replace('-one=', `-${purpose}=`) } })).json()
  expect([await get('one'), await get('two')]).toEqual([{ name: 'ada' }, null])
})

describe('Without a provider', () => {
  const consoleKey = consoleKeyOf(randomBytes(32))
  test('the console key opens everything, for a script and in a browser', async () => {
    const here = open({ settings: undefined, consoleKey })
    const holder = { subject: 'console-key', roles: ['admin'] }
    expect(await here.bearer(consoleKey)).toEqual([200, holder])
    expect(await here.bearer(`${consoleKey.slice(0, -1)}`)).toEqual([401, 'operator_token_invalid'])
    const wrong = await here.get('/console/key', {}, 'POST', 'klc_x')
    expect([await wrong.json(), wrong.headers.getSetCookie()]).toEqual([false, []])
    const right = await here.get('/console/key', {}, 'POST', consoleKey)
    expect(await right.json()).toBe(true)
    expect(await here.read({ cookie: cookieOf(right) })).toEqual([200, holder])
    expect(await open({ settings: undefined, consoleKey: consoleKeyOf(randomBytes(32)) }).read({ cookie: cookieOf(right) })).toEqual([401, 'token_missing'])
  })

  test('behind a proxy with https the cookie goes nowhere else', async () => {
    const here = open({ settings: undefined, consoleKey })
    const set = await here.get('/console/key', { origin: 'https://console.example' }, 'POST', consoleKey)
    expect(set.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-keyledger-console=.*; Secure;/)])
    expect((await here.read({ cookie: cookieOf(set) }))[0]).toBe(200)
  })

  test('and without a key nobody may look, whatever they bring', async () => {
    const here = open({ settings: undefined })
    expect(await here.bearer(consoleKey)).toEqual([403, 'access_not_configured'])
    expect(await here.read({})).toEqual([403, 'access_not_configured'])
    expect(await here.bearer('klc_undefined')).toEqual([403, 'access_not_configured'])
  })
})
