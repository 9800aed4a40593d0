import { html } from 'hono/html'
import { section } from '../figures.ts'
import type { FiguresPage } from './page.ts'

export const reasons: FiguresPage = {
  path: '/console/reasons',
  title: 'Reasons',
  role: 'analyst',
  keepsQuestion: true,
  lead: 'Declined, dismissed, never shown, failed, not even offered: five different facts, and why each came about.',
  own: [],
  async show({ ask }) {
    const [outcomes, why, codes, withheld] = await Promise.all(['outcomes', 'outcome-reasons', 'outcome-codes', 'withheld'].map((name) => ask(name)))
    return html`<div class="grid">${[outcomes, withheld].map((asked) => asked && section(asked, undefined, 'half'))}</div>${[why, codes].map((asked) => asked && section(asked))}`
  },
}
