import { createPublicKey, type JsonWebKey } from 'node:crypto'

/** A decoded COSE key. Labels: 1 kty, 3 alg, -1 crv or n, -2 x or e, -3 y (RFC 9053, section 7.1 and 7.2; RFC 8230, section 4). */
export type CoseKey = ReadonlyMap<unknown, unknown>

/**
 * Whether signatures of the key's own algorithm can be verified with it: WebAuthn Level 3, section 5.8.5, ties -8 to Ed25519 and -7 to
 * P-256 with an uncompressed point; RFC 8812, section 2, demands 2048 bits for -257.
 */
export function isUsable(key: CoseKey): boolean {
  const [type, algorithm, curve] = [key.get(1), key.get(3), key.get(-1)]
  const bytes = (label: number) => {
    const value = key.get(label)
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : ''
  }
  if (algorithm === -8) return type === 1 && curve === 6 && details({ kty: 'OKP', crv: 'Ed25519', x: bytes(-2) }) !== undefined
  if (algorithm === -7) return type === 2 && curve === 1 && details({ kty: 'EC', crv: 'P-256', x: bytes(-2), y: bytes(-3) }) !== undefined
  if (algorithm === -257) return type === 3 && (details({ kty: 'RSA', n: bytes(-1), e: bytes(-2) })?.modulusLength ?? 0) >= 2048
  return false
}

function details(key: JsonWebKey) {
  try {
    return createPublicKey({ key, format: 'jwk' }).asymmetricKeyDetails
  } catch {
    return undefined
  }
}
