/**
 * `npm run bench`: what a login costs, beside what this machine can do at most, in one run.
 *   --seconds N   of a window (5)          --windows N   of each figure (5)
 *   --events N    to read (1000000)        --only WORDS  a store, a hash, `limits`, `log`, `rebuild` or `questions`: several, with commas between them
 *   --logins N    that analysts ask about (100000), and ten times as many
 *   --profile DIR a CPU profile of each engine, for `chrome://inspect` or VS Code
 */
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { median, shown, spread, table } from './figures.ts'
import { measureLimits } from './limits.ts'
import { measureLog } from './log.ts'
import { measureRebuilds, rebuildsTable } from './projections.ts'
import { measureQuestions, questionsTable } from './questions.ts'
import { loginsHead, loginsRow, measureLogins, stepsHead, stepsRow, stores, type Measured, type Wanted } from './logins.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    windows: { type: 'string', default: '5' },
    events: { type: 'string', default: '1000000' },
    logins: { type: 'string', default: '100000' },
    only: { type: 'string', default: '' },
    profile: { type: 'string' },
  },
})
const [seconds, windows, events, logins] = [Number(values.seconds), Number(values.windows), Number(values.events), Number(values.logins)]
if (![seconds, windows, events, logins].every((number) => number > 0)) throw new TypeError('--seconds, --windows, --events and --logins take numbers above 0')
const only = values.only.toLowerCase().split(',').filter((word) => word !== '')
/** Nothing was chosen, or one of these was. */
const isWanted = (...names: readonly string[]): boolean => only.length === 0 || names.some((name) => only.some((word) => name.toLowerCase().includes(word)))

const print = (text = ''): void => console.log(text)

print(`${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}; ${windows} windows of ${seconds} s: median (lowest-highest)\n`)

if (isWanted('rebuild')) {
  const measured = await measureRebuilds({ windows: Math.min(windows, 3), sizes: [Math.ceil(events / 10), events] })
  print('## All projections made anew from the log\n')
  print(rebuildsTable(measured))
  for (const { into, size, reads, copies } of measured) {
    if (reads.length > 0) print(`\n${into}, ${shown(size)} events: the log is read at ${spread(reads)}/s, COPY takes ${spread(copies)} of its events/s into one table.`)
  }
  print()
}

if (isWanted('questions')) {
  for (const answers of await measureQuestions({ logins, rounds: Math.min(windows, 4) })) {
    print(`## What analysts wait for: ${answers.logins.toLocaleString('en')} logins of ${answers.people.toLocaleString('en')} people, on Postgres\n`)
    print(questionsTable(answers))
    print()
  }
}

// Nothing else was chosen.
if (only.length > 0 && only.every((word) => word === 'questions' || word === 'rebuild')) process.exit()

// The hash limit stands beside the logins, so it is measured in any case.
const limits = await measureLimits({ windows, seconds: Math.min(seconds, 3) })
if (isWanted('limits')) {
  print('## Raw limits\n')
  print(table(['what', 'per second', 'CPU each'], [
    ['argon2id verifications (19 MiB, t=2), one a core', spread(limits.argon2), `${spread(limits.argon2Cpu)} ms`],
    ['rows, an fsync each', spread(limits.fsynced), ''],
    ['rows, 64 to an fsync', spread(limits.grouped), ''],
    ['verifyRegistrationResponse', spread(limits.registrations), ''],
    ['empty Hono POSTs, 32 at once', spread(limits.posts), `${spread(limits.postCpu)} µs`],
  ]))
  print()
}

if (isWanted('log')) {
  const log = await measureLog({ windows, seconds: Math.min(seconds, 3), events })
  const ratio = (ours: number[], theirs: number[]): string => `${Math.round(median(ours.map((rate, n) => rate / (theirs[n] as number))) * 100)} %`
  print('## The embedded log beside raw SQLite\n')
  print(table(['what', 'per second', 'ours is'], [
    ['durable appends, 64 at once', spread(log.appends), ''],
    ['the same into the plain table, 64 to a transaction', spread(log.plain), ratio(log.appends, log.plain)],
    ["the same into the log's tables, nothing checked", spread(log.bare), ratio(log.appends, log.bare)],
    [`reading all of ${log.events.toLocaleString('en')} events`, spread(log.reads), ''],
    ['SELECT and JSON.parse of the same', spread(log.selects), ratio(log.reads, log.selects)],
  ]))
  print()
}

const eventStoreDbUrl = process.env['EVENTSTOREDB_URL']
const runs: { wanted: Wanted; measured: Measured[] }[] = []
for (const store of stores) {
  if (store.startsWith('EventStoreDB') && eventStoreDbUrl === undefined) continue
  for (const hash of ['stub', 'argon2id'] as const) {
    if (!isWanted(store, hash)) continue
    const wanted: Wanted = { store, hash, concurrency: [1, 8, 32], windows, seconds, eventStoreDbUrl, profiles: values.profile }
    process.stderr.write(`${store}, ${hash} ...\n`)
    const measured = await measureLogins(wanted)
    for (const one of measured) process.stderr.write(`${loginsRow(wanted, one, median(limits.argon2)).join(' | ')}\n`)
    runs.push({ wanted, measured })
  }
}
if (runs.length > 0) {
  const limit = median(limits.argon2)
  print('## First logins, both branches in turn: 7.5 requests, CPU per login\n')
  print(table(loginsHead, runs.flatMap(({ wanted, measured }) => measured.map((one) => loginsRow(wanted, one, limit)))))
  print('\n## Each step, p50 / p99 in ms\n')
  print(table(stepsHead, runs.flatMap(({ wanted, measured }) => measured.map((one) => stepsRow(wanted, one)))))
  const beside = runs.flatMap(({ wanted: { store, hash }, measured }) => measured.map(({ windows: all }) => ({ store, hash, engine: median(all.map(({ engine }) => engine)) })))
  for (const store of stores) {
    const [bare, hashed] = (['stub', 'argon2id'] as const).map((hash) => beside.filter((one) => one.store === store && one.hash === hash).map(({ engine }) => engine))
    if (bare?.length && hashed?.length) print(`\n${store}: a login with argon2id costs ${shown(median(hashed) - median(limits.argon2Cpu))} ms besides its hash, ${shown(median(bare))} ms with the stub.`)
  }
  for (const { wanted, measured } of runs) {
    for (const { concurrency, failures } of measured) {
      for (const [what, times] of Object.entries(failures)) {
        print(`\nFAILED ${times} times on ${wanted.store}, ${wanted.hash}, ${concurrency} at once: ${what}`)
        process.exitCode = 1
      }
    }
  }
}
