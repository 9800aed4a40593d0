import { html } from 'hono/html'
import type { SessionReplay } from '../../replay/session-replay.ts'
import type { Html } from '../layout.ts'
import { accountAt, asOfForm, asOfText, instant, json, sessionAt, timeline } from './timeline.ts'

export const sessionPage = (replay: SessionReplay, { typed, fault, opens }: { typed: string; fault: string | undefined; opens: true | string }): Html => {
  const { session, account, app, platform, installation, startedAt, asOf, status, step, next, state, tokens, steps } = replay
  const path = sessionAt(session)
  const uncovered = steps.filter(({ ledger }) => ledger !== null && ledger.checkpoint === null).length
  return html`<div class="head"><h1>A login, step by step</h1><p><code>${session}</code></p></div>
<section class="metric facts" aria-labelledby="summary"><h2 id="summary">As of ${asOfText(asOf)}</h2>
<dl class="told">
  <div><dt>Account</dt><dd>${account === null ? 'nobody is named' : html`<a href="${accountAt(account)}"><code>${account}</code></a>`}</dd></div>
  <div><dt>App</dt><dd>${app} on ${platform}, installation <code>${installation}</code></dd></div>
  <div><dt>Began</dt><dd>${instant(startedAt)}</dd></div>
  <div><dt>Status</dt><dd><strong>${status}</strong>${step === null ? '' : `, at ${step}`}</dd></div>
  <div><dt>Legal next</dt><dd>${next.length === 0 ? 'nothing' : next.join(', ')}</dd></div>
  <div><dt>Ledger</dt><dd>${steps.some(({ ledger }) => ledger === null) ? 'not known while its table is out of reach' : uncovered === 0 ? `all ${steps.length} events are covered by a checkpoint` : html`<span class="uncovered">not yet covered: ${uncovered} of ${steps.length} events</span>`}</dd></div>
</dl>
<details><summary>The state</summary><div class="states"><pre tabindex="0" aria-label="State of the login">${json(state)}</pre>${tokens === null ? '' : html`<pre tabindex="0" aria-label="State of its tokens">${json(tokens)}</pre>`}</div></details>
</section>
${asOfForm(path, typed, fault)}
<section aria-labelledby="steps"><h2 id="steps">${steps.length} steps</h2>
${timeline(steps, { stream: `session-${session}`, path, opens })}</section>`
}
