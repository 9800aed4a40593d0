/** What the projections must have come to, whatever happened on the way. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog, Position } from '../eventlog/event-log.ts'
import { openDatabase } from '../projections/database.ts'
import { projections } from '../projections/read-model.ts'
import { readStatus } from '../projections/status.ts'
import { expectedRows, storedRows } from '../projections/testing.ts'
import type { Place } from './place.ts'

/** Resolves when every event is in the rows, and these are what the whole log folds to. */
export async function assertProjected({ log, databaseUrl }: Pick<Place, 'log' | 'databaseUrl'>): Promise<void> {
  const { sql, close } = openDatabase({ url: databaseUrl })
  try {
    const behind = async () => (await readStatus({ log, sql, projections, now: () => new Date() })).some(({ next }) => next !== undefined)
    for (;;) {
      while (await behind()) await sleep(50)
      const end = await endOf(log)
      const rows: { name: string; stored: unknown; expected: unknown }[] = []
      for (const projection of projections) rows.push({ name: projection.name, stored: plain(await storedRows(sql, projection)), expected: plain(await expectedRows(log, projection)) })
      // An engine that still sends notices writes them down while this looks.
      if ((await endOf(log)) !== end) continue
      for (const { name, stored, expected } of rows) assert.deepEqual(stored, expected, `the rows of ${name}`)
      return
    }
  } finally {
    await close()
  }
}

/** The position of the last event. */
export async function endOf(log: EventLog): Promise<Position | undefined> {
  let position: Position | undefined
  for await (const event of log.readAll({})) position = event.position
  return position
}

const plain = (rows: object): unknown => JSON.parse(JSON.stringify(rows))
