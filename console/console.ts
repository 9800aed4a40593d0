/** `/console`: what analysts look at. Every page is its address: filters and choices stand in it, and nothing else decides what is shown. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Hono, type Context } from 'hono'
import { html } from 'hono/html'
import { whoIs, type Access } from '../access/access.ts'
import { may } from '../access/roles.ts'
import type { Figures } from '../projections/adoption/adoption.ts'
import type { Answer, Catalogue } from '../projections/adoption/answer.ts'
import { restAfter } from '../projections/adoption/answer-cache.ts'
import { createAtOnce } from '../projections/adoption/at-once.ts'
import { FiguresUnavailable } from '../projections/adoption/ask.ts'
import { BadQuestion, Question, readQuestion } from '../projections/adoption/question.ts'
import { assetRoutes } from './assets.ts'
import { auditPages, auditPlace, type AuditDependencies } from './audit/audit.ts'
import { searchOf } from './figures.ts'
import { failed, requirePage, shown } from './guard.ts'
import { notice, page, type Html, type Place } from './layout.ts'
import { breakdowns } from './pages/breakdowns.ts'
import { overview } from './pages/overview.ts'
import type { FiguresPage } from './pages/page.ts'
import { reasons } from './pages/reasons.ts'
import { stepsAndLogin } from './pages/steps.ts'
import { trend } from './pages/trend.ts'
import { variants } from './pages/variants.ts'
import { questionForm, type Fault } from './question-form.ts'
import { signInRoutes } from './sign-in.ts'
import { moment } from './words.ts'

const pages: readonly FiguresPage[] = [overview, trend, breakdowns, reasons, variants, stepsAndLogin]

export type ConsoleDependencies = {
  access: Access
  adoption: Figures
  /** What auditors look at. */
  audit?: Pick<AuditDependencies, 'replays' | 'engine' | 'opens'>
  /** That are registered, for the filters. */
  apps: () => readonly { id: string; name: string }[]
  now: () => Date
  onError: (error: unknown) => void
}

export function createConsole(dependencies: ConsoleDependencies): Hono {
  const { access, audit, apps, onError } = dependencies
  const places: readonly Place[] = [...pages, ...(audit ? [auditPlace] : [])]
  const app = new Hono().onError(failed(onError))
  app.route('/assets', assetRoutes())
  app.route('/', signInRoutes(access, onError))
  if (audit) app.route('/audit', auditPages({ access, apps, onError, ...audit }, places))
  // Whoever audits and does not analyse begins where they may look.
  app.get('/', async (c, next) => {
    const identity = await access.identify(c)
    return identity && !may(identity, 'analyst') && may(identity, 'auditor') ? c.redirect(auditPlace.path, 303) : next()
  })
  for (const one of pages) {
    const path = one.path.slice('/console'.length) || '/'
    app.get(path, requirePage(access, one.role, places), (c) => answered(c, one, places, dependencies))
  }
  app.get('*', (c) => shown(c, page({ title: 'Not found', main: notice('There is no such page', html`<a href="/console">To the overview</a>`) }), 404))
  return app
}

/**
 * Asks what each page asks as it opens, so that after a start nobody is the first to wait for it: one question after the other, in a tenth of the time.
 * Where nothing was counted yet there is nothing to wait for. @throws FiguresUnavailable, AbortError
 */
export async function openAhead(adoption: Figures, signal: AbortSignal): Promise<void> {
  const { metrics, asOf } = await adoption.catalogue()
  if (asOf === null) return
  const question = Question.parse({})
  const ask = asker(adoption, question, [])
  const oneAtATime = createAtOnce(1)
  const slowly: typeof ask = (metric, instead) =>
    oneAtATime(async () => {
      signal.throwIfAborted()
      const begun = performance.now()
      const asked = await ask(metric, instead)
      await sleep(restAfter(begun), undefined, { signal })
      return asked
    })
  for (const one of pages) await one.show({ question, chosen: {}, metrics, ask: slowly })
}

/** Fields that were left empty say nothing: the address is kept clean of them. */
function tidied(c: Context): string | undefined {
  const url = new URL(c.req.url)
  const kept = [...url.searchParams].filter(([, value]) => value !== '')
  if (kept.length === url.searchParams.size) return undefined
  const search = new URLSearchParams(kept).toString()
  return search === '' ? url.pathname : `${url.pathname}?${search}`
}

async function answered(c: Context, one: FiguresPage, places: readonly Place[], { adoption, apps, now }: ConsoleDependencies): Promise<Response> {
  const tidy = tidied(c)
  if (tidy !== undefined) return c.redirect(tidy, 303)
  const parameters = [...new URL(c.req.url).searchParams]
  const chosen = Object.fromEntries(parameters.filter(([name]) => one.own.includes(name)))
  const mine = parameters.filter(([name]) => !one.own.includes(name))
  let question: Question = Question.parse({})
  let catalogue: Catalogue = { metrics: [], asOf: null }
  const asOfs: string[] = []
  let [content, status, fault]: [Html, 200 | 400 | 503, Fault | undefined] = [html``, 200, undefined]
  try {
    question = readQuestion(mine)
    catalogue = await adoption.catalogue()
    content = catalogue.asOf === null ? empty : await one.show({ question, chosen, metrics: catalogue.metrics, ask: asker(adoption, question, asOfs) })
  } catch (error) {
    if (error instanceof BadQuestion) {
      ;[status, fault] = [400, { field: error.field, message: error.message, typed: parameters.flatMap(([name, value]) => (name === error.field ? [value] : [])).join(',') }]
      question = without(mine, error.field)
    }
    else if (error instanceof FiguresUnavailable) {
      c.header('Retry-After', '5')
      ;[content, status] = [unavailable, 503]
    } else throw error
  }
  const filters = { ...question, by: [], every: undefined }
  const main = html`<div class="head"><h1>${one.title}</h1><p>${one.lead}</p>${freshness(asOfs.toSorted()[0] ?? catalogue.asOf, question.timeZone)}</div>
${questionForm({ path: one.path, question, now: now(), apps: apps(), choices: one.choices?.({ question, chosen, metrics: catalogue.metrics }) ?? [], periods: one.periods ?? false, fault })}
${content}`
  return shown(c, page({ title: one.title, identity: whoIs(c), places, path: one.path, query: searchOf(filters), scripts: one.periods ? ['uplot.js', 'charts.js', 'console.js'] : ['console.js'], styles: one.periods ? ['uplot.css'] : [], main }), status)
}

/** What can be asked of it, so that nobody has to choose it all again. */
function without(parameters: readonly [string, string][], field: string): Question {
  try {
    return readQuestion(parameters.filter(([name]) => name !== field))
  } catch {
    return Question.parse({})
  }
}

/** `asOfs`: how new the answers are. */
const asker = (adoption: Pick<Figures, 'ask'>, filters: Question, asOfs: string[]) => async (metric: string, instead: Partial<Question> = {}) => {
  const question: Question = { ...filters, by: filters.by, ...instead }
  const answer: Answer | undefined = await adoption.ask(metric, question)
  if (!answer) throw new BadQuestion('metric', 'is none that there is')
  if (answer.asOf !== null) asOfs.push(answer.asOf)
  return { answer, question }
}

/** Filled by `console.js`, which asks again while the page is looked at. */
const freshness = (asOf: string | null, timeZone: string): Html => html`<div class="fresh">
  <p id="as-of" role="status">${asOf === null ? '' : html`As of <time datetime="${asOf}">${moment(asOf, timeZone)}</time>${timeZone === 'UTC' ? ' UTC' : ''}`}</p>
  <button type="button" id="live" aria-pressed="true" hidden>Live</button>
</div>`

const empty = html`<section class="notice" id="empty" data-live>
  <h2>Nothing has been counted yet</h2>
  <p>Figures are here as soon as somebody signs in. To see the console with figures in it:</p>
  <ul>
    <li><code>npm run demo:adoption</code> writes a believable year of logins into an engine of its own, and opens its console;</li>
    <li><code>npm run demo:web</code> shows a login in the browser, step by step.</li>
  </ul>
</section>`

const unavailable = html`<section class="notice" id="unavailable" data-live>
  <h2>The figures cannot be read now</h2>
  <p>The database that keeps them is out of reach, or is still being filled. People sign in all the same, and nothing is lost: the figures come from the event log.</p>
  <p><a href="/health/ready">What the engine says of itself</a></p>
</section>`
