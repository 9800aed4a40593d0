import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestFile } from '../eventlog/testing.ts'
import { headOf } from '../eventlog/sqlite/compare.ts'
import { stepsOf, stepsOfFile, type LogStep } from './log-steps.ts'
import { appendLogins } from './testing-log.ts'

const made = openTestFile()
beforeAll(async () => {
  await made.open().append('key-1', [{ id: crypto.randomUUID(), type: 'None', data: {}, metadata: { at: '2026-03-02T08:00:00.000Z', actor: 'engine', $correlationId: 'x', $causationId: 'x' } }], 'none')
  await appendLogins(made.file, 9)
})
afterAll(made.remove)

async function collect(steps: AsyncIterable<LogStep>, into: LogStep[] = []): Promise<LogStep[]> {
  for await (const { stream, revision, metadata, hash, reason, needs } of steps) into.push({ stream, revision, metadata: { at: metadata.at }, hash: Buffer.from(hash), reason, needs })
  return into
}

test('Several threads read what one reads, in its order, and end where an event cannot be read', async () => {
  const alone = await collect(stepsOf(made.open()))
  expect(alone).toHaveLength(46)
  expect(alone[0]?.reason).toContain('its type, None, is not known')
  expect(await collect(stepsOfFile(made.file, headOf(made.file), 2, 7))).toEqual(alone)
  const db = new DatabaseSync(made.file)
  db.exec("update events set data = '{' where position = 20")
  db.close()
  const before: LogStep[] = []
  await expect(collect(stepsOfFile(made.file, headOf(made.file), 2, 7), before)).rejects.toThrow(/^session-\S+, revision 2: the stored event is not JSON$|^session-\S+, revision 1: the stored event is not JSON$/)
  expect(before).toEqual(alone.slice(0, 19))
})
