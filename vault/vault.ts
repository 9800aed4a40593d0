/**
 * Who may read what, and how a person is forgotten (design: section 5). Sealed values stand in the log; the keys that open them are the
 * events of `key-<uuid>`, wrapped under a master key that the log never sees.
 */
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Sealed } from '../domain/event.ts'
import { StreamSealed } from '../eventlog/event-log.ts'
import type { Aggregate, Cause, Streams } from '../eventlog/transact.ts'
import { evolve, keyEvents, type KeyPurpose, type KeyState } from './events.ts'
import { createMasters, type MasterKeySource } from './masters.ts'
import { decrypt, derive, encrypt, hmac, periodKeyIdOf, uuidOf, type Key } from './sealing.ts'

// A fold that outlived its sealed stream would open for ever what was to be forgotten.
export const keys: Aggregate<KeyState, typeof keyEvents> = { events: keyEvents, evolve, neverCached: true }
export const keyStream = (id: string): string => `key-${id}`

/** A value of a person; or one that ages, which a dropped period hides, or the person's being forgotten where the account is known. */
export type Scope = { account: string } | { period: string; account?: string | undefined }

/** The key was sealed away: what it hid is gone for ever. */
export class Forgotten extends Error {
  readonly code = 'forgotten'
}

/** No master key that was given opens this key. */
export class WrongMasterKey extends Error {
  readonly code = 'wrong_master_key'
}

const openedKeysLiveMs = 60_000

export type Vault = Awaited<ReturnType<typeof openVault>>

/** @throws WrongMasterKey when the log was written under a master key that is not among `masterKeys`; Unavailable */
export async function openVault(dependencies: { streams: Streams; masterKeys: MasterKeySource }) {
  const { streams, masterKeys } = dependencies
  const masters = createMasters(masterKeys)
  const opened = new LRUCache<string, KeyObject>({ max: 10_000, ttl: openedKeysLiveMs, ttlAutopurge: true })
  /** Ids without a key, for as long as an opened key would be kept. */
  const decoys = new LRUCache<string, true>({ max: 10_000, ttl: openedKeysLiveMs, ttlAutopurge: true })
  /** Lately forgotten here. A key that was read a moment before must not come back into memory. */
  const forgotten = new LRUCache<string, true>({ max: 10_000 })
  const keep = (id: string, key: KeyObject): void => void (forgotten.has(id) || opened.set(id, key))
  const cause = (id: string): Cause => ({ actor: 'engine', correlationId: id, causationId: id })

  const wrap = (id: string, key: Uint8Array) => {
    const { name, key: master } = masters.newest()
    return { master: name, wrapped: encrypt(master, key, `key-${id}`) }
  }
  function unwrap(id: string, { master, wrapped }: { master: string; wrapped: string }): Buffer {
    const key = masters.find(master)
    if (!key) throw new WrongMasterKey(`key-${id} is wrapped under master key ${master}, which was not given`)
    return decrypt(key, wrapped, `key-${id}`)
  }

  /** The key, or undefined where there is none, or none any more. */
  async function keyOf(id: string): Promise<KeyObject | undefined> {
    const known = opened.get(id)
    if (known) return known
    const last = await streams.load(keys, keyStream(id))
    if (!last?.state.key) return undefined
    const key = createSecretKey(unwrap(id, last.state.key))
    keep(id, key)
    return key
  }

  /** @throws Forgotten */
  async function createKey(id: string, purpose: KeyPurpose): Promise<KeyObject> {
    const key = randomBytes(32)
    try {
      const { result } = await streams.transact(
        keys,
        keyStream(id),
        cause(id),
        (folded) =>
          folded?.state.key
            ? { events: [], result: unwrap(id, folded.state.key) }
            : { events: [{ type: 'KeyWrapped', data: { purpose, ...wrap(id, key) } }], result: key },
        { assumeNew: true },
      )
      const made = createSecretKey(result)
      keep(id, made)
      return made
    } catch (error) {
      if (error instanceof StreamSealed) throw new Forgotten(`key-${id} was sealed`)
      throw error
    }
  }

  const ensureKey = async (id: string, purpose: 'account' | 'period' | 'lookup' | 'root' | 'ledger'): Promise<KeyObject> => (await keyOf(id)) ?? createKey(id, purpose)

  const lookupKey = await ensureKey(uuidOf('lookup'), 'lookup')
  const root = await ensureKey(uuidOf('root'), 'root')

  /** A handful of months; the UUID of one costs as much as sealing a value. */
  const periodKeyIds = new Map<string, string>()
  function periodKeyId(period: string): string {
    const id = periodKeyIds.get(period) ?? periodKeyIdOf(period)
    periodKeyIds.set(period, id)
    return id
  }
  /** Both keys are needed, so losing either hides the value. */
  const agedKey = (period: KeyObject, account: KeyObject | undefined): KeyObject => derive(period, 'aged value', account?.export() ?? '')

  /** Seals any number of values. @throws Forgotten when the person was; Unavailable */
  async function sealer(scope: Scope): Promise<(plaintext: string) => Sealed> {
    if (!('period' in scope)) return sealWith(await ensureKey(scope.account, 'account'), `a1.${scope.account}`)
    const account = scope.account === undefined ? undefined : await ensureKey(scope.account, 'account')
    return sealWith(agedKey(await ensureKey(periodKeyId(scope.period), 'period'), account), `p1.${scope.period}.${scope.account ?? ''}`)
  }

  const sealWith = (key: Key, prefix: string) => (plaintext: string): Sealed => `${prefix}.${encrypt(key, Buffer.from(plaintext), prefix)}` as Sealed

  async function sealAway(id: string): Promise<void> {
    forgotten.set(id, true)
    opened.delete(id)
    await streams.log.seal(keyStream(id))
  }

  return {
    /** Makes the account's key; harmless when it is there. @returns what seals its values @throws Forgotten */
    async createAccountKey(account: string): Promise<(plaintext: string) => Sealed> {
      return sealWith(await createKey(account, 'account'), `a1.${account}`)
    },

    sealer,
    /** @throws Forgotten when the person was; Unavailable */
    seal: async (scope: Scope, plaintext: string): Promise<Sealed> => (await sealer(scope))(plaintext),

    /** The plaintext, or undefined when the person was forgotten or the period dropped. @throws Error for a value that was tampered with */
    async open(sealed: Sealed): Promise<string | undefined> {
      const parts = sealed.split('.')
      const [kind, id = '', third = '', fourth = ''] = parts
      const prefix = parts.slice(0, -1).join('.')
      if (kind === 'a1') {
        const key = await keyOf(id)
        return key && decrypt(key, third, prefix).toString()
      }
      if (kind !== 'p1') throw new TypeError('not a sealed value')
      const [period, account] = [await keyOf(periodKeyId(id)), third === '' ? undefined : await keyOf(third)]
      if (!period || (third !== '' && !account)) return undefined
      return decrypt(agedKey(period, account), fourth, prefix).toString()
    },

    /** Whether the month's key is there. @throws Unavailable */
    hasPeriod: async (period: string): Promise<boolean> => (await streams.load(keys, keyStream(periodKeyId(period))))?.state.key != null,
    /** Makes the month's key if nothing was sealed in it yet. @throws Forgotten when it was dropped; Unavailable */
    beginPeriod: async (period: string): Promise<void> => void (await ensureKey(periodKeyId(period), 'period')),
    /**
     * What aged in this month is gone for ever: from the log and from this engine's memory; other engines have the key for a minute at most. Safe to repeat.
     * @throws Unavailable, OutcomeUnknown: it may be there still, repeat it
     */
    dropPeriod: (period: string): Promise<void> => sealAway(periodKeyId(period)),

    /** The read that the key of a person costs, for an identifier that nobody owns: as often, too. `id` must never have a key. */
    async readDecoy(id: string): Promise<void> {
      if (decoys.get(id)) return
      await streams.load(keys, keyStream(id))
      decoys.set(id, true)
    },

    /**
     * The person's key is gone for ever, from the log and from this engine's memory; other engines have it for a minute at most. Safe to repeat.
     * @throws Unavailable, OutcomeUnknown: it may be there still, repeat it
     */
    forget: (account: string): Promise<void> => sealAway(account),

    /** The keyed hash that names `identifier-<...>`; of a normalized identifier. */
    lookup: (identifier: string): string => hmac(lookupKey, identifier).toString('hex'),

    /** A secret for one purpose, derived from the root key: stays the same when the master key is rotated. */
    secret: (purpose: string): KeyObject => derive(root, purpose),

    /** The 32 bytes that the ledger signs with; made where there are none. @throws Forgotten when the key was sealed away; Unavailable */
    ledgerKey: async (id: string): Promise<Uint8Array> => new Uint8Array((await ensureKey(id, 'ledger')).export()),

    /** For keys that others make, such as the ones that sign tokens. */
    wrap,
    unwrap,
    /** The fingerprints of the master keys, the one first that wraps what is new. */
    masterKeys: masters.names,
  }
}
