import { html } from 'hono/html'
import { section } from '../figures.ts'
import type { FiguresPage } from './page.ts'

export const variants: FiguresPage = {
  path: '/console/variants',
  title: 'Variants',
  role: 'analyst',
  keepsQuestion: true,
  lead: 'The variants of the policy beside each other: how far apart they are, and how sure that is.',
  own: [],
  async show({ ask }) {
    const [compared, perOffer, outcomes] = await Promise.all([ask('variants'), ask('creation-per-offer', { by: ['variant'] }), ask('outcomes', { by: ['variant'] })])
    return html`${section(compared)}<div class="grid">${section(perOffer, undefined, 'half')}${section(outcomes, undefined, 'half')}</div>`
  },
}
