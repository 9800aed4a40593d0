/** Whole first logins, both branches, over real HTTP: what they cost and how long they take. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres } from '../projections/testing-postgres.ts'
import { median, quantile, shown, spread } from './figures.ts'
import type { EngineOptions, Played, Started } from './options.ts'
import { startWorker, type Usage } from './process.ts'

export const stores = ['SQLite + PGlite', 'SQLite + Postgres', 'EventStoreDB + Postgres'] as const
export type Store = (typeof stores)[number]

export type Wanted = {
  store: Store
  hash: EngineOptions['hash']
  concurrency: readonly number[]
  windows: number
  /** Of a window. */
  seconds: number
  eventStoreDbUrl?: string | undefined
  /** A folder for CPU profiles of the engine and the projection. */
  profiles?: string | undefined
  withoutLedger?: boolean
}
/** Of one window; `engine`, `projection`, `load`: ms of CPU per login. `projection` is undefined where it is part of the engine's process. */
type Window = { logins: number; requests: number; engine: number; projection: number | undefined; load: number; rss: number; steps: Played['steps'] }
export type Measured = { concurrency: number; windows: Window[]; failures: Record<string, number> }

/** More than a login a window could need: an account has its first login once. */
const mostLoginsPerSecond = 700

export async function measureLogins({ store, hash, concurrency, windows, seconds, eventStoreDbUrl, profiles, withoutLedger }: Wanted): Promise<Measured[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-bench-'))
  const embedded = store === 'SQLite + PGlite'
  const postgres = embedded ? undefined : await startPostgres()
  const options: EngineOptions = { folder, hash, projecting: embedded, withoutLedger, databaseUrl: await postgres?.createDatabase(), eventStoreDbUrl: store.startsWith('EventStoreDB') ? eventStoreDbUrl : undefined }
  const flags = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  const [engine, projector, load] = [startWorker('engine-process.ts', flags), embedded ? undefined : startWorker('projector-process.ts', flags), startWorker('load-process.ts')]
  try {
    await projector?.call('start', options)
    const started = await engine.call<Started>('start', options)
    const most = hash === 'stub' ? mostLoginsPerSecond : mostLoginsPerSecond / 4
    let people: string[] = []
    /** Enough people for the next window, and every row written: neither is to be paid for in it. */
    const prepare = async (forSeconds: number): Promise<void> => {
      const missing = Math.ceil(forSeconds * most) - people.length
      if (missing > 0) people = [...people, ...(await engine.call<string[]>('register', { prefix: `bench-${randomUUID()}-`, count: missing }))]
      while ((await (projector ?? engine).call<number>('lag')) > 0) await sleep(50)
    }
    const play = async (at: number, forSeconds: number): Promise<Played> => {
      const played = await load.call<Played>('play', { ...started, people, concurrency: at, seconds: forSeconds })
      people = people.slice(people.length - played.left)
      return played
    }
    const usages = (): Promise<(Usage | undefined)[]> => Promise.all([engine.usage(), projector?.usage(), load.usage()])

    // Until the code is hot: a tenth of a first window would be spent on compiling it.
    await prepare(seconds)
    await play(8, seconds)
    const measured: Measured[] = []
    for (const at of concurrency) {
      const one: Measured = { concurrency: at, windows: [], failures: {} }
      for (let window = 0; window < windows; window += 1) {
        await prepare(seconds)
        const before = await usages()
        const { logins, requests, seconds: took, steps, failures } = await play(at, seconds)
        const after = await usages()
        const cpu = (n: number): number => ((after[n]?.cpu ?? Number.NaN) - (before[n]?.cpu ?? 0)) / 1000 / logins
        one.windows.push({ logins: logins / took, requests: requests / took, engine: cpu(0), projection: projector && cpu(1), load: cpu(2), rss: after[0]?.rss ?? 0, steps })
        for (const [what, times] of Object.entries(failures)) one.failures[what] = (one.failures[what] ?? 0) + times
      }
      measured.push(one)
    }
    return measured
  } finally {
    await load.stop()
    await engine.stop()
    await projector?.stop()
    await postgres?.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

export const loginsHead = ['store', 'hash', 'at once', 'logins/s', 'requests/s', 'engine ms', 'projection ms', 'load ms', 'RSS MB', 'of the hash limit']

/** `limit`: password verifications per second that the machine could do with nothing else to do. */
export const loginsRow = ({ store, hash }: Wanted, { concurrency, windows }: Measured, limit: number): string[] => {
  const all = (figure: (window: Window) => number): string => spread(windows.map(figure))
  return [
    store,
    hash,
    String(concurrency),
    all(({ logins }) => logins),
    all(({ requests }) => requests),
    all(({ engine }) => engine),
    windows[0]?.projection === undefined ? 'in the engine' : all(({ projection }) => projection ?? Number.NaN),
    all(({ load }) => load),
    shown(Math.max(...windows.map(({ rss }) => rss)) / 1e6),
    hash === 'stub' ? '-' : `${Math.round((median(windows.map(({ logins }) => logins)) / limit) * 100)} %`,
  ]
}

export const stepNames = ['start', 'password', 'append/options', 'append', 'append/skip', 'otp/send', 'otp', 'pin', 'biometrics']
export const stepsHead = ['store', 'hash', 'at once', ...stepNames]

/** p50 / p99 of each step, ms, over all windows. */
export const stepsRow = ({ store, hash }: Wanted, { concurrency, windows }: Measured): string[] => [
  store,
  hash,
  String(concurrency),
  ...stepNames.map((step) => {
    const all = windows.flatMap(({ steps }) => steps[step] ?? [])
    return `${shown(median(all))} / ${shown(quantile(all, 0.99))}`
  }),
]
