/** `projections status | rebuild`, beside the engine or without it. */
import type { Config } from '../config.ts'
import { ensureDataFolder, lockDataFolder } from '../data-folder.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { openLog } from '../main.ts'
import { connectEmbedded, openDatabase, type Database } from '../projections/database.ts'
import { projections } from '../projections/read-model.ts'
import { rebuild } from '../projections/rebuild.ts'
import { readStatus } from '../projections/status.ts'
import { showProgress } from './progress.ts'

const now = (): Date => new Date()

export const projectionStatus = (config: Config): Promise<number> =>
  withReadModel(config, async (log, { sql }) => {
    for (const { table, position, lag, parked, holder, updatedAt } of await readStatus({ log, sql, projections, now })) {
      const kept = holder === undefined ? 'kept by nobody yet' : `kept by ${holder}, last written ${updatedAt?.toISOString() ?? 'never'}`
      console.log(`${table.padEnd(20)} position ${position ?? 'none'}, ${lag === 0 ? 'nothing behind' : `${lag} ms behind`}, ${parked} rows set aside, ${kept}`)
    }
    return 0
  })

/** All of them where no name is given. */
export async function rebuildProjections(config: Config, name: string | undefined): Promise<number> {
  const chosen = projections.filter((projection) => name === undefined || projection.name === name)
  if (chosen.length === 0) throw new Error(`there is no projection ${name}; there are ${projections.map((one) => one.name).join(', ')}`)
  return withReadModel(config, async (log, { sql }) => {
    for (const projection of chosen) {
      let events = 0
      const bar = showProgress('events', () => ({ done: events, share: undefined }))
      const done = await rebuild({ log, sql, projection, now, onProgress: (progress) => void ({ events } = progress) }).finally(bar.end)
      console.log(`${projection.name}: ${done.events} events, ${done.perSecond}/s; ${done.rows} rows, ${done.changed} of them were not what the log says, ${done.removed} were too many, ${done.parked} set aside`)
    }
    return 0
  })
}

async function withReadModel<T>(config: Config, work: (log: EventLog, database: Database) => Promise<T>): Promise<T> {
  const log = await openLog(config)
  const { database, release } = openBeside(config)
  try {
    await database.ready
    return await work(log, database)
  } finally {
    await database.close()
    release()
    await log.close()
  }
}

/** The embedded database belongs to the engine that runs on the folder: through its socket then, and opened here where none runs. */
function openBeside({ databaseUrl: url, dataFolder: folder }: Config): { database: Database; release(): void } {
  if (url !== undefined) return { database: openDatabase({ url }), release: () => {} }
  let lock: { release(): void }
  try {
    lock = lockDataFolder(ensureDataFolder(folder))
  } catch {
    return { database: connectEmbedded({ folder }), release: () => {} }
  }
  return { database: openDatabase({ folder }), release: lock.release }
}
