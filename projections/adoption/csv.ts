/**
 * An answer as CSV (RFC 4180, UTF-8). Before the header stand lines that begin with `#` and say what the figures mean; RFC 4180 knows no comments,
 * most readers can be told to skip them. Figures are plain numbers with a point; a share is a fraction of 1.
 */
import type { Answer, Kind, Row, Values } from './answer.ts'

const columns: Record<Kind, readonly string[]> = {
  share: ['numerator', 'denominator', 'rate'],
  count: ['count'],
  times: ['p25', 'p50', 'p90', 'count'],
  comparison: ['numerator', 'denominator', 'rate', 'low', 'high', 'baseline', 'difference', 'difference_low', 'difference_high'],
}

export function csvOf(answer: Answer): string {
  const { every, by, groups, kind, rows } = answer
  const parts = [...by, ...groups]
  const header = [...(every ? ['period'] : []), ...parts, 'people', ...columns[kind], 'provisional', 'fewer_than']
  const lines = rows.map((row) => [
    ...(every ? [row.period ?? ''] : []),
    ...parts.map((part) => row.group[part] ?? ''),
    ...('values' in row ? [row.people, ...figures(kind, row.values)] : [null, ...columns[kind].map(() => null)]),
    row.provisional === true,
    fewerThan(row),
  ])
  return [...comments(answer).map((line) => `# ${line.replace(/[\r\n]+/g, ' ')}`), ...[header, ...lines].map((cells) => cells.map(cell).join(','))].map((line) => `${line}\r\n`).join('')
}

const fewerThan = (row: Row): number | null => ('fewerThan' in row ? row.fewerThan : null)

function comments({ title, definition, unit, denominator, asOf, from, to, every, timeZone, filters, test, k, provisionalFrom, warnings }: Answer): string[] {
  return [
    title,
    `Definition: ${definition}`,
    `Unit: ${unit}`,
    `Denominator: ${denominator}`,
    `As of: ${asOf ?? 'no events yet'}`,
    `From: ${from ?? 'the beginning'}, to (not included): ${to ?? 'now'}, every: ${every ?? 'no period'}, time zone: ${timeZone}${test ? ', with tests' : ''}`,
    ...Object.entries(filters).map(([name, values]) => `Only ${name}: ${values?.join(', ')}`),
    ...(provisionalFrom === null ? [] : [`Provisional from: ${provisionalFrom}`]),
    ...(k > 1 ? [`Groups of fewer than ${k} people are not shown.`] : []),
    ...warnings.map((warning) => `Warning: ${warning}`),
  ]
}

function figures(kind: Kind, values: Values): (number | string | null)[] {
  if (kind !== 'comparison' || !('low' in values)) return columns[kind].map((name) => (values as unknown as Record<string, number | null>)[name] ?? null)
  const { numerator, denominator, rate, low, high, difference } = values
  return [numerator, denominator, rate, low, high, difference?.baseline ?? null, difference?.value ?? null, difference?.low ?? null, difference?.high ?? null]
}

/** A spreadsheet takes a text that begins so for a formula (OWASP, "CSV Injection"); with an apostrophe before it, it is text. */
const formula = /^[=+\-@\t\r]/

function cell(value: string | number | boolean | null): string {
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  const text = formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
