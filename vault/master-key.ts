/** The master key: from the environment or a file in production; on the embedded default made on first start. */
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

/** 32 bytes as base64 or base64url. Several, comma-separated: the first one wraps what is new, all of them open. @throws TypeError, which does not repeat them */
export function parseMasterKeys(text: string): [Uint8Array, ...Uint8Array[]] {
  const [first, ...others] = text.split(',').map((one) => {
    const key = Buffer.from(one.trim(), 'base64')
    if (key.length !== 32) throw new TypeError('a master key is 32 bytes, as base64')
    return key
  })
  return [first as Uint8Array, ...others]
}

/** Who has this file and the log can read everything: it is readable by its owner alone, and belongs in no backup beside the log. */
export function ensureMasterKeyFile(file: string): [Uint8Array, ...Uint8Array[]] {
  if (!existsSync(file)) make(file)
  return parseMasterKeys(readFileSync(file, 'utf8'))
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
