/** `log backup`: the embedded log as it is at this moment, while the engine runs, as a file that was checked. */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from 'node:fs'
import type { Config } from '../config.ts'
import { ensureDataFolder } from '../data-folder.ts'
import { backupSqliteLog } from '../eventlog/sqlite/backup.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { syncFolder } from '../vault/key-file.ts'
import { verifyEvents } from './log-walk.ts'
import { showProgress } from './progress.ts'

/** 0: it is there, on disk, and can be restored; 2: something in the log is wrong, and so in the file. @throws Error for a file that is there: it is somebody's */
export async function backupLog({ eventStoreDbUrl, dataFolder }: Config, file: string): Promise<number> {
  if (eventStoreDbUrl !== undefined) throw new Error('the log is in EventStoreDB, which has its own backup: see its manual. This command is for the embedded log')
  if (existsSync(file)) throw new Error(`${file} is there already: a backup replaces nothing`)
  const draft = `${file}.keyledger-part`
  // Of a backup that was broken off.
  removeLog(draft)
  await copyLogFile(ensureDataFolder(dataFolder).log, draft, 'backed up')
  const log = openSqliteLog({ file: draft, readOnly: true })
  const verdict = await verifyEvents(log, {}, { file: draft }).finally(log.close)
  // A link is there whole or not at all, and replaces nothing.
  linkSync(draft, file)
  rmSync(draft)
  syncFolder(file)
  console.log(`${file}: the log as it was when this command began. It opens with the master key, which is not in it.`)
  if (verdict === 'wrong') console.error('It was copied as it is: what is wrong in it is wrong in the log, too.')
  return verdict === 'wrong' ? 2 : 0
}

/** On disk when it resolves, for its owner alone. */
export async function copyLogFile(from: string, to: string, noun: string): Promise<void> {
  closeSync(openSync(to, 'wx', 0o600))
  let share = 0
  const bar = showProgress(`% ${noun}`, () => ({ done: Math.floor(share * 100), share }))
  await backupSqliteLog({ from, to, onProgress: (now) => (share = now) }).finally(bar.end)
  const place = openSync(to, 'r+')
  try {
    fsyncSync(place)
  } finally {
    closeSync(place)
  }
}

/** A log and what SQLite has beside it. */
export function removeLog(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true })
}
