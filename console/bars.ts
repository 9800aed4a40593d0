/** Small pictures beside figures. They say nothing that the cells beside them do not say, so screen readers pass them over. */
import { html } from 'hono/html'
import type { Html } from './layout.ts'

const at = (share: number): string => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`

export const bar = (share: number): Html =>
  html`<svg class="bar" width="100%" height="10" aria-hidden="true"><rect class="track" width="100%" height="10" rx="2"></rect><rect class="fill" width="${at(share)}" height="10" rx="2"></rect></svg>`

/** From the first to the last of a spread, with a mark where its middle is. */
export const spread = ({ low, middle, high }: { low: number; middle: number; high: number }): Html =>
  html`<svg class="bar" width="100%" height="10" aria-hidden="true"><rect class="track" y="4" width="100%" height="2"></rect><line class="range" x1="${at(low)}" x2="${at(high)}" y1="5" y2="5"></line><circle class="mark" cx="${at(middle)}" cy="5" r="4"></circle></svg>`

/** A difference and how sure it is, around the line at which there is none. `reach`: what the ends stand for. */
export const difference = ({ low, middle, high, reach }: { low: number; middle: number; high: number; reach: number }): Html => {
  const place = (value: number): string => at((value / reach + 1) / 2)
  return html`<svg class="bar" width="100%" height="14" aria-hidden="true"><line class="zero" x1="50%" x2="50%" y1="0" y2="14"></line><line class="range" x1="${place(low)}" x2="${place(high)}" y1="7" y2="7"></line><circle class="mark" cx="${place(middle)}" cy="7" r="4"></circle></svg>`
}
