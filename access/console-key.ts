/** The key of the embedded default, for whoever sits at the machine. With a provider there is none. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Identity } from './roles.ts'

/** Of 32 random bytes. The prefix lets scanners for leaked secrets know it. */
export const consoleKeyOf = (random: Uint8Array): string => `klc_${Buffer.from(random).toString('base64url')}`

/** Who has it may all: it lies beside the log and its master key. */
export const keyHolder: Identity = { subject: 'console-key', roles: ['admin'] }

/** Hashed first: `timingSafeEqual` takes equal lengths only. */
export function isConsoleKey(given: string, key: string): boolean {
  const [a, b] = [given, key].map((one) => createHash('sha256').update(one).digest()) as [Buffer, Buffer]
  return timingSafeEqual(a, b)
}
