import { html } from 'hono/html'
import { eventSchemas } from '../../domain/all-events.ts'
import { Platform } from '../../domain/session/vocabulary.ts'
import { loginOutcomes } from '../../replay/login-summary.ts'
import type { Found, SearchAnswer } from '../../replay/search.ts'
import type { Html } from '../layout.ts'
import { table } from './account-page.ts'
import { accountAt, instant, sessionAt } from './timeline.ts'

/** `asked`: the query as it was typed; `fault`: the part of it that is wrong, and why. */
export type SearchShown = { asked: Readonly<Record<string, string>>; fault: { field: string; message: string } | undefined; answer: SearchAnswer | undefined; apps: readonly { id: string; name: string }[]; who: { typed: string; fault: string | undefined } }

const titles: Record<string, string> = { from: 'From', to: 'To, not included', type: 'Event', outcome: 'Outcome', reason: 'Reason', app: 'App', platform: 'Platform' }
const sources: Record<SearchAnswer['source'], string> = { rows: 'the rows of logins', 'rows and streams': 'the rows of logins, and their events', log: 'the log' }

export const searchPage = ({ asked, fault, answer, apps, who }: SearchShown): Html => html`<div class="head"><h1>Audit</h1><p>Logins and people as the log has them: by pseudonym, and what is sealed stays sealed.</p></div>
${whoForm(who)}
<form class="question" action="/console/audit" aria-label="Search">
  ${fault ? html`<p id="fault" class="fault" role="alert"><strong>This cannot be searched for.</strong> ${titles[fault.field] ?? fault.field} ${fault.message}.</p>` : ''}
  <div class="row">
    ${moment('from', asked, fault)}${moment('to', asked, fault)}
    ${select('type', asked, Object.keys(eventSchemas).toSorted().map((name) => [name, name]), fault)}
    ${select('outcome', asked, loginOutcomes.map((name) => [name, name.replaceAll('_', ' ')]), fault)}
    <label>Reason <input name="reason" value="${asked['reason'] ?? ''}" placeholder="such as wrong_password"${wrong('reason', fault)}></label>
    ${select('app', asked, named(apps, asked['app']), fault)}
    ${select('platform', asked, Platform.options.map((name) => [name, name]), fault)}
    <button class="main">Search</button>${Object.keys(asked).length > 0 ? html`<a href="/console/audit">Clear</a>` : ''}
  </div>
  <p class="note">Without an event and a reason: logins that began within the period, the newest first. Times are UTC.</p>
</form>
${answer ? results(answer, asked) : ''}`

const wrong = (name: string, fault: SearchShown['fault']): Html | '' => (fault?.field === name ? html` aria-invalid="true" aria-describedby="fault"` : '')
const moment = (name: 'from' | 'to', asked: SearchShown['asked'], fault: SearchShown['fault']): Html => {
  const value = asked[name] ?? ''
  return html`<label>${titles[name]} <input name="${name}" value="${value}" type="${/^(\d{4}-\d\d-\d\d)?$/.test(value) ? 'date' : 'text'}"${wrong(name, fault)}></label>`
}
const select = (name: string, asked: SearchShown['asked'], options: readonly (readonly [string, string])[], fault: SearchShown['fault']): Html =>
  html`<label>${titles[name]} <select name="${name}"${wrong(name, fault)}><option value="">any</option>${options.map(([value, text]) => html`<option value="${value}"${asked[name] === value ? html` selected` : ''}>${text}</option>`)}</select></label>`
const named = (apps: SearchShown['apps'], asked: string | undefined): (readonly [string, string])[] => [
  ...apps.map(({ id, name }) => [id, name] as const),
  ...(asked === undefined || asked === '' || apps.some(({ id }) => id === asked) ? [] : [[asked, asked] as const]),
]

const whoForm = ({ typed, fault }: SearchShown['who']): Html => html`<div class="grid">
<form class="question" action="/console/audit/open" aria-label="Open by id">
  ${fault === undefined ? '' : html`<p class="fault" role="alert">${fault}</p>`}
  <div class="row"><label>Session or account, by its id <input name="id" value="${typed}" size="38" required autocomplete="off"></label> <button class="main">Open</button></div>
</form>
<form class="question" method="post" action="/console/audit/find" aria-label="Find a person">
  <div class="row"><label>A person, by an identifier <input name="identifier" required maxlength="254" autocomplete="off"></label>
  <label>Why <input name="why" required minlength="3" maxlength="512" autocomplete="off" placeholder="Such as the number of a ticket"></label> <button>Find, and keep that I did</button></div>
</form></div>`

function results({ source, order, found, looked, until, after }: SearchAnswer, asked: SearchShown['asked']): Html {
  const events = found.some(({ event }) => event !== null)
  const next = new URLSearchParams({ ...asked, after: after ?? '' })
  return html`<section class="metric" aria-labelledby="found"><h2 id="found">${found.length === 0 ? 'Nothing found' : `${found.length} found, ${order}`}</h2>
${found.length === 0 ? '' : table('Found', ['When', ...(events ? ['What'] : []), 'Login', 'App', 'Came to', 'Offer', 'Account'], found.map((one) => cells(one, events)))}
<p class="note">Looked at in ${sources[source]}: ${looked.logins} logins${looked.events > 0 ? `, ${looked.events} events` : ''}${until === null ? '' : html`, as far as ${instant(until)}`}.</p>
${after === null ? '' : html`<p><a href="/console/audit?${next.toString()}">Go on from there</a></p>`}</section>`
}

const cells = ({ at, session, account, app, platform, outcome, offer, event }: Found, events: boolean): (Html | string)[] => [
  event && session !== null && event.stream.startsWith('session-') ? html`<a href="${sessionAt(session)}#session-${event.revision}">${instant(at)}</a>` : instant(at),
  ...(events ? [event === null ? '' : html`${event.sentence} <small>${event.type}</small>`] : []),
  session === null ? '–' : html`<a href="${sessionAt(session)}"><code>${session.slice(0, 8)}…</code></a>`,
  app === null ? '–' : `${app}${platform === null ? '' : ` on ${platform}`}`,
  outcome?.replaceAll('_', ' ') ?? '–',
  offer?.replaceAll('_', ' ') ?? '–',
  account === null ? 'nobody' : html`<a href="${accountAt(account)}"><code>${account.slice(0, 8)}…</code></a>`,
]
