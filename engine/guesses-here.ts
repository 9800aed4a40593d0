/** Counts in the memory of this process, by the same rules: the insurance for while Postgres is away, and all there is where no engine shares. */
import { LRUCache } from 'lru-cache'
import { delayAfter, guessing } from '../domain/guesses.ts'
import type { CountResult, GuessCounter } from './guess-counter.ts'

/** `base`: so many of all are forgiven. Times in ms since the epoch. */
type Row = { begun: number; total: number; base: number; blockedUntil: number; touchedAt: number }

export function createGuessesHere(max: number) {
  const rows = new LRUCache<string, Row>({ max })
  const addresses = new LRUCache<string, { wrong: number; until: number }>({ max })
  let rowsBegun = 0

  const counter: GuessCounter = {
    async count({ key, address, at: moment, floor, bounded }): Promise<CountResult> {
      const at = moment.getTime()
      const before = rows.get(key)
      const wrong = before ? before.total - before.base : 0
      if (bounded && Math.max(wrong, floor) >= guessing.disabledAt) return { disabled: true }
      const from = address === undefined ? undefined : addresses.get(address)
      const closed = from && from.wrong >= guessing.fromAddress ? from.until : 0
      const blockedUntil = Math.max(before && wrong >= guessing.undelayed ? before.blockedUntil : 0, closed)
      if (blockedUntil > at) return { blockedUntil: new Date(blockedUntil), wrong }
      const { begun, base } = before ?? { begun: (rowsBegun += 1), base: 0 }
      const now = Math.max(wrong, floor) + 1
      rows.set(key, { begun, base, total: base + now, blockedUntil: at + delayAfter(now), touchedAt: at })
      return { counted: { wrong: now, begun, number: base + now } }
    },

    async giveBack(key, { begun, number }) {
      const row = rows.get(key)
      if (row?.begun !== begun || row.base >= row.total) return
      rows.set(key, { ...row, base: row.base + 1, blockedUntil: row.total === number ? row.touchedAt : row.blockedUntil })
    },

    async reset(resets) {
      for (const { key, at, row: known } of resets) {
        const row = rows.get(key)
        if (!row || (known ? known.begun !== row.begun : row.touchedAt > at.getTime())) continue
        const base = known ? Math.max(row.base, known.number) : row.total
        if (base >= row.total) rows.delete(key)
        else rows.set(key, { ...row, base, blockedUntil: row.touchedAt + delayAfter(row.total - base) })
      }
    },

    async countAddress(key, _, until) {
      addresses.set(key, { wrong: (addresses.get(key)?.wrong ?? 0) + 1, until: until.getTime() })
    },

    async sweep(at) {
      for (const [key, { touchedAt }] of rows.entries()) if (touchedAt + guessing.kept < at.getTime()) rows.delete(key)
      for (const [key, { until }] of addresses.entries()) if (until < at.getTime()) addresses.delete(key)
    },
  }

  return {
    ...counter,
    /** What the shared counter said, so that it goes on from there while that is away. */
    learn(key: string, result: CountResult, at: Date): void {
      if ('disabled' in result) return
      const wrong = 'counted' in result ? result.counted.wrong : result.wrong
      // What is blocked for longer than the guesses of this key account for is so by its address.
      const own = at.getTime() + delayAfter(wrong)
      const blockedUntil = 'counted' in result ? own : Math.min(own, result.blockedUntil.getTime())
      rows.set(key, { begun: (rowsBegun += 1), base: 0, total: wrong, blockedUntil, touchedAt: at.getTime() })
    },
    forget: (key: string): void => void rows.delete(key),
  }
}
