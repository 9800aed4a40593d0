import { html } from 'hono/html'
import { dimensions, Dimension } from '../../projections/adoption/question.ts'
import { section } from '../figures.ts'
import { trendTable } from '../trend-table.ts'
import { titleOf } from '../words.ts'
import type { FiguresPage } from './page.ts'

/** What is shown until one is chosen. */
const usual = ['activation', 'creation-per-offer', 'passkey-login-rate', 'logins']

export const trend: FiguresPage = {
  path: '/console/trend',
  title: 'Trend',
  role: 'analyst',
  keepsQuestion: true,
  lead: 'The figures over time. A period that is not over, or that late reports may still change, is marked.',
  own: ['metric'],
  periods: true,
  choices: ({ metrics, chosen, question }) => [
    { name: 'metric', label: 'Figure', value: chosen['metric'] ?? '', options: [['', 'the usual four'], ...metrics.map(({ name, title }) => [name, title] as const)] },
    { name: 'by', label: 'A line for each', value: question.by[0] ?? '', options: [['', 'one for all'], ...Dimension.options.map((name) => [name, titleOf(name)] as const)] },
  ],
  async show({ ask, chosen, question }) {
    const one = chosen['metric']
    const every = question.every ?? 'week'
    const answers = await Promise.all((one === undefined ? usual : [one]).map((name) => ask(name, { every })))
    return html`<div class="grid">${answers.map((asked) => section(asked, trendTable(asked.answer), 'trend'))}</div>
${question.by.map((name) => html`<p class="note">${titleOf(name)}: ${dimensions[name]}.</p>`)}`
  },
}
