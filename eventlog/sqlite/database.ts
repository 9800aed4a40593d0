import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { unlocked } from './failure.ts'

/** "KLog": marks the file as ours (SQLite's "Database File Format", 1.3.14). */
const applicationId = 0x4b4c6f67
const schemaVersion = 1

/**
 * A stream is known by a number inside of the file: numbers of streams in use lie close together, so the one index that events have grows at
 * its end and a commit writes a third of the pages that it writes with names in that index.
 * No row is ever deleted (sealing and truncating empty them), so a position is never given again.
 * Ids are text: as blobs they save 3 % of the file and cost a quarter of the reading speed. They have no index: with an explicit expectation
 * the place of a repeat is known. Prefixes have none either: a scan passes over millions of foreign events a second.
 */
const schema = `
  create table streams (
    number integer primary key,
    name text not null unique,
    sealed integer not null default 0
  ) strict;
  create table events (
    position integer primary key,
    stream integer not null,
    revision integer not null,
    id text not null,
    type text not null,
    data text not null,
    metadata text not null,
    unique (stream, revision)
  ) strict;
  pragma application_id = ${applicationId};
  pragma user_version = ${schemaVersion}`

/** Opens the file, and makes it if it is not there (mode 0600; its folder must be). @throws Error for a file that is not a log of ours */
export const openDatabase = (file: string): DatabaseSync => {
  // SQLite would make it readable for all. Its companions (-wal, -shm) get the mode of the file.
  closeSync(openSync(file, 'a', 0o600))
  const db = new DatabaseSync(file, { timeout: 5_000 })
  try {
    const isNew = examine(db, file)
    if (journalMode(db) !== 'wal') throw new Error(`${file}: the file system cannot do write-ahead logging`)
    // An acknowledged append survives a power cut, on macOS too (fullfsync); what is deleted is overwritten with zeros.
    db.exec('pragma synchronous = full; pragma fullfsync = on; pragma secure_delete = on')
    if (isNew) create(db, file)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Another process may be making the same file, and for this pragma SQLite does not wait: that one is done in a moment. */
const journalMode = (db: DatabaseSync): unknown => {
  let mode: unknown
  for (let left = 500; !unlocked(() => (mode = db.prepare('pragma journal_mode = wal').get()?.['journal_mode'])); left--) {
    if (left === 0) throw new Error('the event log is locked by another process')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  }
  return mode
}

/** Is it empty? Asked before anything is written: a foreign file is left as it is. */
const examine = (db: DatabaseSync, file: string): boolean => {
  const { application, version, tables } = marksOf(db, file)
  if (tables === 0 && application === 0 && version === 0) return true
  if (application !== applicationId) throw new Error(`${file} is a database of another program`)
  if (version > schemaVersion) throw new Error(`${file} was written by a newer release (schema ${version}, this one knows ${schemaVersion})`)
  return false
}

const marksOf = (db: DatabaseSync, file: string) => {
  try {
    return db.prepare(`select (select application_id from pragma_application_id) as application,
      (select user_version from pragma_user_version) as version, (select count(*) from sqlite_schema) as tables`).get() as
      { application: number; version: number; tables: number }
  } catch (error) {
    throw new Error(`${file} cannot be read as an event log: ${(error as Error).message}`, { cause: error })
  }
}

/** Another process may be making the same file: who comes second finds it made. */
const create = (db: DatabaseSync, file: string) => {
  db.exec('begin immediate')
  if (examine(db, file)) db.exec(schema)
  db.exec('commit')
}
