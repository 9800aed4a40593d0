import { createHash, createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import axe from 'axe-core'
import { Hono } from 'hono'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { createAccess, type Access } from '../access/access.ts'
import type { Role } from '../access/roles.ts'
import { Misuse } from '../cli/misuse.ts'
import { searchLog, showPerson, showSession } from '../cli/replays.ts'
import { actions } from '../domain/session/vocabulary.ts'
import { createLines } from '../feeds/lines.ts'
import { faultsOf } from '../feeds/testing-ocsf.ts'
import { openDatabase } from '../projections/database.ts'
import { createFeedRows } from '../projections/feeds.ts'
import { searchSessionsOf } from '../replay/account-replay.ts'
import { createFeeds } from '../reactions/feeds.ts'
import { createReplays } from '../replay/replays.ts'
import { readSearch } from '../replay/search-question.ts'
import { createConsole } from './console.ts'
import { today, type Stage } from './testing-stage.ts'

const password = 'correct horse battery staple'
const pictures = process.env['SCREENSHOTS']
const prove = Boolean(process.env['PROVE'])

/**
 * What auditors see of the engine that `console.test.ts` has running, since engine, database and browser take longer to start than these to look at. `file`: where its
 * feed goes. `faults`: what went wrong on a page.
 */
export function auditCases({ stage: openedStage, browser: openedBrowser, file, faults }: { stage: () => Stage; browser: () => Browser; file: string; faults: string[] }): void {
  describe('For auditors', () => {
    let stage: Stage
    let browser: Browser
    let account: string
    let session: string
    let key: Awaited<ReturnType<ReturnType<Page['context']>['cookies']>>

    beforeAll(async () => {
      ;[stage, browser] = [openedStage(), openedBrowser()]
      const { engine } = stage.keyledger
      const registered = await engine.accounts.register({ source: 'added', identifiers: ['ada@example.com'], password: { plain: password } }, 'cli:test')
      if (registered.outcome !== 'registered') throw new Error(registered.outcome)
      account = registered.account
      session = await login()
      key = await (await stage.signedIn(browser)).context().cookies()
    })

    /** Somebody types a wrong password, then the right one, and stops at the offer. @returns the session */
    async function login(): Promise<string> {
      const flow = randomBytes(32).toString('base64url')
      const post = async (path: string, body: object) =>
        (await fetch(`${stage.url}/v1/sessions${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${flow}`, 'idempotency-key': randomUUID() },
          body: JSON.stringify(body),
        })).json() as Promise<any>
      const flowChallenge = createHash('sha256').update(flow).digest('base64url')
      const { session: { id } } = await post('', { app: 'shop', installation: randomUUID(), flowChallenge, supports: actions, identifier: 'ada@example.com', device: { platform: 'ios', model: 'Northwind Phone 12' } })
      await post(`/${id}/password`, { password: 'wrong' })
      await post(`/${id}/password`, { password })
      return id as string
    }

    async function look(page: Page, name: string): Promise<void> {
      if (!pictures) return
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `audit-${name}.png`), fullPage: true })
    }
    function watched(page: Page): Page {
      page.on('pageerror', (error) => faults.push(error.message))
      page.on('console', (message) => message.type() === 'error' && !/status of (4\d\d|503)/.test(message.text()) && faults.push(message.text()))
      return page
    }
    async function signedIn(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
      const context = await browser.newContext({ locale: 'en-GB', ...options })
      await context.addCookies(key)
      return watched(await context.newPage())
    }
    const go = (page: Page, path: string) => page.goto(`${stage.url}/console/audit${path}`)
    async function violations(page: Page, rules?: string[]): Promise<string[]> {
      if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe.source)
      const found = (await page.evaluate(`axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) })})`)) as { violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[] }
      return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))
    }
    async function acts() {
      const facts = []
      for await (const { stream, data } of stage.keyledger.log.readAll({ prefixes: ['audit-'] })) facts.push({ stream, ...data } as Record<string, unknown>)
      return facts
    }
    /** Everything that was written is in the rows, and signed. */
    async function settled(): Promise<void> {
      for (let looks = 0; looks < 500; looks += 1) {
        const { steps } = await stage.api(`/v1/audit/sessions/${session}`)
        if (steps.every(({ ledger }: any) => ledger?.checkpoint > 0) && (await stage.api('/v1/audit/search?type=PasswordRejected')).found.some((one: any) => one.session === session)) return
        await sleep(20)
      }
      throw new Error('rows and ledger did not catch up')
    }

    describe('A timeline', () => {
      test('is reached from the search, and says of every step what was proved, decided and changed, and that it is signed', async () => {
        await settled()
        const page = await signedIn()
        await go(page, '')
        expect(await page.getByRole('navigation').locator('[aria-current]').innerText()).toBe('Audit')
        await page.locator('#found').waitFor()
        await page.locator(`table a[href="/console/audit/sessions/${session}"]`).first().click()
        await page.locator('h1', { hasText: 'A login, step by step' }).waitFor()
        expect(page.url()).toBe(`${stage.url}/console/audit/sessions/${session}`)
        const steps = page.locator('.timeline > li')
        expect(await steps.locator('h3').allInnerTexts()).toEqual([
          'A login to shop on ios began with an identifier of an account with 0 passkeys',
          'A password was refused: wrong password; 29 attempts left',
          'The password is that of the account',
          'A passkey was offered, offer 1 to this account, at login error',
        ])
        expect(await steps.nth(2).innerText()).toMatch(/app:shop[^]*Proved\s*password: it holds. it fits the hash[^]*Decided[^]*the account demands no second factor[^]*proof null[^]*password[^]*Legal next\s*append_options[^]*covered by checkpoint \d+/)
        expect(await page.locator('.facts').innerText()).toMatch(/all 4 events are covered by a checkpoint/)
        expect(await page.locator('main').innerText()).not.toContain('ada@')
        await steps.nth(0).getByText('The event as it is stored').click()
        const stored = JSON.parse(await steps.nth(0).locator('pre').first().innerText()) as { id: string }
        for await (const { id } of stage.keyledger.log.read(`session-${session}`)) {
          expect(stored.id).toBe(id)
          break
        }
      })

      test('is as it was at a revision or a moment, by its address', async () => {
        const page = await signedIn()
        await go(page, `/sessions/${session}`)
        await page.locator('#session-1').getByRole('link', { name: /As of here/ }).click()
        expect(page.url()).toContain('?asOf=1')
        expect(await page.locator('.timeline > li').count()).toBe(2)
        await page.fill('input[name=asOf]', 'yesterday')
        await page.getByRole('button', { name: 'Look back' }).click()
        await page.locator('#fault').waitFor()
        expect(await page.locator('input[name=asOf]').inputValue()).toBe('yesterday')
      })

      test('has nothing that axe-core finds, in light and dark, at a desk and on a phone', async () => {
        const page = await signedIn({ colorScheme: 'light' })
        // What a search and a person have is in a login too.
        const all = [['session', `/sessions/${session}`], ...(prove || pictures ? [['events', '?type=AppendSkipped&from=2026-01-01'], ['account', `/accounts/${account}`]] : [])]
        for (const [name = '', path = ''] of all) {
          await page.setViewportSize({ width: 1280, height: 900 })
          await page.emulateMedia({ colorScheme: 'light' })
          await go(page, path)
          if (name === 'session') for (const details of await page.locator('.look > summary, #session-2 details > summary').all()) await details.click()
          expect([name, await violations(page)]).toEqual([name, []])
          await look(page, `${name}-light-1280`)
          await page.emulateMedia({ colorScheme: 'dark' })
          expect([name, await violations(page, ['color-contrast'])]).toEqual([name, []])
          await look(page, `${name}-dark-1280`)
          await page.setViewportSize({ width: 375, height: 900 })
          expect([name, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([name, 375])
          await page.emulateMedia({ colorScheme: 'light' })
          await look(page, `${name}-light-375`)
        }
      })

      test('can be walked through by keyboard alone', async () => {
        const page = await signedIn()
        await go(page, `/sessions/${session}`)
        await page.keyboard.press('Tab')
        await page.keyboard.press('Enter')
        expect(await page.evaluate('document.activeElement.id')).toBe('main')
        const reached: string[] = []
        for (let tabs = 0; tabs < 12; tabs += 1) {
          await page.keyboard.press('Tab')
          reached.push(await page.evaluate('document.activeElement.textContent.trim()'))
          if (reached.at(-1)?.startsWith('Open it')) break
        }
        expect(reached.at(-1)).toMatch(/^Open it/)
        await page.keyboard.press('Enter')
        await page.locator('#session-0 input[name=why]').waitFor()
      })
    })

    describe('What is sealed', () => {
      test('is opened by a form with a reason, without any script, and that it was is a fact', async () => {
        const quiet = await signedIn({ javaScriptEnabled: false })
        await go(quiet, `/sessions/${session}`)
        const form = quiet.locator('#session-0 .look')
        await form.locator('summary').click()
        await form.getByLabel('identifier', { exact: true }).check()
        await form.getByLabel('Why').fill('Ticket 4711')
        await form.getByRole('button').click()
        await quiet.locator('h1', { hasText: 'Opened' }).waitFor()
        expect(await quiet.locator('main').innerText()).toMatch(/identifier\s*ada@example\.com/)
        const act = (await acts()).at(-1)!
        expect(act).toMatchObject({ who: 'console-key', what: 'look', why: 'Ticket 4711', subject: `session-${session}`, revision: 0, fields: ['identifier'] })
        expect(await quiet.locator('main').innerText()).toContain(String(act['stream']))
        await look(quiet, 'opened')
        await quiet.getByRole('link', { name: 'Back to the timeline' }).click()
        expect(await quiet.locator('main').innerText()).not.toContain('ada@')
      })

      test('stays closed without a good reason, for nothing chosen, and for a page elsewhere', async () => {
        const before = await acts()
        const send = async (fields: Record<string, string>, headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' }) => {
          const cookie = key.map(({ name, value }) => `${name}=${value}`).join('; ')
          const answer = await fetch(`${stage.url}/console/audit/looks`, { method: 'POST', redirect: 'manual', headers: { cookie, ...headers }, body: new URLSearchParams({ stream: `session-${session}`, revision: '0', ...fields }) })
          return [answer.status, /ada@/.test(await answer.text())]
        }
        const good = { why: 'Ticket 4711', field: 'identifier' }
        expect(await send({ ...good, why: 'because of ada@example.com' })).toEqual([400, false])
        expect(await send({ ...good, field: '' })).toEqual([404, false])
        expect(await send({ why: good.why })).toEqual([400, false])
        expect(await send({ ...good, revision: '99' })).toEqual([404, false])
        expect(await send(good, { 'sec-fetch-site': 'cross-site' })).toEqual([403, false])
        expect(await acts()).toEqual(before)
      })

      test('of a person, is who they are: found by an identifier for a reason, which is a fact', async () => {
        const page = await signedIn()
        await go(page, '')
        const form = page.getByRole('form', { name: 'Find a person' })
        await form.getByLabel('identifier').fill('Ada@example.com')
        await form.getByLabel('Why').fill('Ticket 4711')
        await form.getByRole('button').click()
        await page.locator('h1', { hasText: 'A person' }).waitFor()
        expect(page.url()).toBe(`${stage.url}/console/audit/accounts/${account}`)
        expect(await page.getByRole('group', { name: 'Logins, table' }).innerText()).toMatch(/shop on ios\s*password\s*running\s*offered, number 1/)
        expect((await acts()).at(-1)).toMatchObject({ what: 'audit account', subject: `account-${account}` })
      })

      test('is opened by nobody but the role that may, and who audits begins there', async () => {
        let roles: Role[] = []
        // As if a provider had said so (access/access.test.ts): it is about what the pages do with it.
        const access: Access = { ...createAccess({ consoleUrl: 'http://localhost', secret: createSecretKey(randomBytes(32)), now: () => today }), identify: async () => ({ subject: 'bob', roles }) }
        const { engine, log } = stage.keyledger
        const replays = createReplays({ log, now: () => today, coverageOf: async () => undefined, sessionsOf: async () => 'unavailable', findLogins: async () => 'unavailable' })
        const app = new Hono().route('/console', createConsole({ access, adoption: { catalogue: async () => ({ metrics: [], asOf: null }), ask: async () => undefined }, audit: { replays, engine, opens: 'admin' }, apps: () => [], now: () => today, onError: (error) => faults.push(String(error)) }))
        const before = await acts()
        const as = async (role: Role, path: string, body?: URLSearchParams) => {
          roles = [role]
          const answer = await app.request(`/console${path}`, { headers: { 'sec-fetch-site': 'same-origin' }, ...(body && { method: 'POST', body }) })
          return { status: answer.status, text: await answer.text(), location: answer.headers.get('location') }
        }
        expect(await as('auditor', '')).toMatchObject({ status: 303, location: '/console/audit' })
        const timeline = await as('auditor', `/audit/sessions/${session}`)
        expect([timeline.status, timeline.text]).toEqual([200, expect.stringContaining('Opening it takes the role admin.')])
        const form = new URLSearchParams({ stream: `session-${session}`, revision: '0', field: 'identifier', why: 'Ticket 4711' })
        expect((await as('auditor', '/audit/looks', form)).status).toBe(403)
        expect((await as('analyst', '/audit')).status).toBe(403)
        expect((await as('auditor', `/audit/accounts/${account}`)).text).toContain('out of reach')
        expect(await acts()).toEqual(before)
        expect((await as('admin', '/audit/looks', form)).text).toContain('ada@example.com')
        expect((await acts()).at(-1)).toMatchObject({ who: 'bob', what: 'look' })
      })
    })

    describe('A search', () => {
      const overLog = () => createReplays({ log: stage.keyledger.log, now: () => today, coverageOf: async () => undefined, sessionsOf: (id) => searchSessionsOf(stage.keyledger.log, id), findLogins: async () => 'unavailable' })

      test.each([
        { from: '2026-02-10', to: '2026-02-20' }, { outcome: 'declined', app: 'shop', to: '2026-01-15' }, { type: 'AppendSkipped', reason: 'never' },
        { reason: 'has_passkey_here', platform: 'android', from: '2026-02-01' }, { outcome: 'created', type: 'OtpVerified', from: '2025-12-01', to: '2026-01-15' }, { outcome: 'running', from: '2026-03-02' },
      ] as Record<string, string>[])('finds the same in rows and in the log, page by page: %j', async (asked) => {
        await settled()
        const all = async (pages: (after: string | undefined) => Promise<any>) => {
          const found: string[] = []
          let after: string | undefined
          do {
            const page = await pages(after)
            found.push(...page.found.map(({ session, event, outcome, offer }: any) => `${session} ${asked['type'] ?? asked['reason'] ? event.revision : ''} ${outcome} ${offer}`))
            after = page.after ?? undefined
          } while (after !== undefined)
          return found
        }
        const query = (after: string | undefined, limit: number) => ({ ...asked, limit: String(limit), ...(after && { after }) })
        const rows = await all((after) => stage.api(`/v1/audit/search?${new URLSearchParams(query(after, 7))}`))
        const log = await all((after) => overLog().search(readSearch(Object.entries(query(after, 50)))))
        expect(rows.length).toBeGreaterThan(0)
        expect(new Set(rows).size).toBe(rows.length)
        expect(rows.toSorted()).toEqual(log.toSorted())
      })

      test('by an event finds it by its own time, though the login began before', async () => {
        const { found: [one] } = await stage.api('/v1/audit/search?type=SessionCompleted&limit=1')
        const begun = (await stage.api(`/v1/audit/sessions/${one.session}`)).startedAt
        expect(begun < one.at).toBe(true)
        const after = new Date(Date.parse(one.at) + 1).toISOString()
        const { source, found } = await stage.api(`/v1/audit/search?type=SessionCompleted&from=${one.at}&to=${after}`)
        expect([source, found.map(({ session, at }: any) => [session, at])]).toEqual(['rows and streams', [[one.session, one.at]]])
        expect((await stage.api(`/v1/audit/search?type=SessionCompleted&from=${after}&to=${after}`)).found).toEqual([])
      })

      test('says where it looked: in rows where they can answer', async () => {
        const source = async (query: string) => (await stage.api(`/v1/audit/search?${query}`)).source
        expect([await source(''), await source('type=AppendSkipped'), await source('type=PasskeyLinked')]).toEqual(['rows', 'rows and streams', 'log'])
      })

      test('that cannot be is told on the page, and what was typed stays', async () => {
        const page = await signedIn()
        await go(page, '?from=soon&app=shop')
        expect(await page.locator('#fault').innerText()).toContain('From must be a day')
        expect(await page.locator('input[name=from]').inputValue()).toBe('soon')
        await page.fill('input[name=id]', 'x')
        await page.getByRole('button', { name: 'Open', exact: true }).click()
        await page.getByText('This is the id of no session').waitFor()
        await page.fill('input[name=id]', `session-${session}`)
        await page.getByRole('button', { name: 'Open', exact: true }).click()
        await page.locator('h1', { hasText: 'A login' }).waitFor()
      })
    })

    describe('From a terminal, beside the engine', () => {
      const by = { as: 'jo', why: 'Ticket 4711' }
      async function printed(work: () => Promise<number>): Promise<{ code: number; out: string }> {
        const lines: string[] = []
        const print = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
        const complain = vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line))
        try {
          return { code: await work(), out: lines.join('\n') }
        } finally {
          print.mockRestore()
          complain.mockRestore()
        }
      }

      test('a login is told in words, with what the ledger says, or as the API has it', async () => {
        await settled()
        const { code, out } = await printed(() => showSession(stage.config, session, {}, {}))
        expect([code, out]).toEqual([0, expect.stringMatching(/app {9}shop on ios[^]*A password was refused: wrong password[^]*proved {6}password, it does not hold[^]*changed {5}refusals: 0 -> 1[^]*ledger {6}leaf \d+, covered by checkpoint \d+/)])
        const asJson = await printed(() => showSession(stage.config, session, { json: true, asOf: '1' }, {}))
        const { ledger: _, ...first } = JSON.parse(asJson.out).steps[0]
        expect((await stage.api(`/v1/audit/sessions/${session}?asOf=1`)).steps[0]).toMatchObject(first)
        expect(await printed(() => showSession(stage.config, randomUUID(), {}, {}))).toMatchObject({ code: 2 })
        await expect(showSession(stage.config, session, { asOf: 'soon' }, {})).rejects.toThrow(Misuse)
      })

      test('what is sealed in one event is opened for a reason, which is a fact first', async () => {
        const closed = await printed(() => showSession(stage.config, session, { events: true }, {}))
        expect(closed.out).toMatch(/sealed {6}deviceModel \(by period\)[^]*stored {6}\{"stream"/)
        expect(closed.out).not.toContain('ada@')
        const opened = await printed(() => showSession(stage.config, session, { open: '0' }, by))
        expect(opened.out).toMatch(/identifier {2}ada@example\.com/)
        expect((await acts()).at(-1)).toMatchObject({ who: 'jo', what: 'look', why: by.why, subject: `session-${session}`, revision: 0 })
        await expect(showSession(stage.config, session, { open: '1' }, by)).rejects.toThrow('nothing is sealed')
        const before = await acts()
        for (const lacking of [{}, { as: 'jo' }, { why: by.why }]) await expect(showSession(stage.config, session, { open: '0' }, lacking)).rejects.toThrow(Misuse)
        expect(await acts()).toEqual(before)
      })

      test('a person is found by an identifier, which is a fact, and a search prints what it found', async () => {
        const person = await printed(() => showPerson(stage.config, 'ada@example.com', {}, by))
        expect([person.code, person.out]).toEqual([0, expect.stringMatching(new RegExp(`account {5}${account}[^]*login {7}.*${session} {2}shop on ios, by password, running; passkey offered`))])
        expect((await acts()).at(-1)).toMatchObject({ who: 'jo', what: 'audit account', subject: `account-${account}` })
        await expect(showPerson(stage.config, 'ada@example.com', {}, {})).rejects.toThrow(Misuse)
        await expect(showPerson(stage.config, 'nobody@example.com', {}, by)).rejects.toThrow('there is no such account')
        const found = await printed(() => searchLog(stage.config, { type: 'PasswordRejected', from: '2026-03-02' }, false))
        expect(found.out).toMatch(new RegExp(`PasswordRejected: A password was refused.*session-${session} revision 1[^]*in the rows of logins and their streams`))
        await expect(searchLog(stage.config, { type: 'Nothing' }, false)).rejects.toThrow(Misuse)
      })
    })

    describe('The feed of a running engine', () => {
      test('has what happened, as OCSF, and no name of anybody', async () => {
        const lines = async () => readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, any>)
        while (!(await lines().catch(() => [])).some((line) => line['session']?.uid === session && line['status_detail'] === 'wrong_password')) await sleep(20)
        const events = await lines()
        expect(events.flatMap(faultsOf)).toEqual([])
        expect(new Set(events.map(({ metadata }) => metadata.uid)).size).toBe(events.length)
        expect(readFileSync(file, 'utf8')).not.toMatch(/ada@|Northwind Phone|127\.0\.0\.1/)
        expect(await (await fetch(`${stage.url}/metrics`)).text()).toContain('keyledger_feed_failures{feed="1"} 0')
        expect((await stage.api('/health/ready')).feeds).toEqual([{ name: `file ${file}`, state: 'following', sent: events.length, failures: 0 }])
      })

      test('goes on after a restart where it was, by the table: nothing is missing, and nothing comes twice', async () => {
        const database = openDatabase({ url: await stage.postgres.createDatabase() })
        const { log } = stage.keyledger
        const sent: string[] = []
        const run = async (until: number): Promise<void> => {
          const feed = { name: 'siem', since: undefined, send: async (events: readonly { id: string }[]) => void sent.push(...events.map(({ id }) => id)) }
          const feeds = createFeeds({ log, feeds: [feed], openLines: () => createLines(log), rows: createFeedRows(database.sql), id: randomUUID(), onError: (error) => faults.push(String(error)) })
          feeds.start()
          while (sent.length < until) await sleep(5)
          await feeds.stop()
        }
        const wanted: string[] = []
        const lineOf = createLines(log)
        for await (const recorded of log.readAll({ prefixes: ['session-', 'tokens-', 'account-'] })) if (await lineOf(recorded)) wanted.push(recorded.id)
        await run(1)
        await run(sent.length + 1)
        await run(wanted.length)
        expect(sent).toEqual(wanted)
        await database.close()
      })

      test('is one engine’s at a time, by the table that they share', async () => {
        const database = openDatabase({ url: await stage.postgres.createDatabase() })
        const rows = createFeedRows(database.sql)
        expect(await rows.take('siem', 'one')).toEqual({ position: undefined })
        expect(await rows.take('siem', 'other')).toBe('elsewhere')
        expect([await rows.move('siem', 'other', '5'), await rows.move('siem', 'one', '7')]).toEqual([false, true])
        expect(await rows.take('siem', 'one')).toEqual({ position: '7' })
        await rows.leave('siem', 'one')
        expect(await rows.take('siem', 'other')).toEqual({ position: '7' })
        expect([await rows.move('siem', 'one', '9'), await rows.take('siem', 'one')]).toEqual([false, 'elsewhere'])
        await database.close()
      })
    })
  })
}
