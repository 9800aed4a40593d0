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
import type { Answer, Comparison } from './answer.ts'
import { ask } from './ask.ts'
import { adoptionLogins } from './logins.ts'
import type { Metric } from './metric.ts'
import { metrics } from './metrics.ts'
import { adoptionPeople } from './people.ts'
import { Dimension, Every, type Question } from './question.ts'
import { plainAnswer, plainMetrics } from './testing-plain.ts'
import { readPlain, type Plain } from './testing-plain-history.ts'
import { isProvisional, valueOf } from './testing-plain-scope.ts'

const prove = Boolean(process.env['PROVE'])
const logins = prove ? 100_000 : 400
/** Of whole populations, period by period, a plain loop takes its time. */
const questionsOf = ({ state }: Metric): number => (prove ? (state ? 4 : 12) : state ? 6 : 12)
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
  occurring = seen()
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
let occurring: ReadonlyMap<Dimension, ReadonlySet<string>>
function seen(): typeof occurring {
  const question = { timeZone: 'UTC', by: [], filters: {}, test: true } satisfies Question
  const some = plain.logins.filter((_, index) => index % Math.ceil(plain.logins.length / 400) === 0)
  return new Map(Dimension.options.map((name) => [name, new Set(some.map((login) => valueOf(plain, login, name, question)))]))
}
const filters = (): fc.Arbitrary<Question['filters']> => {
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
const told = (rows: readonly { period?: string | undefined; group: Record<string, string>; people: number; values: Record<string, number | undefined>; provisional: boolean }[]): string[] =>
  rows
    .filter(({ people, values }) => people > 0 || Object.values(values).some((value) => (value ?? 0) > 0))
    .map(({ period, group, people, values, provisional }) => {
      const figures = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value.toFixed(6).replace('-0.000000', '0.000000')]]))
      return JSON.stringify([period ?? null, Object.entries(group).toSorted(), people, figures.toSorted(), provisional])
    })
    .toSorted()

function answered({ rows }: Answer): Parameters<typeof told>[0] {
  return rows.map((row) => {
    if (!('values' in row)) throw new TypeError('nothing is hidden here')
    const { rate: _, difference = null, ...figures } = row.values as Partial<Comparison> & Record<string, number>
    const against = difference === null ? {} : { difference: difference.value, differenceLow: difference.low, differenceHigh: difference.high }
    return { period: row.period, group: row.group, people: row.people, values: { ...figures, ...against }, provisional: row.provisional === true }
  })
}

const tables = { logins: tableName(adoptionLogins), people: tableName(adoptionPeople) }

/** What is refused of offers is not asked for: conditional ones and others in one figure. */
function askable(metric: Metric, question: Question): Question {
  const { mode } = question.filters
  return metric.ofOffers && (mode?.length ?? 0) > 1 && !question.by.includes('mode') ? { ...question, filters: { ...question.filters, mode: mode?.slice(0, 1) } } : question
}

async function expectAgreement(metric: Metric, wanted: Question): Promise<void> {
  const question = askable(metric, wanted)
  const answer = await ask({ sql: database.sql, tables, k: 1 }, metric, question)
  const rows = plainAnswer(plain, metric.name, question, metric.groups)
  expect(told(answered(answer))).toEqual(told(rows.map((row) => ({ ...row, provisional: isProvisional(plain, question, row.period, metric.settles) }))))
  expect(answer.asOf).toBe(plain.newest)
}

describe('Over a year of logins', () => {
  test('every metric there is has been computed a second time', () => {
    expect(plainMetrics.toSorted()).toEqual(metrics.map(({ name }) => name).toSorted())
  })

  test.each(metrics.map((metric) => [metric.name, metric] as const))('%s is what the raw events say', async (_, metric) => {
    await fc.assert(fc.asyncProperty(questions(), (question) => expectAgreement(metric, question)), { numRuns: questionsOf(metric), seed })
  })
  test('groups of few people are not shown, none can be told from what is shown beside it, and all others are as they are', async () => {
    const k = 7
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...metrics), questions(), async (metric, wanted) => {
        const question = askable(metric, wanted)
        const [all, some] = await Promise.all([1, k].map((k) => ask({ sql: database.sql, tables, k }, metric, question)))
        const whole = new Map(all?.rows.map((row) => [JSON.stringify([row.period, row.group]), row]))
        for (const row of some?.rows ?? []) {
          const same = whole.get(JSON.stringify([row.period, row.group]))
          if (!('fewerThan' in row) && same && 'people' in same) expect(row.people >= k || row.people === 0).toBe(true)
          // The difference to a variant that is not shown is not shown.
          if ('values' in row && metric.kind !== 'comparison') expect(row).toEqual(same)
        }
        expect(some?.rows.length).toBe(all?.rows.length)
        for (const part of [...question.by, ...metric.divides]) {
          const lines = Map.groupBy(some?.rows ?? [], ({ period, group }) => JSON.stringify([period, { ...group, [part]: '' }]))
          for (const line of lines.values()) {
            const [alone, another] = line.filter((row) => 'fewerThan' in row)
            // Nobody is nobody: that there are none of them gives nobody away.
            if (line.length > 1 && alone && !another) expect(whole.get(JSON.stringify([alone.period, alone.group])), part).toMatchObject({ people: 0 })
          }
        }
      }),
      { numRuns: prove ? 100 : 20, seed },
    )
  })
})
