/** The steps of a timeline, as a list that is read from top to bottom. */
import { html } from 'hono/html'
import type { Changed } from '../../replay/changes.ts'
import type { SessionReplay, TimelineStep } from '../../replay/session-replay.ts'
import type { Html } from '../layout.ts'

export const sessionAt = (id: string): string => `/console/audit/sessions/${id}`
export const accountAt = (id: string): string => `/console/audit/accounts/${id}`

/** UTC, as facts have it. */
export const instant = (at: string): Html => html`<time datetime="${at}">${at.slice(0, 10)} <b>${at.slice(11, 23)}</b></time>`
export const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** `stream`: whose revisions `asOf` names; `asOf`: the page as of each of them. `opens`: whoever looks may have sealed values opened; otherwise the role that may. */
export type Shown = { stream: string; path: string; opens: true | string }

export const timeline = (steps: readonly TimelineStep[], shown: Shown): Html => html`<ol class="timeline">${steps.map((one) => step(one, shown))}</ol>`

export const anchorOf = ({ event: { stream, revision } }: TimelineStep): string => `${stream.slice(0, stream.indexOf('-'))}-${revision}`

const kinds: Record<string, string> = { session: 'login', tokens: 'tokens', account: 'account' }

function step(one: TimelineStep, shown: Shown): Html {
  const { at, actor, sentence, meaning, proved, decided, changed, next, before, after, event, ledger } = one
  const kind = event.stream.slice(0, event.stream.indexOf('-'))
  return html`<li id="${anchorOf(one)}" class="step ${kind}${proved ? (proved.holds ? ' held' : ' refused') : ''}">
  <div class="when">${instant(at)} <span class="actor">${actor}</span> <span class="kind">${kinds[kind] ?? kind}</span></div>
  <div class="what">
    <h3>${sentence}</h3>
    <dl class="told">
      ${proved ? row('Proved', html`<strong>${proved.what}: ${proved.holds ? 'it holds' : 'it does not hold'}</strong>. ${proved.how}`) : ''}
      ${decided ? row('Decided', html`<strong>${decided.what}</strong>, because ${decided.why}${decided.policy === null ? '' : html` (policy ${decided.policy})`}`) : ''}
      ${changed.length > 0 ? row('Changed', html`<ul>${changed.map(change)}</ul>`) : ''}
      ${next ? row('Legal next', next.length === 0 ? 'nothing' : next.join(', ')) : ''}
      ${one.sealed.length > 0 ? row('Sealed', sealed(one, shown)) : ''}
      ${row('Ledger', ledgerText(ledger))}
    </dl>
    <details><summary>The event as it is stored<span class="hidden">: ${event.type}</span></summary>
      <p class="note">${event.type}, revision ${event.revision} of <code>${event.stream}</code>. ${meaning}</p>
      <pre tabindex="0" aria-label="${event.type} as it is stored">${json(event)}</pre></details>
    <details><summary>The state before and after<span class="hidden"> ${event.type}</span></summary>
      <div class="states"><pre tabindex="0" aria-label="State before ${event.type}">${before === null ? 'nothing: it begins here' : json(before)}</pre><pre tabindex="0" aria-label="State after ${event.type}">${json(after)}</pre></div></details>
    ${event.stream === shown.stream ? html`<p class="as-of"><a href="${shown.path}?asOf=${event.revision}">As of here<span class="hidden">, revision ${event.revision}</span></a></p>` : ''}
  </div>
</li>`
}

const row = (name: string, text: Html | string): Html => html`<div><dt>${name}</dt><dd>${text}</dd></div>`

const change = ({ field, from, to }: Changed): Html =>
  html`<li><code>${field.replace(/^view\./, '')}</code> <span class="from">${brief(from)}</span> <span aria-hidden="true">→</span><span class="hidden">becomes</span> <span class="to">${brief(to)}</span></li>`

/** The whole of it stands below. */
function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 160 ? `${text.slice(0, 160)} …` : text
}

/** One look at a time, with a reason: a form for each event. */
function sealed({ event: { stream, revision, type }, sealed: places }: TimelineStep, { opens, path }: Shown): Html {
  const openable = places.filter((place) => place.opens)
  const list = html`<ul>${places.map((place) => html`<li><code>${place.field}</code> by the key of the ${place.under}${place.opens ? '' : ', opened for nobody'}</li>`)}</ul>`
  if (openable.length === 0) return list
  if (opens !== true) return html`${list}<p class="note">Opening it takes the role ${opens}.</p>`
  const id = `why-${stream.slice(0, stream.indexOf('-'))}-${revision}`
  return html`${list}<details class="look"><summary>Open it<span class="hidden">, of ${type}</span></summary>
<form method="post" action="/console/audit/looks">
  <input type="hidden" name="stream" value="${stream}"><input type="hidden" name="revision" value="${revision}"><input type="hidden" name="back" value="${path}">
  <fieldset><legend>What</legend>${openable.map(({ field }) => html`<label class="check"><input type="checkbox" name="field" value="${field}"${openable.length === 1 ? html` checked` : ''}> ${field}</label>`)}</fieldset>
  <label for="${id}">Why</label> <input id="${id}" name="why" required minlength="3" maxlength="512" autocomplete="off" placeholder="Such as the number of a ticket; never who it is about">
  <button>Open, and keep that I did</button>
</form></details>`
}

export const ledgerText = (ledger: TimelineStep['ledger']): Html =>
  ledger === null
    ? html`not known while its table is out of reach`
    : ledger.checkpoint === null
      ? html`<span class="uncovered">not yet covered</span>${ledger.leaf === null ? '' : `, leaf ${ledger.leaf}`}`
      : html`<span class="covered">covered by checkpoint ${ledger.checkpoint}</span>, leaf ${ledger.leaf}`

/** A plain form: the answer is the address of the page. `fault`: what is wrong with what was typed. */
export const asOfForm = (path: string, typed: string, fault: string | undefined): Html => html`<form class="question" action="${path}" aria-label="As of when">
  ${fault === undefined ? '' : html`<p id="fault" class="fault" role="alert"><strong>There is no such moment.</strong> It ${fault}.</p>`}
  <div class="row">
    <label>As of <input name="asOf" value="${typed}" placeholder="7, or 2026-11-02T08:00:00Z"${fault === undefined ? '' : html` aria-invalid="true" aria-describedby="fault"`}></label>
    <button class="main">Look back</button>${typed === '' ? '' : html`<a href="${path}">Now</a>`}
  </div>
  <p class="note">A revision of this stream, a day, or a moment.</p>
</form>`

export const asOfText = (asOf: SessionReplay['asOf']): string => (asOf === null ? 'now' : 'revision' in asOf ? `revision ${asOf.revision}` : asOf.time)
