/** `log verify`, beside the engine or without it. */
import { readFile } from 'node:fs/promises'
import type { Config } from '../config.ts'
import { ensureDataFolder } from '../data-folder.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { openLog } from '../open-engine.ts'
import { createLedgerTable } from '../projections/ledger/table.ts'
import { noteIn } from './audit.ts'
import { verifyEvents, type Holding, type Verdict } from './log-walk.ts'
import { withDatabase } from './projections.ts'

/** 0: right; 2: wrong; 3: nothing is wrong, but something is not covered. `file`: an embedded log, such as a backup, instead of the engine's. */
export async function verifyLog(config: () => Config, file: string | undefined, { checkpoint, key }: { checkpoint?: string | undefined; key?: string | undefined }): Promise<number> {
  const holding = { key, note: checkpoint === undefined ? undefined : noteIn(await readFile(checkpoint, 'utf8')) }
  if (file === undefined) return codeOf(await verifyOwn(config(), holding))
  const log = openSqliteLog({ file, readOnly: true })
  return codeOf(await verifyEvents(log, holding, { file }).finally(log.close))
}

const codeOf = (verdict: Verdict): number => ({ right: 0, wrong: 2, 'not covered': 3 })[verdict]

async function verifyOwn(config: Config, holding: Holding): Promise<Verdict> {
  const log = await openLog(config)
  let begun = false
  try {
    return await withDatabase(config, async (_, { sql }) => {
      begun = true
      return verifyEvents(log, holding, { table: createLedgerTable(sql), file: fileOf(config) })
    })
  } catch (error) {
    if (begun) throw error
    // The table is a projection: nothing hangs on it that the log does not say by itself.
    console.error(`The ledger's table is not looked at: ${(error as Error).message}`)
    return await verifyEvents(log, holding, { file: fileOf(config) })
  } finally {
    await log.close()
  }
}

const fileOf = ({ eventStoreDbUrl, dataFolder }: Config): string | undefined => (eventStoreDbUrl === undefined ? ensureDataFolder(dataFolder).log : undefined)
