/** What the projections must have come to, whatever happened on the way. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
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
    while (await behind()) await sleep(50)
    for (const projection of projections) {
      const [stored, expected] = [await storedRows(sql, projection), await expectedRows(log, projection)]
      assert.deepEqual(plain(stored), plain(expected), `the rows of ${projection.name}`)
    }
  } finally {
    await close()
  }
}

const plain = (rows: object): unknown => JSON.parse(JSON.stringify(rows))
