/** Drops the months whose time is over. Late, twice or by two engines at once it does no harm. */
import type { DropPeriods } from '../engine/periods.ts'
import { createRounds } from './rounds.ts'

/** ms. A month more or less is what it is about: this makes a restart soon enough. */
const everyMs = 300_000

export type Retention = ReturnType<typeof createRetention>

/** `months`: null where everything is kept. */
export function createRetention({ dropPeriods, months, onError }: { dropPeriods: DropPeriods; months: number | null; onError: (error: unknown) => void }) {
  const round = async (): Promise<readonly string[]> => (months === null ? [] : dropPeriods(months))
  return { round, ...createRounds({ round, everyMs, onError }) }
}
