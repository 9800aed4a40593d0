import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import axe from 'axe-core'
import { Hono } from 'hono'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { facts } from '../domain/session/given.ts'
import { createAccess } from '../access/access.ts'
import { consoleKeyOf } from '../access/console-key.ts'
import { clientSecret, startProvider, type CompanyProvider } from '../access/testing-provider.ts'
import { openBrowser } from '../demo/testing-browser.ts'
import { login, registered } from '../projections/adoption/testing.ts'
import type { Question } from '../projections/adoption/question.ts'
import { serve, type Server } from '../serve.ts'
import { auditCases } from './audit-cases.ts'
import { createConsole, openAhead } from './console.ts'
import { openStage, someLogins, today, type Stage } from './testing-stage.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyledger-feed-'))
const feed = join(folder, 'security.ndjson')
let browser: Browser
let stage: Stage
const faults: string[] = []
beforeAll(async () => {
  ;[browser, stage] = await Promise.all([openBrowser(), openStage({ feeds: [{ file: feed }], ledger: { everySeconds: 60, everyEvents: 1, witnesses: [] } })])
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await stage?.close()
  rmSync(folder, { recursive: true })
})
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()))
  expect(faults.splice(0)).toEqual([])
  expect(stage.errors.splice(0)).toEqual([])
})

/** As in an engine that has counted nothing. */
const nothingYet = { catalogue: async () => ({ metrics: [], asOf: null }), ask: async () => undefined }
const pages = ['', '/trend', '/breakdowns', '/reasons', '/variants', '/steps']
const pictures = process.env['SCREENSHOTS']
const prove = Boolean(process.env['PROVE'])
async function look(page: Page, name: string): Promise<void> {
  if (!pictures) return
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `console-${name}.png`), fullPage: true })
}

/** Nothing of the page may go wrong. A page that says 4xx or 503 is told of by the browser as well. */
function watched(page: Page): Page {
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => message.type() === 'error' && !/status of (4\d\d|503)/.test(message.text()) && faults.push(message.text()))
  return page
}
const stranger = async (): Promise<Page> => watched(await (await browser.newContext({ locale: 'en-GB' })).newPage())
const signedIn = async (context: Parameters<Stage['signedIn']>[1] = {}): Promise<Page> => watched(await stage.signedIn(browser, context))
const go = (page: Page, path: string) => page.goto(`${stage.url}/console${path}`)

/** The page's own policy lets no script in from elsewhere, so it comes by the developer tools. */
async function violations(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source)
  const found = (await page.evaluate(`axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) })})`)) as { violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[] }
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))
}
const cells = (page: Page, section: string): Promise<string[][]> =>
  page.locator(`#${section} tbody tr`).evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => (cell as unknown as { textContent: string }).textContent.trim())))

describe('Before anybody signed in to an app', () => {
  test('the address that npm start prints lets one in, and keeps the key nowhere', async () => {
    const page = await stranger()
    const asked: string[] = []
    page.on('request', (request) => asked.push(`${request.url()} ${request.headers()['referer'] ?? ''}`))
    const exchange = page.waitForRequest((request) => request.method() === 'POST')
    await page.goto(`${stage.url}/console/reasons#${stage.keyledger.consoleKey}`)
    expect(await (await exchange).allHeaders()).toMatchObject({ origin: stage.url, referer: `${stage.url}/console/sign-in?to=%2Fconsole%2Freasons` })
    await page.locator('h1', { hasText: 'Reasons' }).waitFor()
    expect(page.url()).toBe(`${stage.url}/console/reasons`)
    expect(asked.join()).not.toContain('klc_')
    const cookies = await page.context().cookies()
    expect(cookies).toMatchObject([{ name: 'keyledger-console', httpOnly: true, sameSite: 'Lax', path: '/' }])
    // Neither there nor one step back, nor where one is signed in already, nor while the exchange hangs.
    await page.goBack()
    expect(page.url()).not.toContain('klc_')
    await page.goto(`${stage.url}/console#${stage.keyledger.consoleKey}`)
    await page.waitForURL(`${stage.url}/console`)
    await page.context().clearCookies()
    await page.route('**/console/sign-in', (route) => route.fulfill({ status: 204 }))
    await page.goto(`${stage.url}/console/reasons#${stage.keyledger.consoleKey}`, { waitUntil: 'commit' })
    await expect.poll(() => page.url()).toBe(`${stage.url}/console/sign-in?to=%2Fconsole%2Freasons`)
  })

  test('an empty console says how to fill it', async () => {
    const page = await signedIn()
    expect(await page.locator('#empty').innerText()).toMatch(/Nothing has been counted yet[^]*npm run demo:adoption[^]*npm run demo:web/)
    await look(page, 'empty')
    expect(await violations(page)).toEqual([])
  })

  test('a key that is wrong is said to be so, and one can sign out again', async () => {
    const page = await stranger()
    await go(page, '/trend?every=month')
    expect(page.url()).toBe(`${stage.url}/console/sign-in?to=%2Fconsole%2Ftrend%3Fevery%3Dmonth`)
    expect(await violations(page)).toEqual([])
    await page.fill('#key', 'klc_wrong')
    await page.keyboard.press('Enter')
    await page.getByText('This is not the key.').waitFor()
    await look(page, 'wrong-key')
    await page.fill('#key', stage.keyledger.consoleKey ?? '')
    await page.keyboard.press('Enter')
    await page.locator('h1', { hasText: 'Trend' }).waitFor()
    expect(page.url()).toBe(`${stage.url}/console/trend?every=month`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out').waitFor()
    await go(page, '/trend')
    expect(await page.title()).toContain('Sign in')
  })

  test('nobody is sent elsewhere by a link to the sign-in', async () => {
    const page = await stranger()
    for (const to of ['https://evil.example/', '//evil.example/console', '/\\evil.example', '/v1/access', 'javascript:alert(1)']) {
      await go(page, `/sign-in?to=${encodeURIComponent(to)}`)
      expect(await page.locator('input[name=to]').inputValue()).toBe('/console')
    }
  })

  test('a page elsewhere signs nobody in or out', async () => {
    const post = (path: string, headers: Record<string, string>) =>
      fetch(`${stage.url}/console${path}`, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams({ key: stage.keyledger.consoleKey ?? '' }) })
    const elsewhere: Record<string, string>[] = [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]
    for (const headers of elsewhere) {
      for (const path of ['/sign-in', '/sign-out']) {
        const answer = await post(path, headers)
        expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []])
      }
    }
    expect((await post('/sign-in', { origin: stage.url })).status).toBe(303)
  })
})

describe('With some months of logins', { timeout: 60_000 }, () => {
  beforeAll(() => stage.write(someLogins(45)))

  test('a table holds what the API answers under the same address', async () => {
    const page = await signedIn()
    await go(page, '/breakdowns?metric=creation-per-offer&by=offer&platform=ios')
    const { rows } = await stage.api('/v1/adoption/creation-per-offer?by=offer&platform=ios')
    expect(rows.length).toBeGreaterThan(1)
    const percent = (rate: number): string => `${(rate * 100).toFixed(1)}%`
    const shown = await cells(page, 'creation-per-offer-offer')
    expect(shown.map(([, , ...figures]) => figures.slice(0, 4))).toEqual(
      rows.map(({ people, values }: any) => (values ? [percent(values.rate), String(values.numerator), String(values.denominator), String(people)] : [])),
    )

    // As a file, by the link beside it, with the cookie alone.
    const [csv, json] = await page.locator('#creation-per-offer-offer .downloads a').evaluateAll((links) => links.map((link) => (link as unknown as { href: string }).href))
    const file = await (await page.request.get(csv ?? '')).text()
    expect(file).toContain('# Passkeys created per offer')
    expect(file.split('\r\n').filter((line) => line !== '' && !line.startsWith('#'))).toHaveLength(rows.length + 1)
    expect((await (await page.request.get(json ?? '')).json()).rows).toEqual(rows)
  })

  test('what a number means is said beside it', async () => {
    const page = await signedIn()
    const { definition, unit, denominator, asOf } = await stage.api('/v1/adoption/funnel')
    await page.locator('#funnel- summary').click()
    const said = await page.locator('#funnel- dl').innerText()
    for (const text of [definition, unit, denominator, `1 Mar 2026, ${asOf.slice(11, 19)} (UTC)`, 'fewer than 5 people']) expect(said).toContain(text)
  })

  test('the filters are the address: they survive a reload, and go along from page to page', async () => {
    const page = await signedIn()
    await go(page, '/trend')
    await page.selectOption('select[name=metric]', 'logins')
    await page.selectOption('select[name=every]', 'month')
    await page.getByLabel('Android', { exact: true }).check()
    await page.getByText('More filters').click()
    await page.getByLabel('App version', { exact: true }).fill('4.1.0, 4.2.0')
    await page.getByLabel('Time zone', { exact: true }).fill('Europe/Berlin')
    await page.getByRole('button', { name: 'Show' }).click()
    await page.waitForURL(/platform=android/)
    const address = new URL(page.url())
    expect(Object.fromEntries(address.searchParams)).toEqual({ metric: 'logins', every: 'month', platform: 'android', appVersion: '4.1.0, 4.2.0', timeZone: 'Europe/Berlin' })
    await page.reload()
    expect(await page.getByLabel('Android', { exact: true }).isChecked()).toBe(true)
    expect(await page.getByLabel('App version', { exact: true }).inputValue()).toMatch(/^4\.1\.0, ?4\.2\.0$/)
    await page.getByRole('link', { name: 'Reasons' }).click()
    await page.locator('h1', { hasText: 'Reasons' }).waitFor()
    expect(new URL(page.url()).searchParams.getAll('platform')).toEqual(['android'])
    expect(await page.getByLabel('Time zone', { exact: true }).inputValue()).toBe('Europe/Berlin')
  })

  test('what cannot be asked is named, and what was typed is still there', async () => {
    const page = await signedIn()
    const answer = await go(page, '/breakdowns?timeZone=Europe/Berlln&platform=ios&appVersion=4.1.0')
    expect(answer?.status()).toBe(400)
    expect(await page.getByRole('alert').innerText()).toBe('This cannot be asked. Time zone must be a name of the IANA time zone database, such as Europe/Berlin.')
    expect([await page.getByLabel('Time zone', { exact: true }).inputValue(), await page.getByLabel('App version', { exact: true }).inputValue(), await page.getByLabel('iOS', { exact: true }).isChecked()]).toEqual(['Europe/Berlln', '4.1.0', true])
    await look(page, 'fault')
    expect(await violations(page)).toEqual([])
    expect((await go(page, '/trend?metric=none'))?.status()).toBe(400)
    expect((await go(page, '/nowhere'))?.status()).toBe(404)
  })

  test('without a script it is all there, but for the lines', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await go(page, '/trend')
    await page.fill('#key', stage.keyledger.consoleKey ?? '')
    await page.click('button.main')
    await page.getByLabel('iOS', { exact: true }).check()
    await page.getByRole('button', { name: 'Show' }).click()
    expect(new URL(page.url()).search).toBe('?every=week&platform=ios')
    expect((await cells(page, 'activation-')).length).toBeGreaterThan(5)
    expect(await page.locator('.chart:visible').count()).toBe(0)
  })

  test('new figures come by themselves, take nobody’s place away, and can be held', async () => {
    const page = await signedIn()
    await page.clock.install()
    await page.reload()
    const counted = async (): Promise<string> => (await cells(page, 'funnel-'))[0]?.[2] ?? ''
    const before = Number(await counted())
    await page.locator('#funnel- summary').click()
    await page.locator('#funnel-people- summary').focus()

    const somebody = (person: number, at: string) => stage.write([[registered(person, at)], login(person, at, {}, facts.verified(), facts.withheld(), facts.completed())])
    await somebody(901, '2026-03-02T08:00:00.000Z')
    await page.clock.runFor(10_000)
    await expect.poll(counted).not.toBe(String(before))
    expect(await page.locator('#funnel- details').getAttribute('open')).toBe('')
    // Where somebody is with the keyboard nothing moves; the rest of the page is new.
    expect(await page.evaluate('document.activeElement.closest("section").id')).toBe('funnel-people-')

    await page.getByRole('button', { name: 'Live' }).click()
    const held = await counted()
    let asked = 0
    page.on('request', (request) => void (asked += Number(request.resourceType() === 'fetch')))
    await somebody(902, '2026-03-02T08:02:00.000Z')
    await page.clock.runFor(60_000)
    expect(await counted()).toBe(held)
    await page.getByRole('button', { name: 'Live' }).click()
    await expect.poll(counted).not.toBe(held)
    expect(asked).toBe(1)
  })

  test('it can be walked with the keyboard alone', async () => {
    const page = await signedIn()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the figures')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    const focused: string[] = []
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press('Tab')
      const [what, outline] = (await page.evaluate('(() => { const e = document.activeElement; return [e === document.body ? "" : e.id || e.name || e.textContent.trim().slice(0, 40), getComputedStyle(e).outlineStyle] })()')) as [string, string]
      if (what.includes('What is counted')) await page.keyboard.press('Enter')
      if (outline === 'none' && what !== '') focused.push(`${what} cannot be seen`)
    }
    expect(focused).toEqual([])
    expect(await page.locator('details.about[open]').count()).toBeGreaterThan(3)
  })

  test('nothing is in anybody’s way: in light and dark, at a desk and on a phone', async () => {
    const page = await signedIn({ colorScheme: 'light' })
    for (const path of pages) {
      await go(page, path)
      if (path === '/trend') await page.locator('#logins- canvas').waitFor()
      const name = path.slice(1) || 'overview'
      expect([path, await violations(page)]).toEqual([path, []])
      await look(page, `${name}-light`)
      await page.emulateMedia({ colorScheme: 'dark' })
      // The rest is the same page.
      expect([path, await violations(page, prove ? undefined : ['color-contrast'])]).toEqual([path, []])
      await look(page, `${name}-dark`)
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize({ width: 375, height: 700 })
      expect([path, await page.evaluate('document.documentElement.scrollWidth - innerWidth')]).toEqual([path, 0])
      if (prove) expect([path, await violations(page)]).toEqual([path, []])
      await look(page, `${name}-phone`)
      await page.setViewportSize({ width: 1280, height: 800 })
    }
  })

  test('the colours can be chosen, and stay chosen', async () => {
    const page = await signedIn({ colorScheme: 'light' })
    const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const light = await ground()
    await page.getByLabel('Colours').selectOption('dark')
    const dark = await ground()
    expect(dark).not.toBe(light)
    await go(page, '/steps')
    expect(await ground()).toBe(dark)
    await page.getByLabel('Colours').selectOption('system')
    expect(await ground()).toBe(light)
  })

  test('a page loads from here alone, and its files for good', async () => {
    const page = await signedIn()
    const loaded: [string, string | undefined][] = []
    page.on('response', (response) => loaded.push([response.url(), response.headers()['cache-control']]))
    const answer = await go(page, '/trend')
    expect(answer?.headers()['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    await page.locator('canvas').first().waitFor()
    const assets = loaded.filter(([url]) => url.includes('/assets/'))
    expect(loaded.filter(([url]) => !url.startsWith(stage.url) && !url.startsWith('data:'))).toEqual([])
    expect(assets.map(([url]) => /uplot\.[\w-]{16}\.js$/.test(url)).filter(Boolean)).toHaveLength(1)
    expect(new Set(assets.map(([, kept]) => kept))).toEqual(new Set(['public, max-age=31536000, immutable']))
  })
})

describe('Through the company’s provider', () => {
  let provider: CompanyProvider
  let server: Server
  let url: string
  beforeAll(async () => {
    // Where the console is has to be known before the provider sends anybody there.
    const site = new Hono()
    server = await serve(site, { host: '127.0.0.1', port: 0 })
    url = server.url
    provider = await startProvider({ people: { ada: ['product-analytics'], bob: ['internal-audit'] }, consoles: [url] })
    const access = createAccess({ settings: provider.settings(), clientSecret, consoleUrl: url, secret: createSecretKey(randomBytes(32)), now: () => new Date() })
    site.route('/console', createConsole({ access, adoption: nothingYet, apps: () => [], now: () => today, onError: (error) => stage.errors.push(error) }))
  })
  afterAll(async () => {
    await server?.close()
    await provider?.close()
  })
  const ours = async (page: Page): Promise<string[]> => (await page.context().cookies(url)).map(({ name }) => name).filter((name) => name.includes('keyledger'))
  async function signIn(login: string): Promise<Page> {
    const page = await stranger()
    // Its page has a font from elsewhere, which nothing here waits for.
    await page.route(({ hostname }) => hostname !== '127.0.0.1', (route) => route.fulfill({ body: '' }))
    await page.goto(`${url}/console/reasons?platform=ios`)
    expect(page.url()).toContain(provider.issuer)
    await page.fill('input[name=login]', login)
    await page.fill('input[name=password]', 'any will do')
    await page.getByRole('button', { name: 'Sign-in' }).click()
    await page.waitForURL(`${url}/console/**`)
    return page
  }

  test('somebody signs in and is where they were going; who signs out is not signed in again at once', async () => {
    const page = await signIn('ada')
    expect([page.url(), await page.locator('h1').innerText(), await page.locator('.who .name').innerText()]).toEqual([`${url}/console/reasons?platform=ios`, 'Reasons', 'ada of Northwind'])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out').waitFor()
    expect(await ours(page)).toEqual([])
  })

  test('who has another role is told which it takes, and sees nothing', async () => {
    const page = await signIn('bob')
    expect(await page.locator('main').innerText()).toMatch(/This page takes the role analyst. You are signed in as bob of Northwind, with the role auditor\./)
    expect(await page.getByRole('link', { name: 'Trend' }).count()).toBe(0)
    expect(await violations(page)).toEqual([])
  })

  test('an answer that nobody asked for signs nobody in', async () => {
    const page = await stranger()
    expect((await page.goto(`${url}/console/callback?code=x&state=y&iss=${encodeURIComponent(provider.issuer)}`))?.status()).toBe(400)
    expect(await page.locator('h1').innerText()).toBe('The sign-in did not succeed')
    expect(await ours(page)).toEqual([])
  })

  test('while it is away a page says so', async () => {
    const page = await stranger()
    provider.isAway(true)
    const access = createAccess({ settings: provider.settings(), consoleUrl: url, secret: createSecretKey(randomBytes(32)), now: () => new Date() })
    const app = new Hono().route('/console', createConsole({ access, adoption: nothingYet, apps: () => [], now: () => today, onError: (error) => stage.errors.push(error) }))
    const answer = await app.request('/console/sign-in')
    provider.isAway(false)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    await page.setContent(await answer.text())
    expect(await page.locator('h1').innerText()).toBe('The sign-in of your company is out of reach')
  })
})

test('In production without a provider the console is off, and says how to have it on', async () => {
  const access = createAccess({ consoleUrl: 'https://console.example', secret: createSecretKey(randomBytes(32)), now: () => new Date() })
  const app = new Hono().route('/console', createConsole({ access, adoption: nothingYet, apps: () => [], now: () => today, onError: () => {} }))
  for (const path of ['/console', '/console/trend', '/console/sign-in', '/console/callback']) {
    const answer = await app.request(path)
    expect([path, answer.status]).toEqual([path, 403])
    expect(await answer.text()).toContain('the configuration of the engine has no <code>access</code>')
  }
})

auditCases({ stage: () => stage, browser: () => browser, file: feed, faults })

test('A page says as of when the oldest of its figures are', async () => {
  const consoleKey = consoleKeyOf(randomBytes(32))
  const real = await stage.api('/v1/adoption/funnel')
  const ask = async (name: string) => ({ ...real, metric: name, asOf: name === 'withheld' ? '2026-02-27T10:00:00.000Z' : '2026-02-28T10:00:00.000Z' })
  const adoption = { catalogue: async () => ({ metrics: [], asOf: '2026-03-01T10:00:00.000Z' }), ask }
  const access = createAccess({ consoleKey, consoleUrl: 'https://console.example', secret: createSecretKey(randomBytes(32)), now: () => today })
  const app = new Hono().route('/console', createConsole({ access, adoption, apps: () => [], now: () => today, onError: () => {} }))
  const answer = await app.request('/console/reasons', { headers: { authorization: `Bearer ${consoleKey}` } })
  expect(await answer.text()).toMatch(/As of <time datetime="2026-02-27T10:00:00.000Z">/)
})

test('What the engine asks by itself after its start is what the pages ask as they open, one question at a time', async () => {
  const consoleKey = consoleKeyOf(randomBytes(32))
  const [real, catalogue] = [await stage.api('/v1/adoption/funnel'), await stage.api('/v1/adoption')]
  let [asked, running, most]: [string[], number, number] = [[], 0, 0]
  const adoption = {
    catalogue: async () => catalogue,
    ask: async (name: string, question: Question) => {
      asked.push(`${name} ${JSON.stringify(question)}`)
      most = Math.max(most, (running += 1))
      await new Promise(setImmediate)
      running -= 1
      return { ...real, metric: name, by: question.by }
    },
  }
  await openAhead(adoption, new AbortController().signal)
  const [ahead, atOnce] = [[...new Set(asked.splice(0))], most]
  const access = createAccess({ consoleKey, consoleUrl: 'https://console.example', secret: createSecretKey(randomBytes(32)), now: () => today })
  const app = new Hono().route('/console', createConsole({ access, adoption, apps: () => [], now: () => today, onError: () => {} }))
  for (const path of pages) expect((await app.request(`/console${path}`, { headers: { authorization: `Bearer ${consoleKey}` } })).status).toBe(200)
  expect([ahead.toSorted(), atOnce]).toEqual([[...new Set(asked)].toSorted(), 1])
  expect(ahead.length).toBeGreaterThan(25)
  // And nothing where nothing was counted.
  asked = []
  await openAhead({ ...adoption, catalogue: async () => ({ metrics: [], asOf: null }) }, new AbortController().signal)
  expect(asked).toEqual([])
})

// The last one: what the engine says of the outage may come late.
describe('While the figures cannot be read', () => {
  test('a page says so, and is back with them', async () => {
    const page = await signedIn()
    await stage.postgres.stop()
    const answer = await go(page, '/reasons?platform=ios')
    expect([answer?.status(), answer?.headers()['retry-after']]).toEqual([503, '5'])
    expect(await page.locator('#unavailable').innerText()).toMatch(/cannot be read now[^]*People sign in all the same/)
    await look(page, 'away')
    expect(await violations(page)).toEqual([])
    await stage.postgres.start()
    await expect.poll(async () => (await go(page, '/reasons?platform=ios'))?.status(), { timeout: 20_000 }).toBe(200)
    // The engine's own rounds met the outage too.
    stage.errors.splice(0)
  })
})
