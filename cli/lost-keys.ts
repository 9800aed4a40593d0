/** A key that sealed values need must be there, unless it was destroyed for a reason that the log has. */
import type { Fault } from '../audit/examination.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import type { KeyNeeded } from './stored-events.ts'

/** @param missing keys without an event when the log was walked, and where they were first needed */
export async function keysLost(log: EventLog, missing: readonly (KeyNeeded & { at: Omit<Fault, 'reason'> })[]): Promise<Fault[]> {
  if (missing.length === 0) return []
  const dropped = new Set<string>()
  // Read now: somebody may have been forgotten since the walk went by.
  for await (const { type, data } of log.readAll({ prefixes: ['audit-'] })) if (type === 'PeriodDropped') dropped.add(String(data['period']))
  const faults: Fault[] = []
  for (const { key, account, period, at } of missing) {
    if (period !== undefined ? dropped.has(period) : await isErased(log, account ?? '')) continue
    const reason = period !== undefined ? `of ${period}, and that month was not dropped` : 'of a person who was not forgotten'
    faults.push({ ...at, reason: `key-${key} is gone: it is the key ${reason}` })
  }
  return faults
}

async function isErased(log: EventLog, account: string): Promise<boolean> {
  for await (const { type } of log.read(`account-${account}`)) if (type === 'AccountErased') return true
  return false
}
