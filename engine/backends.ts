/** Who may administer accounts: the company's backends, each by a random key of which the configuration holds the SHA-256 alone. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { sha256Of } from './sha256.ts'

/** As hex (what `sha256sum` prints) or base64url. */
const Sha256 = sha256Of('a key', { hex: /^[0-9a-f]{64}$/i, called: 'hex' })

export const BackendId = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, ".", "_" and "-"')

/** `id` stands in every event that the backend causes. It may have two keys while one takes the place of the other. */
export const Backend = z.strictObject({ id: BackendId, keySha256: Sha256 })
export type Backend = z.infer<typeof Backend>

/** The key is drawn from 256 bits, so that one fast hash is enough to keep it. The prefix lets scanners for leaked secrets know it. */
export const backendKeyOf = (random: Uint8Array): string => `klb_${Buffer.from(random).toString('base64url')}`

export const keySha256Of = (key: string): string => createHash('sha256').update(key).digest('base64url')

/** The backend whose key this is. Compared in constant time, with every one. */
export function backendOf(backends: readonly Backend[], key: string): Backend | undefined {
  const given = createHash('sha256').update(key).digest()
  return backends.filter(({ keySha256 }) => timingSafeEqual(given, Buffer.from(keySha256, 'base64url')))[0]
}
