/** `projections status | rebuild | compare | switch | drop`, beside the engine or without it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { ensureDataFolder, lockDataFolder } from '../data-folder.ts'
import type { EventLog, Position } from '../eventlog/event-log.ts'
import { openLog } from '../open-engine.ts'
import { compareVersions, compareWithLog, type Compared } from '../projections/compare.ts'
import { connectEmbedded, openDatabase, type Database } from '../projections/database.ts'
import { createLedgerFollower } from '../projections/ledger/follower.ts'
import { createLedgerTable, ledgerTable } from '../projections/ledger/table.ts'
import { tableName, type Projection } from '../projections/projection.ts'
import { projections } from '../projections/read-model.ts'
import { rebuild } from '../projections/rebuild.ts'
import { serve, versionRead } from '../projections/serving.ts'
import { readStatus } from '../projections/status.ts'
import { dropVersion, listVersions } from '../projections/versions.ts'
import { showProgress } from './progress.ts'

/** ms. An embedded database that is opened for the first time takes some seconds. */
const patience = 20_000
const now = (): Date => new Date()

export const projectionStatus = (config: Config): Promise<number> =>
  withDatabase(config, async (log, { sql }) => {
    const shareOf = await log.extent()
    for (const { projection, table, position, lag, parked, holder, updatedAt } of await readStatus({ log, sql, projections, now })) {
      const kept = holder === undefined ? 'kept by nobody yet' : `kept by ${holder}, last written ${updatedAt?.toISOString() ?? 'never'}`
      const versions = await listVersions(sql, { name: projection })
      const served = versions.find((one) => one.served)
      const readers = served === undefined ? 'nothing is served yet' : `${served.table} is served${served.held ? ', and held' : ''}`
      const share = position === undefined ? 0 : shareOf(position)
      // The newest events may be of no stream that it reads, so its position need not be the end.
      const far = lag === 0 ? 'nothing behind' : `${lag} ms behind, at ${Math.floor(share * 100)} % of the log`
      console.log(`${projection}: table ${table}, position ${position ?? 'none'}, ${far}, ${parked} rows set aside, ${readers}, ${kept}`)
      for (const other of versions.filter((one) => one.table !== table)) console.log(`  beside it ${other.table}: about ${other.rows} rows, ${(other.bytes / 1e6).toFixed(1)} MB`)
    }
    const table = createLedgerTable(sql)
    const reached = await table.reached()
    console.log(`ledger: table ${ledgerTable}, position ${reached?.position ?? 'none'}, ${await table.size()} events, kept by ${reached?.holder ?? 'nobody yet'}`)
    return 0
  })

/** All of them where no name is given. */
export async function rebuildProjections(config: Config, name: string | undefined): Promise<number> {
  const ledger = name === undefined || name === 'ledger'
  const chosen = name === 'ledger' ? [] : chosenBy(name)
  return withDatabase(config, async (log, { sql }) => {
    const began = performance.now()
    const { onProgress, ...bar } = await progressOf(log)
    const onReplace = (projection: Projection) => bar.print(`${tableName(projection)}: replacing what differs`)
    const rebuilt = await rebuild({ log, sql, projections: chosen, onProgress, onReplace }).finally(bar.end)
    const seconds = (performance.now() - began) / 1000
    console.log(`${bar.events()} events in ${seconds.toFixed(1)} s, ${Math.round(bar.events() / seconds)}/s`)
    for (const { projection, rows, changed, removed, parked } of rebuilt)
      console.log(`${projection}: ${rows} rows, ${changed} of them new or changed, ${removed} removed, ${parked} set aside`)
    if (ledger) await rebuildLedger(log, sql)
    return 0
  })
}

/** Its rows are never changed, so it begins anew; no proofs can be made meanwhile. What was signed stays, and is held against it before anything more is. */
async function rebuildLedger(log: EventLog, sql: Database['sql']): Promise<void> {
  let events = 0
  const { table, catchUp } = createLedgerFollower({ log, sql, id: 'cli', now, batch: 5_000 })
  await table.restart()
  const bar = showProgress('events for the ledger', () => ({ done: events, share: undefined }))
  const size = await catchUp((reached) => (events = reached)).finally(bar.end)
  console.log(`ledger: ${size} events`)
}

/** What differs from the log, or from the table of another version. @returns 1 where something does */
export async function compareProjection(config: Config, { name, version }: { name: string; version: number | undefined }): Promise<number> {
  const projection = chosenBy(name)[0]!
  return withDatabase(config, async (log, { sql }) => {
    if (version !== undefined) {
      const other = tableName({ ...projection, version })
      const positions = await readStatus({ log, sql, projections: [projection, { ...projection, version }], now })
      const compared = await compareVersions(sql, tableName(projection), other)
      console.log(`compared in ${compared.columns.join(', ')}; ${positions.map(({ table, position }) => `${table} is at position ${position ?? 'none'}`).join(', ')}`)
      return report(compared, tableName(projection), other)
    }
    const { onProgress, end } = await progressOf(log)
    return report(await compareWithLog({ log, sql, projection, onProgress }).finally(end), tableName(projection), 'the log')
  })
}

function report({ rows, oneHas, otherHas, first }: Compared, one: string, other: string): number {
  console.log(`${one} has ${oneHas} rows, ${other} makes ${otherHas}; ${rows === 0 ? 'they are the same' : `${rows} differ`}`)
  const shown = (value: string | null | undefined): string => (value === undefined ? 'no such row' : value === null ? 'null' : value.length > 200 ? `${value.slice(0, 200)}...` : value)
  for (const { key, column, one: mine, other: theirs } of first) console.log(`  ${key}, ${column}: ${one} ${shown(mine)}, ${other} ${shown(theirs)}`)
  return rows === 0 ? 0 : 1
}

export async function switchProjection(config: Config, { name, version, hold }: { name: string; version: number; hold: boolean }): Promise<number> {
  const projection = chosenBy(name)[0]!
  if (versionRead(projection, version) !== version) throw new Error(`this release cannot read ${name}_v${version}`)
  return withDatabase(config, async (_, { sql }) => {
    await serve(sql, { name, version }, hold)
    console.log(`${name}_v${version} is served within seconds${hold ? ', until it is switched again' : ''}`)
    return 0
  })
}

export async function dropProjection(config: Config, { name, version }: { name: string; version: number }): Promise<number> {
  const projection = chosenBy(name)[0]!
  return withDatabase(config, async (_, { sql }) => {
    await dropVersion(sql, projection, version)
    console.log(`${name}_v${version} is dropped`)
    return 0
  })
}

/** @throws Error for a name that no projection has */
function chosenBy(name: string | undefined): Projection[] {
  const chosen = projections.filter((projection) => name === undefined || projection.name === name)
  if (chosen.length === 0) throw new Error(`there is no projection ${name}; there are ${[...projections.map((one) => one.name), 'ledger'].join(', ')}`)
  return chosen
}

/** A bar for whoever reads the log from its beginning. */
async function progressOf(log: EventLog) {
  const shareOf = await log.extent()
  let [events, share] = [0, 0]
  const bar = showProgress('events', () => ({ done: events, share }))
  return {
    ...bar,
    events: () => events,
    onProgress: (progress: { events: number; position: Position }) => void ([events, share] = [progress.events, shareOf(progress.position)]),
  }
}

export async function withDatabase<T>(config: Config, work: (log: EventLog, database: Database) => Promise<T>): Promise<T> {
  const log = await openLog(config)
  try {
    const { database, away, release } = openBeside(config)
    try {
      const waited = new AbortController()
      const opened = await Promise.race([database.ready.then(() => true), sleep(patience, false, { signal: waited.signal })]).finally(() => waited.abort())
      if (!opened) throw new Error(away)
      return await work(log, database)
    } finally {
      await database.close()
      release()
    }
  } finally {
    await log.close()
  }
}

/** The embedded database belongs to the engine that runs on the folder: through its socket then, and opened here where none runs. `away`: what it means when it does not answer. */
export function openBeside({ databaseUrl: url, dataFolder: folder }: Config): { database: Database; away: string; release(): void } {
  const noLock = (): void => {}
  if (url !== undefined) return { database: openDatabase({ url }), away: 'the database that DATABASE_URL names is out of reach', release: noLock }
  let lock: { release(): void }
  try {
    lock = lockDataFolder(ensureDataFolder(folder))
  } catch {
    const away = `an engine runs on ${folder}, and its projection database does not answer: it may be starting, or have a DATABASE_URL that this command was not given`
    try {
      return { database: connectEmbedded({ folder }), away, release: noLock }
    } catch {
      throw new Error(away)
    }
  }
  return { database: openDatabase({ folder }), away: `the projection database in ${folder} cannot be opened`, release: lock.release }
}
