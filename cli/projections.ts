/** `projections status | rebuild`, beside the engine or without it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { ensureDataFolder, lockDataFolder } from '../data-folder.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { openLog } from '../main.ts'
import { connectEmbedded, openDatabase, type Database } from '../projections/database.ts'
import { createLedgerFollower } from '../projections/ledger/follower.ts'
import { createLedgerTable, ledgerTable } from '../projections/ledger/table.ts'
import { projections } from '../projections/read-model.ts'
import { rebuild } from '../projections/rebuild.ts'
import { readStatus } from '../projections/status.ts'
import { showProgress } from './progress.ts'

/** ms. An embedded database that is opened for the first time takes some seconds. */
const patience = 20_000
const now = (): Date => new Date()

export const projectionStatus = (config: Config): Promise<number> =>
  withDatabase(config, async (log, { sql }) => {
    for (const { projection, table, position, lag, parked, holder, updatedAt } of await readStatus({ log, sql, projections, now })) {
      const kept = holder === undefined ? 'kept by nobody yet' : `kept by ${holder}, last written ${updatedAt?.toISOString() ?? 'never'}`
      console.log(`${projection}: table ${table}, position ${position ?? 'none'}, ${lag === 0 ? 'nothing behind' : `${lag} ms behind`}, ${parked} rows set aside, ${kept}`)
    }
    const table = createLedgerTable(sql)
    const { position, holder } = await table.checkpoint()
    console.log(`ledger: table ${ledgerTable}, position ${position ?? 'none'}, ${await table.size()} events, kept by ${holder ?? 'nobody yet'}`)
    return 0
  })

/** All of them where no name is given. */
export async function rebuildProjections(config: Config, name: string | undefined): Promise<number> {
  const chosen = projections.filter((projection) => name === undefined || projection.name === name)
  const ledger = name === undefined || name === 'ledger'
  if (chosen.length === 0 && !ledger) throw new Error(`there is no projection ${name}; there are ${[...projections.map((one) => one.name), 'ledger'].join(', ')}`)
  return withDatabase(config, async (log, { sql }) => {
    for (const projection of chosen) {
      let events = 0
      const bar = showProgress(`events for ${projection.name}`, () => ({ done: events, share: undefined }))
      const done = await rebuild({ log, sql, projection, now, onProgress: (progress) => void ({ events } = progress) }).finally(bar.end)
      console.log(`${projection.name}: ${done.events} events, ${done.perSecond}/s; ${done.rows} rows, ${done.changed} of them new or changed, ${done.removed} removed, ${done.parked} set aside`)
    }
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
