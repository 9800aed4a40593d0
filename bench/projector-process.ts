/** Keeps the rows in place of the engine, so that what that costs can be told apart. */
import { randomUUID } from 'node:crypto'
import { openLog } from '../open-engine.ts'
import { readConfig } from '../config.ts'
import { openDatabase, type Database } from '../projections/database.ts'
import { openReadModel, type ReadModel } from '../projections/read-model.ts'
import { answerCalls } from './process.ts'
import type { EngineOptions } from './options.ts'
import type { EventLog } from '../eventlog/event-log.ts'

let opened: { log: EventLog; database: Database; model: ReadModel } | undefined

async function start({ folder, databaseUrl, eventStoreDbUrl }: EngineOptions): Promise<void> {
  const log = await openLog({ ...readConfig({ KEYLEDGER_DATA: folder }), eventStoreDbUrl })
  const database = openDatabase(databaseUrl === undefined ? { folder } : { url: databaseUrl })
  await database.ready
  const onError = (error: unknown) => console.error(error)
  const model = openReadModel({ log, database, now: () => new Date(), newId: randomUUID, onError })
  await model.start()
  opened = { log, database, model }
}

/** ms. The age of the oldest event that is in no row yet. */
const lag = (): number => Math.max(...(opened?.model.status() ?? []).map(({ lag }) => lag ?? Infinity))

answerCalls({ start, lag }, async () => {
  await opened?.model.stop()
  await opened?.database.close()
  await opened?.log.close()
})
