/**
 * `npm run soak -- --minutes 60 --rate 20`: logins at an even rate, with the real hash, for as long as it is asked to. Once a minute it prints what must
 * stay as it is: memory, open files, and how far the rows are behind; at the end, how they moved over the second half.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startPostgres } from '../projections/testing-postgres.ts'
import { quantile, shown, table } from './figures.ts'
import type { EngineOptions, Played, Started } from './options.ts'
import { startWorker } from './process.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, rate: { type: 'string', default: '20' } } })
const [minutes, rate] = [Number(values.minutes), Number(values.rate)]

const folder = mkdtempSync(join(tmpdir(), 'keyledger-soak-'))
const postgres = await startPostgres()
const [engine, load] = [startWorker('engine-process.ts'), startWorker('load-process.ts')]
const options: EngineOptions = { folder, hash: 'argon2id', projecting: true, databaseUrl: await postgres.createDatabase() }
const started = await engine.call<Started>('start', options)

const openFiles = (): number => readdirSync(`/proc/${engine.pid}/fd`).length
const rows: { minute: number; logins: number; failures: number; rss: number; files: number; lag: number; p99: number }[] = []
const failures: Record<string, number> = {}

for (let minute = 1; minute <= minutes; minute += 1) {
  const people = await engine.call<string[]>('register', { prefix: `soak-${minute}-`, count: rate * 60 })
  const playing = load.call<Played>('play', { ...started, people, concurrency: 64, seconds: 60, rate })
  const lags: number[] = []
  let over = false
  void playing.finally(() => (over = true)).catch(() => {})
  // The rows of those who were registered a moment ago come first.
  for (await sleep(5_000); !over; await sleep(500)) lags.push(await engine.call<number>('lag'))
  const played = await playing
  const row = {
    minute,
    logins: played.logins,
    failures: Object.values(played.failures).reduce((sum, times) => sum + times, 0),
    rss: (await engine.usage()).rss / 1e6,
    files: openFiles(),
    lag: Math.max(0, ...lags),
    p99: quantile(Object.values(played.steps).flat(), 0.99),
  }
  rows.push(row)
  console.log(`minute ${minute}: ${row.logins} logins, ${row.failures} failed, RSS ${shown(row.rss)} MB, ${row.files} files open, lag at most ${shown(row.lag)} ms, p99 of a request ${shown(row.p99)} ms`)
  for (const [what, times] of Object.entries(played.failures)) {
    console.log(`  FAILED ${times} times: ${what}`)
    failures[what] = (failures[what] ?? 0) + times
  }
}

const later = rows.slice(Math.floor(rows.length / 2))
const range = (figure: (row: (typeof rows)[number]) => number): string[] => {
  const all = later.map(figure)
  return [shown(Math.min(...all)), shown(Math.max(...all)), shown((all.at(-1) ?? 0) - (all[0] ?? 0))]
}
console.log(`\n${rows.reduce((sum, { logins }) => sum + logins, 0)} logins at ${rate}/s; the second half of the run:\n`)
console.log(table(['', 'lowest', 'highest', 'last less first'], [
  ['RSS of the engine, MB', ...range(({ rss }) => rss)],
  ['files open', ...range(({ files }) => files)],
  ['lag at most, ms', ...range(({ lag }) => lag)],
]))
for (const [what, times] of Object.entries(failures)) console.log(`FAILED ${times} times: ${what}`)

await load.stop()
await engine.stop()
await postgres.remove()
rmSync(folder, { recursive: true, force: true })
process.exit(Object.keys(failures).length > 0 ? 1 : 0)
