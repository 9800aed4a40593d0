import { html } from 'hono/html'
import { about, downloads, section, type Asked } from '../figures.ts'
import type { Html } from '../layout.ts'
import { provisionalMark } from '../table.ts'
import { percent, seconds, valueOf, whole } from '../words.ts'
import type { FiguresPage } from './page.ts'

/** In the order in which one asks: who has one, what an offer brings, what it is used for. */
const keyFigures = ['activation', 'creation-per-offer', 'creation-per-person', 'passkey-login-rate', 'passkey-login-rate-of-holders', 'login-time'] as const

export const overview: FiguresPage = {
  path: '/console',
  title: 'Overview',
  role: 'analyst',
  keepsQuestion: true,
  lead: 'How people come from the password to a passkey, and where they stop.',
  own: [],
  async show({ ask }) {
    const [tiles, logins, people] = await Promise.all([Promise.all(keyFigures.map((name) => ask(name))), ask('funnel'), ask('funnel-people')])
    return html`<div class="tiles">${tiles.map(tile)}</div>${section(logins)}${section(people)}`
  },
}

const tile = (asked: Asked): Html => {
  const { answer } = asked
  return html`<section class="tile" id="tile-${answer.metric}" data-live aria-labelledby="tile-${answer.metric}-title">
  <h2 id="tile-${answer.metric}-title">${answer.title}${answer.rows.some((row) => row.provisional) ? provisionalMark : ''}</h2>
  ${answer.rows.length === 0 ? html`<p class="figure">–</p>` : answer.rows.map((row) => {
    const who = Object.entries(row.group).map(([name, value]) => valueOf(name, value)).join(', ')
    if ('fewerThan' in row) return html`<p class="figure few">fewer than ${row.fewerThan} people</p>`
    const { values } = row
    const [figure, of] =
      'numerator' in values ? [percent(values.rate), `${whole(values.numerator)} of ${whole(values.denominator)} ${answer.unit}`] : 'p50' in values ? [seconds(values.p50), `median of ${whole(values.count)}`] : [whole(values.count), answer.unit]
    return html`<p class="figure">${figure} <small>${who === '' ? '' : `${who}, `}${of}</small></p>`
  })}
  ${downloads(asked)}${about(asked)}
</section>`
}
