/** The data folder of an engine on the embedded default: one engine at a time, and nobody else on the machine reads it. */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export type DataFolder = { log: string; masterKey: string; consoleKey: string; folder: string }

export function ensureDataFolder(folder: string): DataFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  return { folder, log: join(folder, 'events.sqlite'), masterKey: join(folder, 'master.key'), consoleKey: join(folder, 'console.key') }
}

/** Held until `release`, or until the process is gone, however it goes. @throws Error when another engine holds it */
export const lockDataFolder = ({ folder }: DataFolder): Lock => lockFile(join(folder, 'engine.lock'), `another engine is running on ${folder}`)

/** Of two who change the master key at once one would take out the key of the other. @throws Error when another one is at it */
export const lockMasterKey = ({ masterKey }: DataFolder): Lock => lockFile(`${masterKey}.lock`, 'the master key is being rotated already')

export type Lock = { release(): void }

function lockFile(file: string, held: string): Lock {
  const lock = new DatabaseSync(file)
  try {
    // An exclusive transaction is a lock of the operating system's: it cannot be left behind.
    lock.exec('pragma busy_timeout = 0; begin exclusive')
  } catch {
    lock.close()
    throw new Error(held)
  }
  return { release: () => lock.close() }
}
