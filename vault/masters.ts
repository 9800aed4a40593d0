/** The master keys as they are now, by their fingerprints. */
import { createSecretKey } from 'node:crypto'
import { fingerprintOf, type Key } from './sealing.ts'

/** The first one wraps what is new; all of them open. */
export type MasterKeys = readonly [Uint8Array, ...Uint8Array[]]

/** Asked before a key is wrapped, and where one is wrapped under a master key that is not known: a new one may have been put first meanwhile. */
export type MasterKeySource = MasterKeys | (() => MasterKeys)

export function createMasters(source: MasterKeySource) {
  let given: MasterKeys | undefined
  let known = new Map<string, Key>()
  const look = (): void => {
    const now = typeof source === 'function' ? source() : source
    if (now === given) return
    given = now
    known = new Map(now.map((key) => [fingerprintOf(key), createSecretKey(key)]))
  }
  look()
  return {
    newest(): { name: string; key: Key } {
      look()
      const [[name, key]] = [...known] as [[string, Key]]
      return { name, key }
    },
    find(name: string): Key | undefined {
      if (!known.has(name)) look()
      return known.get(name)
    },
    names(): string[] {
      look()
      return [...known.keys()]
    },
  }
}

