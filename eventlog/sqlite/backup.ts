import { backup, DatabaseSync } from 'node:sqlite'
import { openForReading } from './database.ts'

/** Pages of 4 KiB. Between two portions the event loop goes on. */
const portion = 256

/**
 * Copies the log as it is at this moment into a new file; engines may write meanwhile. The copy is one file alone, without a write-ahead log.
 * @param to an empty file, so that its mode is the caller's to choose
 * @throws Error for a file that is no log of ours, or one that cannot be read or written
 */
export async function backupSqliteLog({ from, to, onProgress = () => {} }: { from: string; to: string; onProgress?: (share: number) => void }): Promise<void> {
  const source = openForReading(from)
  try {
    // Held to the end: without it every append of another process would make the backup begin anew.
    source.exec('begin')
    source.prepare('select max(position) from events').get()
    await backup(source, to, { rate: portion, progress: ({ totalPages, remainingPages }) => onProgress(1 - remainingPages / Math.max(1, totalPages)) })
    source.exec('rollback')
  } finally {
    source.close()
  }
  const copy = new DatabaseSync(to)
  try {
    // As it was copied it would want companions beside it, also where it can only be read.
    copy.exec('pragma journal_mode = delete')
  } finally {
    copy.close()
  }
}
