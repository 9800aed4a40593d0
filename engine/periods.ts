/** What ages is dropped by the month: the key that it is sealed under is sealed away, and the log has that it was, and by what rule. */
import type { Streams } from '../eventlog/transact.ts'
import { uuidOf } from '../vault/sealing.ts'
import type { Vault } from '../vault/vault.ts'
import { audits, auditStream } from './acts.ts'

/** No log is older than this software. */
const first = indexOf('2026-01')

export type DropPeriods = ReturnType<typeof createPeriods>

export function createPeriods({ streams, vault, now }: { streams: Streams; vault: Vault; now: () => Date }) {
  /** Months that are known to have a key, and months that have none and never will: neither is read again. */
  const lived = new Set<number>()
  const gone = new Set<number>()

  const streamOf = (period: number): string => auditStream(uuidOf(`period dropped ${monthOf(period)}`))
  const isBegun = async (period: number): Promise<boolean> => (await streams.log.last(streamOf(period))) !== undefined

  /**
   * Drops every month that ended so many months ago. Safe to repeat, after a crash and by several engines at once.
   * A key dropped is dropped for ever, so a clock that is years ahead must not be believed: as many months must have come since in which an engine ran, which
   * each leaves a key behind. @returns the months that were dropped now, such as `2026-03` @throws Unavailable, OutcomeUnknown
   */
  return async function dropPeriods(months: number): Promise<string[]> {
    const present = indexOf(now().toISOString())
    await vault.beginPeriod(monthOf(present))
    const last = present - 1 - months
    const dropped: string[] = []
    for (let period = first; period <= last; period += 1) {
      if (gone.has(period)) continue
      const [there, begun] = [await vault.hasPeriod(monthOf(period)), await isBegun(period)]
      if (there && (await livedSince(period, present, months)) < months) break
      // Of the newest one it may not be known whether its bytes are gone as well: that is done again after a restart.
      if (there || (begun && period === last)) await drop(period, months)
      if (there) dropped.push(monthOf(period))
      gone.add(period)
    }
    return dropped
  }

  async function livedSince(period: number, present: number, enough: number): Promise<number> {
    let many = 0
    for (let later = present; later > period && many < enough; later -= 1) {
      if (!lived.has(later) && (await vault.hasPeriod(monthOf(later)))) lived.add(later)
      if (lived.has(later)) many += 1
    }
    return many
  }

  async function drop(period: number, months: number): Promise<void> {
    const stream = streamOf(period)
    const id = stream.slice('audit-'.length)
    await streams.transact(audits, stream, { actor: 'engine', correlationId: id, causationId: id }, (folded) => ({
      events: folded ? [] : [{ type: 'PeriodDropped', data: { period: monthOf(period), months } }],
      result: undefined,
    }))
    await vault.dropPeriod(monthOf(period))
  }
}

/** Months since the year 0, of an ISO 8601 date. */
function indexOf(date: string): number {
  const [year, month] = date.split('-').map(Number) as [number, number]
  return year * 12 + month - 1
}
const monthOf = (index: number): string => `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`
