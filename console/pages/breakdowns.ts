import { html } from 'hono/html'
import { dimensions, Dimension } from '../../projections/adoption/question.ts'
import { section } from '../figures.ts'
import { titleOf } from '../words.ts'
import type { FiguresPage } from './page.ts'

const usual = 'creation-per-offer'
/** What people ask for most, beside the one that was chosen. */
const beside: readonly (readonly [metric: string, by: Dimension])[] = [['creation-per-offer', 'offer'], ['creation-per-offer', 'mode'], ['creation-per-person', 'cohort'], ['activation', 'platform']]

export const breakdowns: FiguresPage = {
  path: '/console/breakdowns',
  title: 'Breakdowns',
  role: 'analyst',
  keepsQuestion: true,
  lead: 'One figure, group by group.',
  own: ['metric'],
  choices: ({ metrics, chosen, question }) => [
    { name: 'metric', label: 'Figure', value: chosen['metric'] ?? usual, options: metrics.map(({ name, title }) => [name, title] as const) },
    { name: 'by', label: 'By', value: question.by[0] ?? 'platform', options: Dimension.options.map((name) => [name, titleOf(name)] as const) },
    { name: 'by', label: 'and by', value: question.by[1] ?? '', options: [['', 'nothing else'], ...Dimension.options.map((name) => [name, titleOf(name)] as const)] },
  ],
  async show({ ask, chosen, question }) {
    const by: Dimension[] = question.by.length > 0 ? question.by : ['platform']
    const metric = chosen['metric'] ?? usual
    const others = beside.filter(([name, one]) => name !== metric || by.length > 1 || by[0] !== one)
    const [first, providers, backup, ...rest] = await Promise.all([
      ask(metric, { by, every: undefined }),
      ask('providers', { by: [], every: undefined }),
      ask('backup', { by: [], every: undefined }),
      ...others.map(([name, one]) => ask(name, { by: [one], every: undefined })),
    ])
    return html`${section(first)}
${by.map((name) => html`<p class="note">${titleOf(name)}: ${dimensions[name]}.</p>`)}
<div class="grid">${[...rest, providers, backup].filter(({ answer }) => answer.metric !== metric || answer.by.join() !== by.join()).map((asked) => section(asked, undefined, 'half'))}</div>`
  },
}
