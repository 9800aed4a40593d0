import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { NewEvent } from '../../eventlog/event-log.ts'
import { openTestFile } from '../../eventlog/testing.ts'
import { createCoverage } from './coverage.ts'
import type { LeafRow } from './table.ts'

const golden = (type: string, data: object = {}): NewEvent => {
  const stored = JSON.parse(readFileSync(new URL(`../../domain/ledger/stored/${type}.json`, import.meta.url), 'utf8')) as NewEvent
  return { ...stored, id: crypto.randomUUID(), data: { ...stored.data, ...data } }
}
const row = (index: number): LeafRow => ({ index, stream: 'session-a', revision: index - 4, hashes: Buffer.alloc(32) })

test('An event is covered by the newest checkpoint whose tree reaches it, and by none where none does', async () => {
  const file = openTestFile()
  const log = file.open()
  const coverageOf = createCoverage({ log, ledger: 'ledger-x', table: { ofStream: async () => [row(4), row(5), row(6)] } })
  const covered = async () => {
    const coverage = (await coverageOf(['session-a']))!
    return [0, 1, 2, 3].map((revision) => coverage('session-a', revision))
  }
  const without = [4, 5, 6, null].map((leaf) => ({ leaf, checkpoint: null }))
  expect(await covered()).toEqual(without)
  await log.append('ledger-x', [golden('LedgerOpened')], 'none')
  expect(await covered()).toEqual(without)
  await log.append('ledger-x', [golden('CheckpointSigned', { size: 5 }), golden('CheckpointSigned', { size: 6 }), golden('LedgerKeyChanged', { size: 6 })], 0)
  expect(await covered()).toEqual([{ leaf: 4, checkpoint: 2 }, { leaf: 5, checkpoint: 2 }, { leaf: 6, checkpoint: null }, { leaf: null, checkpoint: null }])
  const away = createCoverage({ log, ledger: 'ledger-x', table: { ofStream: async () => Promise.reject(new Error('away')) } })
  expect(await away(['session-a'])).toBeUndefined()
  await file.remove()
})
