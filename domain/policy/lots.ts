/**
 * Who is in a rollout, and in which variant: drawn by a hash of the account, so that nothing is kept and every engine draws alike.
 * The hash spreads, it hides nothing: FNV-1a (IETF draft-eastlake-fnv, 32 bits), finished by MurmurHash3's fmix32, since FNV's own upper
 * bits depend too little on the last letters for shares of a hundred.
 */
import type { AppendPolicy, Variant } from './append.ts'

export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** From 0 to 1, without 1; the same for ever. What it is drawn for stands before the salt, so that one lot says nothing of another. */
const lot = (draw: 'rollout' | 'variant', salt: string, account: string): number => hash32(`${draw}\n${salt}\n${account}`) / 2 ** 32

/** A larger share holds everybody of a smaller one. */
export const isRolledOut = ({ percent, salt }: AppendPolicy['rollout'], account: string): boolean => lot('rollout', salt, account) * 100 < percent

export function variantOf({ salt, of }: AppendPolicy['variants'], account: string): Variant | undefined {
  const weights = of.reduce((sum, { weight }) => sum + weight, 0)
  const drawn = lot('variant', salt, account) * weights
  let sum = 0
  return of.find(({ weight }) => drawn < (sum += weight))
}
