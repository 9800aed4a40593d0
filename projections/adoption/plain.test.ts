/** The independent check: under random filters and groupings every metric's query says what a plain computation over the raw events says. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestFile } from '../../eventlog/testing.ts'
import { writeYear } from '../../synthetic/write.ts'
import { createYear } from '../../synthetic/year.ts'
import { openDatabase, type Database } from '../database.ts'
import { tableName } from '../projection.ts'
import { createRunner } from '../run.ts'
import { startPostgres, type TestPostgres } from '../testing-postgres.ts'
import { caughtUp } from '../testing.ts'
import type { Row } from './answer.ts'
import { ask } from './ask.ts'
import { adoptionLogins } from './logins.ts'
import type { Metric } from './metric.ts'
import { metrics } from './metrics.ts'
import { adoptionPeople } from './people.ts'
import { Dimension, Every, type Question } from './question.ts'
import { plainAnswer, plainMetrics, type PlainRow } from './testing-plain.ts'
import { readPlain, type Plain } from './testing-plain-history.ts'
import { valueOf } from './testing-plain-scope.ts'

const prove = Boolean(process.env['PROVE'])
const logins = prove ? 100_000 : 400
/** Of whole populations, period by period, a plain loop takes its time. */
const questionsOf = ({ state }: Metric): number => (prove ? (state ? 4 : 12) : state ? 10 : 16)
const seed = Number(process.env['PROVE_SEED'] ?? 20_260_302)
const until = new Date('2026-11-29T00:00:00.000Z')

let postgres: TestPostgres
let database: Database
let plain: Plain
beforeAll(async () => {
  const file = openTestFile()
  const log = file.open()
  await writeYear(log, createYear({ seed, logins, until }))
  plain = await readPlain(log)
  postgres = await startPostgres()
  database = openDatabase({ url: await postgres.createDatabase() })
  await database.ready
  const runner = createRunner({ log, sql: database.sql, projections: [adoptionLogins, adoptionPeople], id: 'plain', now: () => until })
  runner.start()
  await caughtUp(runner)
  await runner.stop()
  await file.remove()
  await database.sql`analyze`
}, 1_200_000)
afterAll(async () => {
  await database.close()
  await postgres.remove()
})

/** A moment of the year, as a day or to the millisecond. */
const moments = fc
  .tuple(fc.integer({ min: -3, max: 368 }), fc.integer({ min: 0, max: 86_399_999 }), fc.boolean())
  .map(([days, ms, exact]) => new Date(until.getTime() - days * 86_400_000 + (exact ? ms : 0)).toISOString())
  .chain((at) => fc.constantFrom(at, at.slice(0, 10), at.slice(0, 10)))
const period = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: moments.map((from) => ({ from })) },
  { weight: 1, arbitrary: moments.map((to) => ({ to })) },
  { weight: 2, arbitrary: fc.tuple(moments, moments).map((both) => { const [from, to] = both.toSorted(); return { from, to } }) },
)
/** Some of what occurs, and what does not. */
const filters = (): fc.Arbitrary<Question['filters']> => {
  const occurring = new Map(Dimension.options.map((name) => [name, new Set<string>()]))
  const question = { timeZone: 'UTC', by: [], filters: {}, test: true } satisfies Question
  for (const login of plain.logins.filter((_, index) => index % Math.ceil(plain.logins.length / 400) === 0)) for (const name of Dimension.options) occurring.get(name)?.add(valueOf(plain, login, name, question))
  const values = (name: Dimension): fc.Arbitrary<string[]> => fc.uniqueArray(fc.constantFrom(...(occurring.get(name) ?? []), 'none'), { minLength: 1, maxLength: 6 })
  const one = fc.constantFrom(...Dimension.options).chain((name) => values(name).map((chosen) => ({ [name]: chosen })))
  return fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 3, arbitrary: one }, { weight: 2, arbitrary: fc.tuple(one, one).map(([a, b]) => ({ ...a, ...b })) })
}
const questions = (): fc.Arbitrary<Question> =>
  fc
    .record({
      period,
      every: fc.constantFrom(undefined, undefined, ...Every.options),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland'),
      by: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 5, arbitrary: fc.uniqueArray(fc.constantFrom(...Dimension.options), { maxLength: 3 }) }),
      filters: filters(),
      test: fc.boolean(),
    })
    .map(({ period, every, by, ...rest }) => ({ ...period, ...(every && { every }), ...rest, by: [...by] }))
    // Of more rows than an answer may have nobody learns anything.
    .filter(({ by, every }) => !(every === 'day' && by.length > 1))

/** In one form, and without what is nothing of nothing. */
function told(rows: readonly (Row | PlainRow)[]): string[] {
  return rows
    .flatMap((row) => {
      if (!('values' in row)) throw new TypeError('nothing is hidden here')
      const { numerator, denominator, count, p25, p50, p90 } = row.values as Record<string, number>
      const values = count === undefined ? [numerator, denominator] : [count, ...[p25, p50, p90].map((seconds) => seconds?.toFixed(3))]
      if (!row.people && !values.some((value) => Number(value) > 0)) return []
      return [JSON.stringify([row.period ?? null, Object.entries(row.group).toSorted(), row.people, values])]
    })
    .toSorted()
}

async function expectAgreement(metric: Metric, question: Question): Promise<void> {
  const tables = { logins: tableName(adoptionLogins), people: tableName(adoptionPeople) }
  const { mode } = question.filters
  // What is refused of offers: conditional ones and others in one figure.
  const asked = metric.ofOffers && (mode?.length ?? 0) > 1 && !question.by.includes('mode') ? { ...question, filters: { ...question.filters, mode: mode?.slice(0, 1) } } : question
  const { rows } = await ask({ sql: database.sql, tables, k: 1 }, metric, asked)
  expect(told(rows)).toEqual(told(plainAnswer(plain, metric.name, asked, metric.groups)))
}

describe('Over a year of logins', () => {
  test('every metric there is has been computed a second time', () => {
    expect(plainMetrics.toSorted()).toEqual(metrics.map(({ name }) => name).toSorted())
  })

  test.each(metrics.map((metric) => [metric.name, metric] as const))('%s is what the raw events say', async (_, metric) => {
    await fc.assert(fc.asyncProperty(questions(), (question) => expectAgreement(metric, question)), { numRuns: questionsOf(metric), seed })
  })
})
