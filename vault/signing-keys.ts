/** The keys that sign access tokens (ES256): generated here, wrapped like every key, overlapping in the JWKS when rotated. */
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type CryptoKey, type JWK } from 'jose'
import type { Aggregate, Streams } from '../eventlog/transact.ts'
import { evolve, keyEvents, type KeyState } from './events.ts'
import { uuidOf } from './sealing.ts'
import { keyStream, type Vault } from './vault.ts'

const id = uuidOf('signing')
const signingKeys: Aggregate<KeyState, typeof keyEvents> = { events: keyEvents, evolve }

/** Seconds for which a replaced key stays in the JWKS: no access token lives longer, and verifiers may cache the set. */
const overlapSeconds = 86_400
/** Another engine may have rotated: the log is looked at again after this long. */
const rereadMs = 60_000

export type SigningKeys = ReturnType<typeof createSigningKeys>

export function createSigningKeys(dependencies: { streams: Streams; vault: Vault; now: () => Date }) {
  const { streams, vault, now } = dependencies
  let current: Promise<{ kid: string; key: CryptoKey }> | undefined
  let readAt = Number.NEGATIVE_INFINITY

  async function rotate(onlyIfNone = false): Promise<void> {
    const pair = await generateKeyPair('ES256', { extractable: true })
    const publicJwk = (await exportJWK(pair.publicKey)) as Record<string, string>
    const wrapped = vault.wrap(id, Buffer.from(await exportPKCS8(pair.privateKey)))
    await streams.transact(signingKeys, keyStream(id), { actor: 'engine', correlationId: id, causationId: id }, (folded, at) => {
      if (onlyIfNone && folded && folded.state.signing.length > 0) return { events: [], result: undefined }
      const kid = `${at.slice(0, 10)}-${publicJwk['x']?.slice(0, 8)}`
      return { events: [{ type: 'SigningKeyAdded', data: { kid, publicJwk, ...wrapped } }], result: undefined }
    })
    current = undefined
  }

  async function read(): Promise<{ kid: string; key: CryptoKey }> {
    const folded = await streams.load(signingKeys, keyStream(id))
    const newest = folded?.state.signing.at(-1)
    if (!newest) {
      await rotate(true)
      return read()
    }
    return { kid: newest.kid, key: await importPKCS8(vault.unwrap(id, newest).toString(), 'ES256') }
  }

  return {
    rotate: () => rotate(),

    /** The key that signs now. @throws Unavailable */
    current(): Promise<{ kid: string; key: CryptoKey }> {
      const age = now().getTime() - readAt
      if (!current || age > rereadMs || age < 0) {
        readAt = now().getTime()
        current = read().catch((error: unknown) => {
          current = undefined
          throw error
        })
      }
      return current
    },

    /** RFC 7517. Every key that a valid token may have been signed with. */
    async jwks(): Promise<{ keys: JWK[] }> {
      await this.current()
      const signing = (await streams.load(signingKeys, keyStream(id)))?.state.signing ?? []
      const replacedAt = (index: number): number => Date.parse(signing[index + 1]?.addedAt ?? '9999-12-31T00:00:00.000Z')
      const live = signing.filter((_, index) => now().getTime() - replacedAt(index) < overlapSeconds * 1000)
      return { keys: live.map(({ kid, publicJwk }) => ({ ...publicJwk, kid, alg: 'ES256', use: 'sig' }) as JWK) }
    },
  }
}
