/** Values sealed as `vault/vault.ts` seals them, and opened by it, with keys and nonces that repeat with the seed. */
import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Sealed } from '../domain/event.ts'
import type { MasterKeys } from '../vault/masters.ts'
import { derive, encrypt, fingerprintOf, hmac, uuidOf } from '../vault/sealing.ts'
import { keyStream } from '../vault/vault.ts'
import type { Dice } from './dice.ts'
import { appendOf, type Append } from './record.ts'

export type Seal = (plaintext: string) => Sealed
export type Seals = {
  /** With which an engine opens all of it. */
  masterKeys: MasterKeys
  /** The keys that an engine makes when it starts. */
  first(at: number): Append[]
  /** The person's key, and what is sealed by it alone. */
  account(id: string, at: number): { key: Append; secret: KeyObject; seal: Seal }
  /** What ages, for a person or for nobody; the month's key too, when it is used for the first time. */
  period(at: number, account?: { id: string; secret: KeyObject } | undefined): { key: Append[]; seal: Seal }
  lookup(identifier: string): string
}

const nonceBytes = 12

export function createSeals(dice: Dice): Seals {
  const masterKey = dice.bytes(32)
  const master = createSecretKey(masterKey)
  const months = new Map<string, KeyObject>()
  const lookup = createSecretKey(dice.bytes(32))

  function keyOf(id: string, purpose: 'account' | 'period' | 'lookup' | 'root', secret: Uint8Array, at: number): Append {
    const wrapped = { master: fingerprintOf(masterKey), wrapped: encrypt(master, secret, `key-${id}`, dice.bytes(nonceBytes)) }
    return appendOf(dice, at, keyStream(id), -1, [{ type: 'KeyWrapped', data: { purpose, ...wrapped } }], { actor: 'engine', correlationId: id, causationId: id })
  }
  const sealWith = (key: KeyObject, prefix: string): Seal => (plaintext) => `${prefix}.${encrypt(key, Buffer.from(plaintext), prefix, dice.bytes(nonceBytes))}` as Sealed

  return {
    masterKeys: [masterKey],
    first: (at) => [keyOf(uuidOf('lookup'), 'lookup', lookup.export(), at), keyOf(uuidOf('root'), 'root', dice.bytes(32), at)],
    account(id, at) {
      const secret = dice.bytes(32)
      return { key: keyOf(id, 'account', secret, at), secret: createSecretKey(secret), seal: sealWith(createSecretKey(secret), `a1.${id}`) }
    },
    period(at, account) {
      const month = new Date(at).toISOString().slice(0, 7)
      const known = months.get(month)
      const bytes = known ? undefined : dice.bytes(32)
      const secret = known ?? createSecretKey(bytes as Buffer)
      months.set(month, secret)
      const aged = derive(secret, 'aged value', account?.secret.export() ?? '')
      return { key: bytes ? [keyOf(uuidOf(`period ${month}`), 'period', bytes, at)] : [], seal: sealWith(aged, `p1.${month}.${account?.id ?? ''}`) }
    },
    lookup: (identifier) => hmac(lookup, identifier).toString('hex'),
  }
}
