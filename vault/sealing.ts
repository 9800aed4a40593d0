/** AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce per value, and the derivations that go with it. */
import { createCipheriv, createDecipheriv, createHash, createHmac, createSecretKey, hkdfSync, randomFillSync, type KeyObject } from 'node:crypto'
import { v5 as uuidv5 } from 'uuid'

const nonceBytes = 12
const tagBytes = 16

export type Key = Uint8Array | KeyObject

/** Bytes would do as well, but Node takes six times as long to see that they are no key object. What is used again and again is one already. */
const keyObject = (key: Key): KeyObject => (key instanceof Uint8Array ? createSecretKey(key) : key)

const pool = Buffer.alloc(4096)
let drawn = pool.length

/** Drawn many at a time, since one by one they cost as much as the cipher. Keys are not drawn here. */
function drawNonce(): Buffer {
  if (drawn + nonceBytes > pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  return Buffer.from(pool.subarray(drawn, (drawn += nonceBytes)))
}

/**
 * nonce || ciphertext || tag, base64url. `context` is authenticated and must be given again to open. A `nonce` is given by the synthetic year alone, whose
 * bytes are to repeat: one nonce for two values of a key would open both (NIST SP 800-38D, 8).
 */
export function encrypt(key: Key, plaintext: Uint8Array, context: string, nonce = drawNonce()): string {
  const cipher = createCipheriv('aes-256-gcm', keyObject(key), nonce).setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/** @throws Error when the key, the context or a byte of the value is another one */
export function decrypt(key: Key, sealed: string, context: string): Buffer {
  const bytes = Buffer.from(sealed, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', keyObject(key), bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-tagBytes))
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()])
}

/** HKDF-SHA-256 (RFC 5869) to 32 bytes. */
export const derive = (secret: Key, label: string, salt: Uint8Array | string = ''): KeyObject =>
  createSecretKey(new Uint8Array(hkdfSync('sha256', keyObject(secret), salt, `keyledger ${label}`, 32)))

export const hmac = (key: Key, message: string): Buffer => createHmac('sha256', keyObject(key)).update(message).digest()

/** Names a master key without telling it. */
export const fingerprintOf = (key: Uint8Array): string => createHash('sha256').update('keyledger master key ').update(key).digest('base64url').slice(0, 12)

/** The namespace of all UUIDs that this engine derives. */
const keyledgerNamespace = '6f1a7f0e-7f0a-5d3c-9c55-0b8a3f1c2e47'

/** The same name gives the same UUID (version 5; RFC 9562, 5.5). */
export const uuidOf = (name: string): string => uuidv5(name, keyledgerNamespace)

/** Whose stream has the key of a month. */
export const periodKeyIdOf = (period: string): string => uuidOf(`period ${period}`)
