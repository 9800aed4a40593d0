/** The keys that sign access tokens (ES256): generated here, wrapped like every key, overlapping in the JWKS when rotated. */
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type CryptoKey, type JWK } from 'jose'
import type { Aggregate, Folded, Streams } from '../eventlog/transact.ts'
import { evolve, keyEvents, type KeyState, type SigningKey } from './events.ts'
import { uuidOf } from './sealing.ts'
import { keyStream, type Vault } from './vault.ts'

const id = uuidOf('signing')
const signingKeys: Aggregate<KeyState, typeof keyEvents> = { events: keyEvents, evolve }

/**
 * Seconds for which a new key is in the JWKS before it signs: verifiers may keep the set for 300 s, and look at it late. The very first one has
 * nobody to wait for.
 */
export const publishedBeforeSeconds = 600
/** Seconds for which a key stays in the JWKS when the next one signs: no access token lives longer, and verifiers may cache the set. */
const overlapSeconds = 86_400
/** Another engine may have rotated: the log is looked at again after this long. */
const rereadMs = 60_000

/** ms. */
const signsFrom = ({ addedAt }: SigningKey, index: number): number => Date.parse(addedAt) + (index === 0 ? 0 : publishedBeforeSeconds * 1000)

export type SigningKeys = ReturnType<typeof createSigningKeys>

export function createSigningKeys(dependencies: { streams: Streams; vault: Vault; now: () => Date }) {
  const { streams, vault, now } = dependencies
  let current: Promise<{ kid: string; key: CryptoKey }> | undefined
  let readAt = Number.NEGATIVE_INFINITY

  async function rotate(onlyIfNone = false): Promise<{ kid: string; signsFrom: Date }> {
    const pair = await generateKeyPair('ES256', { extractable: true })
    const publicJwk = (await exportJWK(pair.publicKey)) as Record<string, string>
    const wrapped = vault.wrap(id, Buffer.from(await exportPKCS8(pair.privateKey)))
    const { folded } = await streams.transact(signingKeys, keyStream(id), { actor: 'engine', correlationId: id, causationId: id }, (folded, at) => {
      if (onlyIfNone && folded && folded.state.signing.length > 0) return { events: [], result: undefined }
      const kid = `${at.slice(0, 10)}-${publicJwk['x']?.slice(0, 8)}`
      return { events: [{ type: 'SigningKeyAdded', data: { kid, publicJwk, ...wrapped } }], result: undefined }
    })
    current = undefined
    const { signing } = (folded as Folded<KeyState>).state
    const newest = signing.at(-1) as SigningKey
    return { kid: newest.kid, signsFrom: new Date(signsFrom(newest, signing.length - 1)) }
  }

  async function read(): Promise<{ kid: string; key: CryptoKey }> {
    const folded = await streams.load(signingKeys, keyStream(id))
    const signing = folded?.state.signing.findLast((key, index) => index === 0 || signsFrom(key, index) <= now().getTime())
    if (!signing) {
      await rotate(true)
      return read()
    }
    return { kid: signing.kid, key: await importPKCS8(vault.unwrap(id, signing).toString(), 'ES256') }
  }

  return {
    /** A new key: published at once, and signing later. */
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

    /** RFC 7517. Every key that a valid token may have been signed with, and the one that will sign next. */
    async jwks(): Promise<{ keys: JWK[] }> {
      await this.current()
      const signing = (await streams.load(signingKeys, keyStream(id)))?.state.signing ?? []
      const live = signing.filter((_, index) => {
        const next = signing[index + 1]
        return !next || now().getTime() - signsFrom(next, index + 1) < overlapSeconds * 1000
      })
      return { keys: live.map(({ kid, publicJwk }) => ({ ...publicJwk, kid, alg: 'ES256', use: 'sig' }) as JWK) }
    },
  }
}
