/** The rows of an answer as a table, with a picture in each row where one helps. */
import { html } from 'hono/html'
import type { Answer, Comparison, Kind, Row, Share, Times, Values } from '../projections/adoption/answer.ts'
import { bar, difference, spread } from './bars.ts'
import type { Html } from './layout.ts'
import { named, percent, points, seconds, titleOf, valueOf, whole } from './words.ts'

type Column = { title: string; cell: (values: Values, row: Row) => Html | string; picture?: true }

export function tableOf(answer: Answer): Html {
  const marked = !allProvisional(answer)
  const parts = [...(answer.every ? ['period'] : []), ...answer.by, ...groupsOf(answer)]
  const columns = columnsOf(answer)
  const spans = spansOf(parts, answer.rows)
  const cells = columns.map(({ title, picture }) => html`<th scope="col" class="${picture ? 'picture' : 'number'}">${picture ? html`<span class="hidden">Picture</span>` : title}</th>`)
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${headingOf(answer)}, table"><table>
  <caption class="hidden">${headingOf(answer)}</caption>
  <thead><tr>${parts.length > 0 ? parts.map((part) => html`<th scope="col">${titleOf(part)}</th>`) : html`<th scope="col">Who</th>`}${cells}</tr></thead>
  <tbody>${answer.rows.map((row, n) => html`<tr>${heads(parts, row, spans[n] ?? [], marked)}${'fewerThan' in row ? html`<td colspan="${columns.length}" class="few">fewer than ${row.fewerThan} people</td>` : columns.map(({ cell, picture }) => html`<td class="${picture ? 'picture' : 'number'}">${cell(row.values, row)}</td>`)}</tr>`)}</tbody>
</table></div>`
}

/** What tells it from the same metric by something else. */
export const headingOf = ({ title, by }: Answer): string => [title, ...by.map((name) => `by ${named(name)}`)].join(', ')

/** Those that the metric has of its own: what a row has beside what was asked for. */
export const groupsOf = ({ by, groups }: Answer): string[] => groups.filter((group) => !(by as string[]).includes(group))

/** Where all of it is, it is said once. */
export const allProvisional = ({ rows }: Answer): boolean => rows.length > 0 && rows.every((row) => row.provisional)
export const provisionalMark = html` <abbr class="provisional" title="Late reports may still change it">provisional</abbr>`
const nameIn = (part: string, row: Row): string => (part === 'period' ? (row.period ?? '') : valueOf(part, row.group[part] ?? ''))
/** For each row, over how many rows the cell of each part reaches that leads it; 0 where the one above reaches over it. */
function spansOf(parts: readonly string[], rows: readonly Row[]): number[][] {
  const spans = rows.map(() => parts.map(() => 1))
  parts.slice(0, -1).forEach((_, part) => {
    const same = (a: Row, b: Row): boolean => parts.slice(0, part + 1).every((one) => nameIn(one, a) === nameIn(one, b))
    for (let first = 0, n = 1; n < rows.length; n += 1) {
      const [row, above, led, lead] = [rows[n], rows[first], spans[n], spans[first]]
      if (row && above && led && lead && same(row, above)) [led[part], lead[part]] = [0, (lead[part] ?? 0) + 1]
      else first = n
    }
  })
  return spans
}

function heads(parts: readonly string[], row: Row, spans: readonly number[], marked: boolean): Html[] {
  const mark = marked && row.provisional ? provisionalMark : ''
  if (parts.length === 0) return [html`<th scope="row">All${mark}</th>`]
  return parts.flatMap((part, n) => {
    if (n === parts.length - 1) return html`<th scope="row">${nameIn(part, row)}${mark}</th>`
    return spans[n] === 0 ? [] : html`<th scope="rowgroup" rowspan="${spans[n] ?? 1}">${nameIn(part, row)}</th>`
  })
}

const title = (unit: string): string => unit.charAt(0).toUpperCase() + unit.slice(1)

function columnsOf(answer: Answer): Column[] {
  const { unit, rows } = answer
  if (answer.groups.includes('step')) return stepColumns(answer)
  const shown = rows.flatMap((row) => ('values' in row ? [row.values] : []))
  const most = Math.max(1, ...shown.map((values) => ('count' in values ? values.count : 0)))
  const longest = Math.max(1, ...shown.map((values) => ('p90' in values ? values.p90 : 0)))
  const reach = Math.max(0.001, ...shown.flatMap((values) => ('difference' in values && values.difference ? [Math.abs(values.difference.low), Math.abs(values.difference.high)] : [])))
  const share: Column[] = [
    { title: 'Share', cell: (values) => percent((values as Share).rate) },
    { title: title(unit), cell: (values) => whole((values as Share).numerator) },
    { title: 'of', cell: (values) => whole((values as Share).denominator) },
  ]
  const kinds: Record<Kind, Column[]> = {
    share: [{ title: '', picture: true, cell: (values) => bar((values as Share).rate ?? 0) }, ...share],
    count: [
      { title: '', picture: true, cell: (values) => bar('count' in values ? values.count / most : 0) },
      { title: title(unit), cell: (values) => ('count' in values ? whole(values.count) : '') },
    ],
    times: [
      { title: '', picture: true, cell: (values) => spread({ low: (values as Times).p25 / longest, middle: (values as Times).p50 / longest, high: (values as Times).p90 / longest }) },
      { title: 'p25', cell: (values) => seconds((values as Times).p25) },
      { title: 'p50', cell: (values) => seconds((values as Times).p50) },
      { title: 'p90', cell: (values) => seconds((values as Times).p90) },
      { title: 'Logins', cell: (values) => whole((values as Times).count) },
    ],
    comparison: [
      ...share,
      { title: '95 % interval', cell: (values) => between((values as Comparison).low, (values as Comparison).high, percent) },
      { title: '', picture: true, cell: (values) => differenceOf(values as Comparison, reach) },
      { title: 'Difference', cell: (values) => withDifference(values as Comparison, ({ value }) => points(value), 'baseline') },
      { title: '95 % interval of the difference', cell: (values) => withDifference(values as Comparison, ({ low, high }) => between(low, high, points), '') },
    ],
  }
  return [...kinds[answer.kind], ...(unit === 'people' ? [] : [{ title: 'People', cell: (_: Values, row: Row) => ('people' in row ? whole(row.people) : '') }])]
}

const between = (low: number, high: number, shown: (value: number) => string): string => `${shown(low)} to ${shown(high)}`
type Difference = NonNullable<Comparison['difference']>
const withDifference = ({ difference: found }: Comparison, shown: (found: Difference) => string, otherwise: string): string => (found ? shown(found) : otherwise)
const differenceOf = ({ difference: found }: Comparison, reach: number): Html | string => (found ? difference({ low: found.low, middle: found.value, high: found.high, reach }) : '')

/** A funnel: each bar is a part of the first one of its group. */
function stepColumns({ rows, unit, by }: Answer): Column[] {
  const groupOf = (row: Row): string => JSON.stringify([row.period, ...by.map((part) => row.group[part])])
  const counted = (row: Row): number => ('values' in row && 'numerator' in row.values ? row.values.numerator : 0)
  const first = new Map<string, Row>()
  for (const row of rows) if (!first.has(groupOf(row))) first.set(groupOf(row), row)
  const isFirst = (row: Row): boolean => first.get(groupOf(row)) === row
  const ofFirst = (row: Row): number => counted(row) / Math.max(1, counted(first.get(groupOf(row)) ?? row))
  const dropped = (values: Values, row: Row): string => {
    const { numerator, denominator, rate } = values as Share
    return isFirst(row) || rate === null ? '–' : `${percent(1 - rate)} (${whole(denominator - numerator)})`
  }
  return [
    { title: '', picture: true, cell: (_, row) => bar(ofFirst(row)) },
    { title: title(unit), cell: (_, row) => whole(counted(row)) },
    { title: 'of the first', cell: (_, row) => percent(ofFirst(row)) },
    { title: 'of the step before', cell: (values, row) => (isFirst(row) ? '–' : percent((values as Share).rate)) },
    { title: 'dropped off', cell: dropped },
  ]
}
