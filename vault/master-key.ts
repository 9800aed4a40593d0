/** The master key: from the environment or a file in production; on the embedded default made on first start. */
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { ensureKeyFile, replaceKeyFile } from './key-file.ts'
import type { MasterKeys } from './masters.ts'

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
export const ensureMasterKeyFile = (file: string): [Uint8Array, ...Uint8Array[]] => parseMasterKeys(ensureKeyFile(file))

/** The keys of the file as they are now: a rotation changes them under a running engine. What was read last stands where the file is gone. */
export function watchMasterKeyFile(file: string): () => MasterKeys {
  let keys: MasterKeys = ensureMasterKeyFile(file)
  let seen = markOf(file)
  return () => {
    const mark = markOf(file)
    if (mark !== undefined && mark !== seen) [keys, seen] = [ensureMasterKeyFile(file), mark]
    return keys
  }
}

/** A new key, before those that are there: from here on it wraps what is new, and all of them open. Nothing is lost by a crash, wherever it comes. */
export function putNewMasterKey(file: string): void {
  replaceKeyFile(file, textOf([randomBytes(32), ...ensureMasterKeyFile(file)]))
}

/** Takes out all keys but the first: only when nothing is wrapped under them, nor is about to be. */
export function keepFirstMasterKey(file: string): void {
  const [first] = ensureMasterKeyFile(file)
  replaceKeyFile(file, textOf([first]))
}

const textOf = (keys: MasterKeys): string => keys.map((key) => Buffer.from(key).toString('base64')).join(',')

/** Tells one content of the file from another: each comes in a file of its own, by a rename. */
function markOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat && `${stat.ino} ${stat.mtimeMs}`
}
