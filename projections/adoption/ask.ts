/** Asks the tables, and makes an answer of it that says what its figures mean. */
import type { Sql } from 'postgres'
import type { Answer, Group, Row, Share, Values } from './answer.ts'
import { compare, warningsOf } from './compare.ts'
import { hidden } from './disclosure.ts'
import type { Metric } from './metric.ts'
import { BadQuestion, type Dimension, type Question } from './question.ts'
import { scopeOf, type Bind, type Tables } from './scope.ts'

export type Disclosure = {
  /** Groups of fewer people are not shown. */
  k: number
  /** How many people each variant of a test is to have before it is looked at. */
  plannedPeople?: number | undefined
}

/** The tables cannot be read now: the database is away, or they were not made yet. */
export class FiguresUnavailable extends Error {
  readonly code = 'figures_unavailable'
}

type Found = { period: string | null; provisional: boolean; people: number | null } & Record<string, unknown>

const mostRows = 10_000

/** @throws BadQuestion, FiguresUnavailable */
export async function ask({ sql, tables, k, plannedPeople }: { sql: Sql; tables: Tables } & Disclosure, metric: Metric, asked: Question): Promise<Answer> {
  const question = forMetric(metric, asked)
  const { from = null, to = null, every = null, timeZone, by, filters, test } = question
  const found = await rowsOf(sql, queryOf(metric, question, tables), question)
  const [first] = found
  const asOf = (first?.['as_of'] as string | null | undefined) ?? null
  const rows = found.filter(({ people }) => people !== null)
  if (rows.length > mostRows) throw new BadQuestion('by', `gives more than ${mostRows} rows: ask for a shorter time, a longer period, or fewer groups`)
  const { name, title, definition, unit, denominator, kind } = metric
  const { told, warnings } = tell(metric, by, rows, { k, plannedPeople })
  return {
    metric: name, name, title, definition, unit, denominator, kind,
    asOf, from, to, every, timeZone, by, groups: [...metric.groups], filters, test, k,
    provisionalFrom: asOf === null ? null : new Date(Date.parse(asOf) - (metric.settles ?? 1) * 86_400_000).toISOString(),
    rows: told,
    warnings,
  }
}

/** What a metric groups by itself it need not be asked to. @throws BadQuestion */
function forMetric(metric: Metric, question: Question): Question {
  const { mode } = question.filters
  if (metric.ofOffers && mode && mode.length > 1 && mode.includes('conditional') && !question.by.includes('mode')) {
    throw new BadQuestion('mode', 'conditional offers ask nobody and are not mixed with others: ask for them alone, or for by=mode')
  }
  return { ...question, by: question.by.filter((one) => !metric.groups.includes(one)) }
}

function queryOf(metric: Metric, question: Question, tables: Tables): { text: string; values: (string | string[])[] } {
  const bound: { value: string | string[]; type: string }[] = []
  const bind: Bind = (value, type) => `{{${bound.push({ value: value as string | string[], type }) - 1}}}`
  const scope = scopeOf(question, tables, bind)
  const end = question.every ? `least(${[scope.endOf('q.period'), ...(scope.end ? [scope.end] : [])].join(', ')})` : (scope.end ?? "'infinity'::timestamptz")
  // One statement, so that figures and `as_of` are of one moment; and there is a row where there are no figures.
  const text = `select meta.as_of, ${end} > meta.as_of - interval '${metric.settles ?? 1} days' as provisional, q.* ${question.every ? ", to_char(q.period, 'YYYY-MM-DD') as period" : ''}
    from (select ${newestOf(tables)} as as_of) meta
    left join (select * from (${metric.query(scope)}) figures limit ${mostRows + 1}) q on true`
  // Numbered as they occur: of one that occurs nowhere Postgres could not tell the type.
  const used: string[] = []
  const numbered = text.replace(/{{(\d+)}}/g, (_, n: string) => {
    if (!used.includes(n)) used.push(n)
    return `$${used.indexOf(n) + 1}::${bound[Number(n)]?.type}`
  })
  return { text: numbered, values: used.map((n) => bound[Number(n)]?.value ?? '') }
}

const newestOf = ({ logins, people }: Tables): string => `greatest((select max(last_at) from ${logins}), (select max(last_at) from ${people}))`

/** When the newest event happened that is counted (ISO 8601); null where there is none yet. @throws FiguresUnavailable */
export async function newest(sql: Sql, tables: Tables): Promise<string | null> {
  const [row] = await rowsOf(sql, { text: `select ${newestOf(tables)} as as_of`, values: [] }, {})
  return (row?.['as_of'] as string | null | undefined) ?? null
}

/** Another one whenever the tables have changed: they move with their checkpoints, in one transaction. @throws FiguresUnavailable */
export async function positionOf(sql: Sql, tables: Tables): Promise<string> {
  const rows = await rowsOf(sql, { text: 'select projection, position, generation from projection_checkpoints where projection = any($1::text[]) order by projection', values: [Object.values(tables)] }, {})
  return JSON.stringify(rows)
}

async function rowsOf(sql: Sql, { text, values }: { text: string; values: (string | string[])[] }, { from, to }: Pick<Question, 'from' | 'to'>): Promise<Found[]> {
  try {
    return [...(await sql.unsafe<Found[]>(text, values))]
  } catch (error) {
    const code = codeOf(error)
    // Names and times that Postgres does not take (PostgreSQL, appendix A): its own time zones, its own calendar.
    if (code === '22023') throw new BadQuestion('timeZone', 'is not known to the database')
    if ((code === '22007' || code === '22008') && (from ?? to) !== undefined) throw new BadQuestion(from === undefined ? 'to' : 'from', 'is no time that the database knows')
    // Any other complaint about the query is an error of ours.
    if (/^(22|42)/.test(code) && code !== '42P01') throw error
    throw new FiguresUnavailable('the figures cannot be read now', { cause: error })
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')

function tell(metric: Metric, by: readonly Dimension[], found: readonly Found[], { k, plannedPeople }: Disclosure): { told: Row[]; warnings: string[] } {
  const parts = [...by, ...metric.groups]
  const counted = found.map((row) => {
    const group: Group = Object.fromEntries(parts.map((part) => [part, String(row[part])]))
    return { row, group, key: { ...group, period: row.period ?? '' }, people: row.people ?? 0 }
  })
  const out = hidden(counted, k, [...by, ...metric.divides, ...(metric.state ? [] : ['period'])])
  const values = new Map(counted.flatMap((one) => (out.has(one) ? [] : [[one, valuesOf(metric, one.row)] as const])))
  const warnings: string[] = []
  if (metric.kind === 'comparison') {
    for (const place of Map.groupBy(counted, ({ key }) => JSON.stringify({ ...key, variant: null })).values()) {
      const shown = new Map(place.flatMap((one) => (values.has(one) ? [[one.group['variant'] ?? '', values.get(one) as Share] as const] : [])))
      const compared = compare(shown, place.map(({ group }) => group['variant'] ?? ''))
      for (const one of place) if (values.has(one)) values.set(one, compared.get(one.group['variant'] ?? '') as Values)
    }
    warnings.push(...warningsOf([...values.values()] as Share[], plannedPeople))
  }
  const told = counted.toSorted(inOrder(metric, parts)).map((one): Row => {
    const { row, group, people } = one
    const place = { ...(row.period === null || row.period === undefined ? {} : { period: row.period }), group, ...(row.provisional ? { provisional: true as const } : {}) }
    const shown = values.get(one)
    return shown ? { ...place, people, values: shown } : { ...place, fewerThan: k }
  })
  return { told, warnings }
}

function valuesOf({ kind }: Metric, row: Found): Values {
  const number = (name: string): number => Number(row[name])
  if (kind === 'count') return { count: number('count') }
  if (kind === 'times') return { p25: number('p25'), p50: number('p50'), p90: number('p90'), count: number('count') }
  const [numerator, denominator] = [number('numerator'), number('denominator')]
  return { numerator, denominator, rate: denominator === 0 ? null : numerator / denominator }
}

/** By period, then by the question's groupings, then by the metric's. What was hidden stays in its place, so that the order says nothing of its size. */
const inOrder =
  ({ order = [] }: Metric, parts: readonly string[]) =>
  (a: { key: Readonly<Record<string, string>> }, b: typeof a): number => {
    for (const part of ['period', ...parts]) {
      const [one, other] = [a.key[part] ?? '', b.key[part] ?? '']
      if (one === other) continue
      const [first, second] = [order.indexOf(one), order.indexOf(other)]
      if (first >= 0 && second >= 0) return first - second
      return first >= 0 ? -1 : second >= 0 ? 1 : one < other ? -1 : 1
    }
    return 0
  }
