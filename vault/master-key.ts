/** The master key: from the environment or a file in production; on the embedded default made on first start. */
import { ensureKeyFile } from './key-file.ts'

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
  return parseMasterKeys(ensureKeyFile(file))
}
