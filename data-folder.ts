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
export function lockDataFolder({ folder }: DataFolder): { release(): void } {
  const lock = new DatabaseSync(join(folder, 'engine.lock'))
  try {
    // An exclusive transaction is a lock of the operating system's: it cannot be left behind.
    lock.exec('pragma busy_timeout = 0; begin exclusive')
  } catch {
    lock.close()
    throw new Error(`another engine is running on ${folder}`)
  }
  return { release: () => lock.close() }
}
