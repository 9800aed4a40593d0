/** 32 random bytes in a file of their own, made on first start, readable by its owner alone. */
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** @returns what is written there: base64 */
export function ensureKeyFile(file: string): string {
  if (!existsSync(file)) make(file)
  return readFileSync(file, 'utf8')
}

function make(file: string): void {
  const draft = `${file}.${randomUUID()}`
  // On disk before the first key is wrapped under it: the log survives a power cut, and would be lost without it.
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    // A link is there whole or not at all, and replaces nothing: engine and command line may start at once.
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
}
