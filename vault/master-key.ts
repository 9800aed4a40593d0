/** The master key: from the environment or a file in production; on the embedded default made on first start. */
import { randomBytes, randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { MasterKeys } from './vault.ts'

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
  return readMasterKeys(file)
}

/** The keys of the file as they are now: a rotation changes them under a running engine. What was read last stands where the file is gone. */
export function watchMasterKeyFile(file: string): () => MasterKeys {
  let keys: MasterKeys = ensureMasterKeyFile(file)
  let seen = markOf(file)
  return () => {
    const mark = markOf(file)
    if (mark !== undefined && mark !== seen) [keys, seen] = [readMasterKeys(file), mark]
    return keys
  }
}

/** A new key, before those that are there: from here on it wraps what is new, and all of them open. Nothing is lost by a crash, wherever it comes. */
export function putNewMasterKey(file: string): void {
  replace(file, [randomBytes(32), ...readMasterKeys(file)])
}

/** Takes out all keys but the first: only when nothing is wrapped under them, nor is about to be. */
export function keepFirstMasterKey(file: string): void {
  const [first] = readMasterKeys(file)
  replace(file, [first])
}

const readMasterKeys = (file: string): [Uint8Array, ...Uint8Array[]] => parseMasterKeys(readFileSync(file, 'utf8'))
const textOf = (keys: MasterKeys): string => `${keys.map((key) => Buffer.from(key).toString('base64')).join(',')}\n`

/** Tells one content of the file from another: each comes in a file of its own, by a rename. */
function markOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat && `${stat.ino} ${stat.mtimeMs}`
}

function make(file: string): void {
  const draft = drafted(file, [randomBytes(32)])
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

function replace(file: string, keys: MasterKeys): void {
  renameSync(drafted(file, keys), file)
  syncFolder(file)
}

/** On disk before the first key is wrapped under it: the log survives a power cut, and would be lost without it. */
function drafted(file: string, keys: MasterKeys): string {
  const draft = `${file}.${randomUUID()}`
  writeFileSync(draft, textOf(keys), { mode: 0o600, flag: 'wx', flush: true })
  return draft
}

/** The name must survive it as well as the content (fsync(2)). Windows has no such thing. */
function syncFolder(file: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
