/** Whether the ledger has an event, and whether a checkpoint covers it: for every event of a few streams. */
import { parseFact } from '../../domain/event.ts'
import { ledgerEvents } from '../../domain/ledger/events.ts'
import type { EventLog } from '../../eventlog/event-log.ts'
import type { LedgerTable } from './table.ts'

export type Coverage = { leaf: number | null; checkpoint: number | null }

/** The newest checkpoint; undefined while nothing was signed. */
async function newestIn(log: EventLog, stream: string): Promise<{ number: number; size: number } | undefined> {
  const last = await log.last(stream)
  for (let number = last?.revision ?? 0; number > 0; number -= 1) {
    for await (const recorded of log.read(stream, number)) {
      const { type, data } = parseFact(ledgerEvents, recorded)
      if (type === 'CheckpointSigned') return { number, size: data.size }
      // What stands last may be a change of the key.
      break
    }
  }
  return undefined
}

/** `ledger`: the name of its stream. Undefined while the table is out of reach. */
export const createCoverage =
  ({ log, ledger, table }: { log: EventLog; ledger: string; table: Pick<LedgerTable, 'ofStream'> }) =>
  async (streams: readonly string[]): Promise<((stream: string, revision: number) => Coverage) | undefined> => {
    const newest = await newestIn(log, ledger)
    const rows = await Promise.all(streams.map(table.ofStream)).catch(() => undefined)
    if (!rows) return undefined
    const leaves = new Map(rows.flat().map(({ stream, revision, index }) => [`${stream} ${revision}`, index]))
    return (stream, revision) => {
      const leaf = leaves.get(`${stream} ${revision}`) ?? null
      return { leaf, checkpoint: newest && leaf !== null && leaf < newest.size ? newest.number : null }
    }
  }
