/** `/console/audit`: what auditors look at. Reading is by address; whatever tells who somebody is takes a form, a reason, and is a fact before it is shown. */
import { Hono, type Context } from 'hono'
import { html } from 'hono/html'
import { whoIs, type Access } from '../../access/access.ts'
import { actorOf, may, type Role } from '../../access/roles.ts'
import { Because } from '../../domain/audit/because.ts'
import type { Engine } from '../../engine/engine.ts'
import { Fault } from '../../engine/faults.ts'
import type { Look } from '../../engine/looks.ts'
import { BadAsOf, readAsOf } from '../../replay/as-of.ts'
import type { Replays } from '../../replay/replays.ts'
import { BadSearch, readSearch } from '../../replay/search-question.ts'
import { failed, requirePage, shown } from '../guard.ts'
import { notice, page, type Html, type Place } from '../layout.ts'
import { accountPage } from './account-page.ts'
import { searchPage, type SearchShown } from './search-page.ts'
import { sessionPage } from './session-page.ts'
import { accountAt, sessionAt } from './timeline.ts'

export const auditPlace: Place = { path: '/console/audit', title: 'Audit', role: 'auditor' }

export type AuditDependencies = {
  access: Access
  replays: Replays
  engine: Pick<Engine, 'look' | 'findAudited'>
  /** The role that may have sealed values opened. */
  opens: Role
  apps: () => readonly { id: string; name: string }[]
  onError: (error: unknown) => void
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const back = html`<a href="/console/audit">Back to the search</a>`

export function auditPages({ access, replays, engine, opens, apps, onError }: AuditDependencies, places: readonly Place[]): Hono {
  const auditor = requirePage(access, 'auditor', places)
  const answer = (c: Context, title: string, main: Html, status?: 200 | 400 | 404 | 503) =>
    shown(c, page({ title, identity: whoIs(c), places, path: auditPlace.path, styles: ['audit.css'], main }), status)
  const missing = (c: Context, what: string) => answer(c, 'Not found', notice(what, back), 404)
  const mayOpen = (c: Context): true | string => may(whoIs(c), opens) || opens

  async function search(c: Context, who: SearchShown['who'] = { typed: '', fault: undefined }) {
    const asked = Object.fromEntries([...new URL(c.req.url).searchParams].filter(([name, value]) => value !== '' && name !== 'id'))
    const show = (rest: Pick<SearchShown, 'answer' | 'fault'>, status?: 400) => answer(c, 'Audit', searchPage({ asked, apps: apps(), who, ...rest }), who.fault === undefined ? status : 400)
    try {
      return await show({ answer: who.fault === undefined ? await replays.search(readSearch(Object.entries(asked))) : undefined, fault: undefined })
    } catch (error) {
      if (!(error instanceof BadSearch)) throw error
      return show({ answer: undefined, fault: { field: error.field, message: error.message } }, 400)
    }
  }

  /** As of the moment that the address names; what is no moment is told, and shown as of now. */
  async function replayed<R>(c: Context, read: (asOf?: ReturnType<typeof readAsOf>) => Promise<R | undefined>, shownAs: (replay: R, how: { typed: string; fault: string | undefined; opens: true | string }) => Html, title: string) {
    const typed = c.req.query('asOf') ?? ''
    const how = { typed, opens: mayOpen(c) }
    try {
      const replay = await read(typed === '' ? undefined : readAsOf(typed))
      return replay === undefined ? missing(c, `There is no such ${title.toLowerCase()}${typed === '' ? '' : ' as of then'}`) : answer(c, title, shownAs(replay, { ...how, fault: undefined }))
    } catch (error) {
      const replay = error instanceof BadAsOf ? await read() : undefined
      if (!(error instanceof BadAsOf) || replay === undefined) throw error
      return answer(c, title, shownAs(replay, { ...how, fault: error.message }), 400)
    }
  }

  return new Hono()
    .onError((error, c) => {
      const code = (error as { code?: unknown }).code
      if (code === 'log_unavailable' || code === 'log_outcome_unknown' || code === 'search_unavailable') {
        c.header('Retry-After', '5')
        return shown(c, page({ title: 'Out of reach', main: notice('The log cannot be read now', 'Nothing was opened, and nothing is lost. Try again in a moment.', back) }), 503)
      }
      if (code === 'unknown_event') return shown(c, page({ title: 'Written by a newer release', main: notice('A newer release wrote this', 'This one cannot read all of it: ask an engine of the newer release.', back) }), 503)
      return failed(onError)(error, c)
    })
    .get('/', auditor, (c) => search(c))
    .get('/open', auditor, async (c) => {
      const typed = (c.req.query('id') ?? '').trim()
      // A session's id is of version 5 (RFC 9562), an account's of version 4.
      const id = typed.toLowerCase().replace(/^(session|account|tokens)-/, '')
      if (uuid.test(id)) return c.redirect(id[14] === '5' ? sessionAt(id) : accountAt(id), 303)
      return search(c, { typed, fault: 'This is the id of no session and of no account.' })
    })
    .get('/sessions/:id', auditor, (c) => replayed(c, (asOf) => replays.session(c.req.param('id').toLowerCase(), asOf), sessionPage, 'Login'))
    .get('/accounts/:id', auditor, (c) => replayed(c, (asOf) => replays.account(c.req.param('id').toLowerCase(), asOf), accountPage, 'Account'))
    .post('/find', auditor, async (c) => {
      const form = await c.req.parseBody()
      const because = becauseOf(c, form['why'])
      if ('wrong' in because) return answer(c, 'Not found', notice('Nobody was looked for', because.wrong, back), 400)
      try {
        return c.redirect(accountAt(await engine.findAudited(actorOf(whoIs(c)), because, textOf(form['identifier']))), 303)
      } catch (error) {
        if (error instanceof Fault) return missing(c, 'There is no account with this identifier')
        throw error
      }
    })
    .post('/looks', requirePage(access, opens, places), async (c) => {
      const form = await c.req.parseBody({ all: true })
      const fields = [form['field'] ?? []].flat().map(textOf)
      const to = textOf(form['back']).startsWith('/console/audit/') ? textOf(form['back']) : '/console/audit'
      const there = html`<a href="${to}">Back to the timeline</a>`
      const because = becauseOf(c, form['why'])
      if ('wrong' in because) return answer(c, 'Not opened', notice('Nothing was opened', because.wrong, there), 400)
      if (fields.length === 0) return answer(c, 'Not opened', notice('Nothing was opened', 'Say what is to be opened: nothing was chosen.', there), 400)
      try {
        const revision = Number(textOf(form['revision']) || 'none')
        const look = await engine.look(actorOf(whoIs(c)), because, { stream: textOf(form['stream']), revision: Number.isSafeInteger(revision) ? revision : -1, fields })
        return answer(c, 'Opened', lookPage(look, because, there))
      } catch (error) {
        if (error instanceof Fault) return answer(c, 'Not opened', notice('Nothing was opened', 'There is no such event, or nothing in it that may be opened.', there), 404)
        throw error
      }
    })
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function becauseOf(c: Context, why: unknown): Because | { wrong: string } {
  const because = Because.safeParse({ who: whoIs(c).subject, why: textOf(why) })
  return because.success ? because.data : { wrong: `The reason ${because.error.issues.map(({ message }) => message).join(', and ')}.` }
}

const lookPage = ({ look, stream, revision, opened }: Look, { who, why }: Because, there: Html): Html => html`<section class="notice opened"><h1>Opened</h1>
<p>Of revision ${revision} of <code>${stream}</code>. That ${who} looked, because “${why}”, is the fact <code>audit-${look}</code>. It is gone from here when you leave the page.</p>
<dl class="told">${opened.map(({ field, value }) => html`<div><dt>${field}</dt><dd>${value ?? html`<em>no longer kept</em>`}</dd></div>`)}</dl>
<p>${there}</p></section>`
