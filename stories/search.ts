/** Looks for thousands of byte strings at once, in one pass. */
import type { Json } from '../eventlog/event-log.ts'

export type Needle = { kind: string; form: string; bytes: Buffer }
export type Find = { where: string; kind: string; form: string }

/** @param words found where they stand alone in a value, with no letter or digit beside them */
export function createSearch(needles: readonly Needle[], words: readonly string[] = []) {
  // By their first four bytes; a bit for each of those, hashed, tells nearly every place apart at once.
  const byStart = new Map<number, Needle[]>()
  const starts = new Uint8Array(1 << 20)
  for (const needle of needles) {
    const start = needle.bytes.readInt32LE()
    byStart.set(start, [...(byStart.get(start) ?? []), needle])
    starts[slot(start)] = 1
  }
  const word = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.map((one) => one.replaceAll('.', '\\.')).join('|')})(?![\\p{L}\\p{N}])`, 'u')

  const leaves = (where: string, value: Json | undefined): Find[] => {
    if (typeof value === 'object' && value !== null) return Object.values(value).flatMap((one) => leaves(where, one))
    return words.length > 0 && word.test(String(value)) ? [{ where, kind: 'word', form: 'alone' }] : []
  }

  return {
    leaves,
    bytes(where: string, hay: Buffer): Find[] {
      const found: Find[] = []
      let start = 0
      for (let end = 0; end < hay.length; end += 1) {
        start = (start >>> 8) | ((hay[end] as number) << 24)
        if (starts[slot(start)] === 0) continue
        for (const { kind, form, bytes } of byStart.get(start) ?? []) {
          if (bytes.equals(hay.subarray(end - 3, end - 3 + bytes.length))) found.push({ where, kind, form })
        }
      }
      return found
    },
  }
}

const slot = (start: number): number => Math.imul(start, 0x9e3779b1) >>> 12
