import { html } from 'hono/html'
import { providerOf } from '../../engine/providers.ts'
import type { AccountReplay } from '../../replay/account-replay.ts'
import type { LoginSummary } from '../../replay/login-summary.ts'
import type { Html } from '../layout.ts'
import { accountAt, asOfForm, asOfText, instant, json, sessionAt, timeline } from './timeline.ts'

export const accountPage = (replay: AccountReplay, { typed, fault, opens }: { typed: string; fault: string | undefined; opens: true | string }): Html => {
  const { account, asOf, status, registeredAt, state, passkeys, sessions, olderSessions, steps } = replay
  const path = accountAt(account)
  return html`<div class="head"><h1>A person, by their pseudonym</h1><p><code>${account}</code></p></div>
<section class="metric facts" aria-labelledby="summary"><h2 id="summary">As of ${asOfText(asOf)}</h2>
<dl class="told">
  <div><dt>Status</dt><dd><strong>${status}</strong></dd></div>
  <div><dt>Registered</dt><dd>${instant(registeredAt)}</dd></div>
  <div><dt>Two factors</dt><dd>${state['mfa'] === true ? 'demanded at every login' : 'not demanded'}</dd></div>
</dl>
<details><summary>The state</summary><pre tabindex="0" aria-label="State of the account">${json(state)}</pre></details>
</section>
${asOfForm(path, typed, fault)}
<section class="metric" aria-labelledby="passkeys"><h2 id="passkeys">Passkeys</h2>
${passkeys.length === 0 ? html`<p class="empty">None.</p>` : table('Passkeys', ['Linked', 'Status', 'Provider', 'In', 'Passkey'], passkeys.map((one) => [
    instant(one.linkedAt), one.status, providerOf(one.provider) ?? one.provider, html`<a href="${sessionAt(one.session)}">${one.app}</a>`, html`<code>${one.passkey}</code>`,
  ]))}</section>
<section class="metric" aria-labelledby="logins"><h2 id="logins">Logins, and what was offered in them</h2>
${sessions === null ? html`<p class="warning">The rows that name them are out of reach.</p>` : sessions.length === 0 ? html`<p class="empty">None.</p>` : table('Logins', ['Began', 'App', 'Signed in by', 'Came to', 'Offer of a passkey'], sessions.map((one) => [
    html`<a href="${sessionAt(one.session)}">${instant(one.startedAt)}</a>`, `${one.app} on ${one.platform}`, one.signedInBy ?? 'nobody', one.outcome, offerText(one),
  ]))}${olderSessions > 0 ? html`<p class="note">And ${olderSessions} older ones.</p>` : ''}</section>
<section aria-labelledby="steps"><h2 id="steps">${steps.length} changes</h2>
${timeline(steps, { stream: `account-${account}`, path, opens })}</section>`
}

const offerText = ({ offer }: LoginSummary): string =>
  offer === null ? '–' : `${offer.outcome}${offer.number === null ? '' : `, number ${offer.number}`}${offer.reason === null ? '' : `: ${offer.reason.replaceAll('_', ' ')}`}`

/** The first cell of a row names it. */
export const table = (name: string, columns: readonly string[], rows: readonly (readonly (Html | string)[])[]): Html => html`<div class="scroll" tabindex="0" role="group" aria-label="${name}, table"><table>
  <caption class="hidden">${name}</caption>
  <thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
  <tbody>${rows.map(([first, ...rest]) => html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`
