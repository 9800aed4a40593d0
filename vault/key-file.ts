/** 32 random bytes in a file of their own, made on first start, readable by its owner alone. */
import { randomBytes, randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** @returns what is written there: base64 */
export function ensureKeyFile(file: string): string {
  if (!existsSync(file)) make(file)
  return readFileSync(file, 'utf8')
}

/** The file is there whole at any moment, with what it had or with `text`. */
export function replaceKeyFile(file: string, text: string): void {
  renameSync(drafted(file, text), file)
  syncFolder(file)
}

function make(file: string): void {
  const draft = drafted(file, randomBytes(32).toString('base64'))
  try {
    // A link is there whole or not at all, and replaces nothing: engine and command line may start at once.
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  syncFolder(file)
}

/** On disk before the first key is wrapped under it: the log survives a power cut, and would be lost without it. */
function drafted(file: string, text: string): string {
  const draft = `${file}.${randomUUID()}`
  writeFileSync(draft, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true })
  return draft
}

/** The name must survive it as well as the content (fsync(2)). Windows has no such thing. */
export function syncFolder(file: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
