/** Whose address is recorded when proxies stand before the engine. */
import { isIP } from 'node:net'

/**
 * Each trusted proxy appends to `X-Forwarded-For` whom it was talking to, so with `hops` of them the entry that far from the right was written by
 * the outermost one. What is left of it came with the request, and is anybody's invention. A header that is too short, or has no address in that
 * place, was not written as the configuration says: then it is the peer. With 0 hops, and in any form of `Forwarded` (RFC 7239), nothing is read.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined, hops: number): string | undefined {
  const written = hops > 0 ? forwardedFor?.split(',').at(-hops) : undefined
  return (written === undefined ? undefined : addressIn(written.trim())) ?? (peer === undefined ? undefined : (addressIn(peer) ?? peer))
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`, `::ffff:192.0.2.1`; in one spelling (RFC 5952). */
function addressIn(entry: string): string | undefined {
  const [, bracketed, v4] = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(entry) ?? []
  const address = bracketed ?? v4 ?? entry
  if (bracketed === undefined && isIP(address) === 4) return address
  if (v4 !== undefined || isIP(address) !== 6) return undefined
  const spelled = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(spelled ?? '') ?? []
  if (high === undefined || low === undefined) return spelled
  // RFC 4291, 2.5.5.2.
  return [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.')
}
