/** `npm run demo:adoption`: a year of made-up logins in an engine of its own, for whoever wants to see what the figures look like. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { showProgress } from '../cli/progress.ts'
import { readConfig } from '../config.ts'
import { ensureDataFolder } from '../data-folder.ts'
import { App } from '../engine/apps.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { startKeyledger, type Keyledger } from '../main.ts'
import { apps } from '../synthetic/people.ts'
import { lastPolicy } from '../synthetic/rollout.ts'
import { writeYear } from '../synthetic/write.ts'
import { createYear, type Wanted, type Year } from '../synthetic/year.ts'

export type AdoptionDemo = { url: string; folder: string; keyledger: Keyledger; year: Year; written: { events: number; logins: number }; close(): Promise<void> }

const dayMs = 86_400_000

/** What it writes goes when it is closed. `databaseUrl`: a Postgres for the figures in place of the embedded one. */
export async function startAdoptionDemo({ databaseUrl, port = 8787, print = console.log, ...wanted }: Wanted & { databaseUrl?: string; port?: number; print?: (line: string) => void }): Promise<AdoptionDemo> {
  await using opened = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-year-'))
  opened.defer(() => rmSync(folder, { recursive: true, force: true }))

  const year = createYear(wanted)
  const written = await write(ensureDataFolder(folder).log, year)
  print(`${written.logins} logins of ${year.people} people, ${written.events} events.`)

  const registered = apps.map(({ id, name, test }) => App.parse({ id, name, rpId: 'localhost', web: [`http://localhost:${port}`], ...(test && { test }) }))
  const environment = { PORT: String(port), KEYLEDGER_DATA: folder, ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }) }
  const keyledger = await startKeyledger({ ...readConfig(environment), apps: registered, policy: lastPolicy, masterKeys: year.masterKeys })
  opened.defer(keyledger.close)
  await caughtUp(keyledger)
  const running = opened.move()
  return { url: keyledger.url, folder, keyledger, year, written, close: () => running.disposeAsync() }
}

async function write(file: string, year: Year): Promise<{ events: number; logins: number }> {
  const log = openSqliteLog({ file })
  let [done, share] = [0, 0]
  const bar = showProgress('events written', () => ({ done, share }))
  try {
    return await writeYear(log, year, (progress) => ({ events: done, share } = progress))
  } finally {
    bar.end()
    await log.close()
  }
}

/** How far the figures are is told by the age of the oldest event that is in none of them yet. */
async function caughtUp({ ready, readModel }: Keyledger): Promise<void> {
  const oldest = () => Math.max(...readModel.status().map(({ lag }) => lag ?? 365 * dayMs))
  const counted = () => readModel.status().filter(({ lag }) => lag === 0).length
  const bar = showProgress('of the tables are up to date', () => ({ done: counted(), share: Math.max(0, 1 - oldest() / (365 * dayMs)) }))
  try {
    await ready
    while (oldest() > 0) await sleep(50)
  } finally {
    bar.end()
  }
}

/** In the browser that the person uses, where there is one. */
function open(address: string): void {
  const [program, ...before] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform as string] ?? ['xdg-open']
  spawn(program as string, [...before, address], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { logins: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' }, port: { type: 'string', default: '8787' } } })
  const [logins, seed, port] = [Number(values.logins), Number(values.seed), Number(values.port)]
  if (![logins, seed, port].every((one) => Number.isInteger(one) && one >= 0) || logins < 1) {
    console.error('npm run demo:adoption -- [--logins N] [--seed N] [--port N]: whole numbers')
    process.exit(1)
  }
  // The year that ended last midnight.
  const until = new Date(Math.floor(Date.now() / dayMs) * dayMs)
  const demo = await startAdoptionDemo({ logins, seed, until, port })
  const { url, consoleKey } = demo.keyledger
  console.log(`Keyledger listens on ${url}`)
  if (consoleKey) {
    const address = `${url}/console#${consoleKey}`
    console.log(`The console: ${address}`)
    if (process.stdout.isTTY) open(address)
  }
  console.log('What it wrote goes when this ends (Ctrl-C).')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void demo.close().then(() => process.exit(0)))
}
