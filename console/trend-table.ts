/** Figures over time: periods down, groups across. `charts.js` draws the lines from this very table. */
import { html } from 'hono/html'
import type { Answer, Row, Values } from '../projections/adoption/answer.ts'
import type { Html } from './layout.ts'
import { groupsOf, headingOf, provisionalMark } from './table.ts'
import { percent, seconds, valueOf, whole } from './words.ts'

/** As many as can be told apart. */
export const mostLines = 8

export function trendTable(answer: Answer): Html {
  const parts = [...answer.by, ...groupsOf(answer)]
  const nameOf = ({ group }: Row): string => parts.map((part) => valueOf(part, group[part] ?? '')).join(', ') || 'All'
  const lines = Map.groupBy(answer.rows, nameOf)
  const weight = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + ('people' in row ? row.people : 0), 0)
  const chosen = new Set([...lines].toSorted(([, a], [, b]) => weight(b) - weight(a)).slice(0, mostLines).map(([name]) => name))
  const names = [...lines.keys()].filter((name) => chosen.has(name))
  const periods = [...Map.groupBy(answer.rows, ({ period = '' }) => period)].toSorted(([a], [b]) => (a < b ? 1 : -1))
  return html`
  <div class="chart" hidden></div>
  ${names.length > 1 ? html`<ul class="legend" aria-label="Lines">${names.map((name, n) => html`<li><span class="swatch line-${n}"></span>${name}</li>`)}</ul>` : ''}
  ${lines.size > names.length ? html`<p class="note">The ${mostLines} largest of ${lines.size} groups; CSV and JSON have all of them.</p>` : ''}
  <div class="scroll tall" tabindex="0" role="group" aria-label="${headingOf(answer)}, table"><table data-chart="${answer.kind}">
  <caption class="hidden">${headingOf(answer)}</caption>
  <thead><tr><th scope="col">Period</th>${names.map((name) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
  <tbody>${periods.map(([period, rows]) => html`<tr data-period="${period}"${rows.some((row) => row.provisional) ? html` data-provisional` : ''}><th scope="row">${period}${rows.some((row) => row.provisional) ? provisionalMark : ''}</th>${names.map((name) => cell(rows.find((row) => nameOf(row) === name)))}</tr>`)}</tbody>
</table></div>`
}

function cell(row: Row | undefined): Html {
  if (!row) return html`<td class="number">–</td>`
  if ('fewerThan' in row) return html`<td class="number few">fewer than ${row.fewerThan} people</td>`
  const { value, text, of } = shown(row.values)
  return html`<td class="number"${value === null ? '' : html` data-value="${value}"`}>${text}${of === '' ? '' : html` <small>${of}</small>`}</td>`
}

function shown(values: Values): { value: number | null; text: string; of: string } {
  if ('numerator' in values) return { value: values.rate, text: percent(values.rate), of: `${whole(values.numerator)} of ${whole(values.denominator)}` }
  if ('p50' in values) return { value: values.p50, text: seconds(values.p50), of: `of ${whole(values.count)}` }
  return { value: values.count, text: whole(values.count), of: '' }
}
