/** What analysts wait for: every metric, asked as it is usually asked, and every page of the console, over a year of logins and over ten times as many. */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import { startAdoptionDemo } from '../demo/adoption.ts'
import { adoptionTables, openAdoption } from '../projections/adoption/adoption.ts'
import { metrics } from '../projections/adoption/metrics.ts'
import { Question } from '../projections/adoption/question.ts'
import type { Projection } from '../projections/projection.ts'
import { adoptionLogins } from '../projections/adoption/logins.ts'
import { adoptionPeople } from '../projections/adoption/people.ts'
import { startPostgres } from '../projections/testing-postgres.ts'
import { median, quantile, shown, table } from './figures.ts'

/** ms, of every question about `what`, and by the one that took longest. */
export type Asked = { what: string; ms: number[]; slowest: string }
/** `pages`: that nobody opened before; `again`: the same ones once more; `moved`: and once more, after the tables have changed. */
export type Answers = { logins: number; people: number; count: number[]; metrics: Asked[]; pages: Asked[]; again: Asked[]; moved: Asked[] }

const times = 10
let days = 0
const ofLogins = new Set(['account', 'installation'])
const ofPasskeys = new Set(['passkey', 'used_passkey'])

/** `rounds`: each question so often. */
export async function measureQuestions({ logins, rounds }: { logins: number; rounds: number }): Promise<Answers[]> {
  const server = await startPostgres()
  const databaseUrl = await server.createDatabase()
  const demo = await startAdoptionDemo({ logins, seed: 1, until: new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000), port: 0, databaseUrl, print: (line) => process.stderr.write(`${line}\n`) })
  const sql = postgres(databaseUrl, { max: 4, onnotice: () => {} })
  try {
    const { url, consoleKey = '' } = demo.keyledger
    const answers: Answers[] = []
    for (const size of [1, times]) {
      if (size > 1) await multiply(sql, size)
      await sql`vacuum analyze`
      answers.push(await measure(sql, { url, consoleKey, rounds: size > 1 ? Math.ceil(rounds / 2) : rounds }))
    }
    return answers
  } finally {
    await sql.end()
    await demo.close()
    await server.remove()
  }
}

/** As many people more who do the same, a little later: they share no account, device or passkey. */
export async function multiply(sql: Sql, size: number): Promise<void> {
  const copy = (projection: Projection, name: string): string => {
    const columns = Object.entries(projection.columns).map(([column, type]): [string, string] => {
      if (type === 'uuid' && ofLogins.has(column)) return [column, `md5(${column}::text || n)::uuid`]
      if (type === 'timestamptz') return [column, `${column} + n * interval '17 seconds'`]
      return [column, ofPasskeys.has(column) ? `${column} || n` : column]
    })
    return `insert into ${name} (key, ${columns.map(([column]) => `"${column}"`).join(', ')}) select md5(key || n)::uuid::text, ${columns.map(([, value]) => value).join(', ')} from ${name}, generate_series(1, ${size - 1}) n`
  }
  const { logins, people } = adoptionTables()
  await sql.unsafe(copy(adoptionLogins, logins))
  await sql.unsafe(copy(adoptionPeople, people))
}

export async function measure(sql: Sql, { url, consoleKey, rounds }: { url: string; consoleKey: string; rounds: number }): Promise<Answers> {
  const tables = adoptionTables()
  const counted = async (name: string): Promise<number> => (await sql<{ count: number }[]>`select count(*)::int as count from ${sql(name)}`)[0]?.count ?? 0
  const adoption = openAdoption({ sql, k: 10 })
  const questions = await usual(sql)
  const paths = await pagesOf(url, consoleKey)
  const answers: Answers = { logins: await counted(tables.logins), people: await counted(tables.people), count: [], metrics: [], pages: [], again: [], moved: [] }
  const longest = new Map<Asked, number>()
  const timed = async (asked: Asked, what: string, work: () => Promise<unknown>): Promise<void> => {
    const begun = performance.now()
    await work()
    const took = performance.now() - begun
    asked.ms.push(took)
    if (took <= (longest.get(asked) ?? 0)) return
    longest.set(asked, took)
    asked.slowest = what
  }
  const entry = (of: Asked[], what: string): Asked => of.find((one) => one.what === what) ?? of[of.push({ what, ms: [], slowest: '' }) - 1] as Asked
  const open = async (path: string): Promise<void> => {
    const answer = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${consoleKey}` } })
    if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}`)
    await answer.text()
  }
  // As after any login: nothing that was answered before holds.
  const change = () => sql`update projection_checkpoints set generation = generation + 1`
  // In turn, so that a machine whose speed drifts does not favour one of them.
  for (let round = 0; round < rounds; round += 1) {
    await change()
    for (const { name } of metrics) {
      const begun = performance.now()
      await counted(tables.logins)
      answers.count.push(performance.now() - begun)
      for (const [words, question] of questions) await timed(entry(answers.metrics, name), words, () => adoption.ask(name, question))
    }
    for (const path of paths) {
      const [name = ''] = path.split('?')
      // Until a day that nobody named so far: the same figures, and nobody was told them yet.
      const own = `${path}${path.includes('?') ? '&' : '?'}to=${new Date(Date.UTC(2100, 0, (days += 1))).toISOString().slice(0, 10)}`
      const begun = performance.now()
      await timed(entry(answers.pages, name), path, () => open(own))
      const took = performance.now() - begun
      await timed(entry(answers.again, name), path, () => open(own))
      await change()
      await timed(entry(answers.moved, name), path, () => open(own))
      // The figures of now are still being worked out, and would be in the way of the next page.
      await sleep(2 * took)
    }
  }
  return answers
}

/** What is asked first, and what is asked when that raises a question. */
async function usual(sql: Sql): Promise<[string, Question][]> {
  const [newest] = await sql<{ day: string }[]>`select to_char(max(started_at), 'YYYY-MM-DD') as day from ${sql(adoptionTables().logins)}`
  const ago = (days: number): string => new Date(Date.parse(newest?.day ?? '2026-01-01') - days * 86_400_000).toISOString().slice(0, 10)
  const all: Record<string, Partial<Question>> = {
    'everything': {},
    'by week': { every: 'week' },
    'by day, the last 90 days': { every: 'day', from: ago(90) },
    'by platform and week': { every: 'week', by: ['platform'] },
    'by platform, OS version and app version': { by: ['platform', 'osVersion', 'appVersion'] },
    'by variant': { by: ['variant'] },
    'by policy': { by: ['policy'] },
    'by number of the offer and entry point': { by: ['offer', 'entryPoint'] },
    'by provider': { by: ['provider'] },
    'by cohort': { by: ['cohort'] },
    'iOS, the last 30 days, by day, Berlin': { every: 'day', from: ago(30), timeZone: 'Europe/Berlin', filters: { platform: ['ios'] } },
    'two variants of one policy, by month': { every: 'month', by: ['variant'], filters: { policy: ['4'], variant: ['plain', 'benefit'] } },
  }
  return Object.entries(all).map(([words, question]) => [words, Question.parse({ ...question })])
}

/** All that the console's own navigation leads to, as it opens, and for one platform in the last quarter. */
async function pagesOf(url: string, consoleKey: string): Promise<string[]> {
  const overview = await fetch(`${url}/console`, { headers: { Authorization: `Bearer ${consoleKey}` } })
  if (overview.status !== 200) return []
  const links = [...(await overview.text()).matchAll(/href="(\/console(?:\/[\w-]+)?)(?:\?[^"]*)?"/g)].map(([, path]) => path as string)
  const from = new Date(Date.now() - 91 * 86_400_000).toISOString().slice(0, 10)
  return [...new Set(links)].filter((path) => !/sign|assets/.test(path)).flatMap((path) => [path, `${path}?platform=ios&from=${from}`])
}

const called = (words: string, asked: readonly Asked[]): Asked[] => asked.map((one) => ({ ...one, what: `${one.what}, ${words}` }))

export const questionsTable = ({ metrics, pages, again, moved, count }: Answers): string =>
  table(['what', 'p50 ms', 'p95 ms', 'longest: ms, what'], [
    ['`select count(*)` of the logins', shown(median(count)), shown(quantile(count, 0.95)), shown(Math.max(...count))],
    ...[...metrics, ...pages, ...called('again', again), ...called('after a change', moved)].map(({ what, ms, slowest }) => [what, shown(median(ms)), shown(quantile(ms, 0.95)), `${shown(Math.max(...ms))}, ${slowest}`]),
  ])
