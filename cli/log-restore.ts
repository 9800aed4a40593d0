/** `log restore`: a backup in the place of the embedded log. The engine must be stopped. */
import { randomUUID } from 'node:crypto'
import { existsSync, linkSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { ensureDataFolder, lockDataFolder, type DataFolder } from '../data-folder.ts'
import { createActs } from '../engine/acts.ts'
import { compareSqliteLogs, type Comparison } from '../eventlog/sqlite/compare.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { createStreams } from '../eventlog/transact.ts'
import { openDatabase } from '../projections/database.ts'
import { dropProjections } from '../projections/drop.ts'
import { syncFolder } from '../vault/key-file.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { copyLogFile, removeLog } from './log-backup.ts'
import { verifyEvents } from './log-walk.ts'

type Ways = {
  file: string
  /** What the log has and the backup has not may be lost. */
  yes: boolean
}

/** 0: it is done, or was done already; 2: it was refused, and nothing was changed. It may be broken off and given again at any point. */
export async function restoreLog(config: Config, { file, yes }: Ways, given: Given): Promise<number> {
  if (config.eventStoreDbUrl !== undefined) throw new Error('the log is in EventStoreDB: what is restored there is restored by its own means. This command is for the embedded log')
  const because = becauseOf(config, given, { always: true })
  const folder = ensureDataFolder(config.dataFolder)
  const lock = lockDataFolder(folder)
  try {
    const backup = openSqliteLog({ file, readOnly: true })
    if ((await verifyEvents(backup, {}, { file }).finally(backup.close)) === 'wrong') {
      console.error('Not restored: something is wrong in the backup.')
      return 2
    }
    const difference = await compared(folder, file)
    if (difference !== undefined && isPutBack(difference)) {
      await drop(config, folder)
      console.log('This backup was put back already, and nothing was written since.')
      return 0
    }
    if (difference !== undefined && !yes && (difference.forked || difference.lost > 0)) {
      console.error(`Not restored: ${sentenceOf(difference)}. With --yes the backup takes its place all the same, and the log is kept beside it.`)
      return 2
    }
    const draft = `${folder.log}.restoring`
    // Of an attempt that was broken off.
    removeLog(draft)
    await copyLogFile(file, draft, 'restored')
    // Into the backup, before it is the log: in the one that it replaces nobody would look for it.
    await record(draft, because)
    // Before the log is replaced: of an older one they come again, and rows that were ahead would make it skip events.
    await drop(config, folder)
    const kept = difference === undefined || difference.lost > 0 || difference.forked ? putAside(folder) : undefined
    // What SQLite had beside the old one would be taken for the backup's own.
    for (const end of ['-wal', '-shm']) rmSync(`${folder.log}${end}`, { force: true })
    renameSync(draft, folder.log)
    syncFolder(folder.log)
    console.log(`Restored. The projections come again from the log when the engine starts.`)
    if (kept !== undefined) console.log(`The log that was there is kept as ${kept}. The keys of all whom it knew are in it: delete it when it is not needed, and before anybody is forgotten.`)
    const people = difference?.back ?? []
    if (people.length > 0) console.error(`Keys that had been destroyed since the backup are back. Erase these people again, drop these months again: ${people.join(', ')}`)
    return 0
  } finally {
    lock.release()
  }
}

/** Undefined where there is no log, or none that can be read. */
async function compared({ log }: DataFolder, backup: string): Promise<Comparison | undefined> {
  if (!existsSync(log)) return undefined
  try {
    // An engine that was killed has left a write-ahead log, and this brings it home; but beside a file that is broken SQLite would delete it.
    await openSqliteLog({ file: log, readOnly: true }).close()
    await openSqliteLog({ file: log }).close()
    return compareSqliteLogs({ current: log, backup })
  } catch (error) {
    console.error(`The log that is there cannot be read: ${(error as Error).message}`)
    return undefined
  }
}

const isPutBack = ({ lost, acts, forked, back }: Comparison): boolean => lost > 0 && lost === acts && !forked && back.length === 0

function sentenceOf({ lost, forked }: Comparison): string {
  const events = `${lost} event${lost === 1 ? '' : 's'}`
  return forked ? `the log and the backup are not of one history, and ${events} came later than the backup` : `the log has ${events} more than the backup, which would be lost`
}

async function record(file: string, because: ReturnType<typeof becauseOf>): Promise<void> {
  const log = openSqliteLog({ file })
  try {
    const streams = createStreams({ log, now: () => new Date(), newId: randomUUID })
    await createActs({ streams, newId: randomUUID })(actorOf(because), { ...because, what: 'log restore' })
  } finally {
    // Closed by its only user it is one file again, all of it on disk.
    await log.close()
  }
}

async function drop({ databaseUrl: url }: Config, { folder }: DataFolder): Promise<void> {
  if (url === undefined) return rmSync(join(folder, 'postgres'), { recursive: true, force: true })
  const { sql, close } = openDatabase({ url })
  await dropProjections(sql).finally(close)
}

/** Under another name. At every moment there is a log in its place: without one an engine would begin an empty one. @returns the name */
function putAside({ log }: DataFolder): string | undefined {
  if (!existsSync(log)) return undefined
  const kept = `${log}.replaced-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
  linkSync(log, kept)
  // There is one only if the log could not be opened and closed: otherwise all of it is in the file.
  if (existsSync(`${log}-wal`)) renameSync(`${log}-wal`, `${kept}-wal`)
  return kept
}
