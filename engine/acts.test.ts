import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Unavailable } from '../eventlog/event-log.ts'
import { eventsOf, openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { auditStream, createActs } from './acts.ts'

let file: ReturnType<typeof openTestFile>
let log: BreakableLog
beforeEach(() => {
  file = openTestFile()
  log = file.open()
})
afterEach(() => file.remove())

const acts = () => createActs({ streams: createStreams({ log, now: () => new Date('2026-03-02T08:00:00.000Z'), newId: randomUUID }), newId: randomUUID })
const look = { who: 'jo', what: 'audit open', why: 'Ticket 4711', subject: 'session-1', revision: 0, fields: ['address'] }

test('An act stands in a stream of its own, with its actor', async () => {
  const act = acts()
  const [one, other] = [await act('cli:jo', look), await act('cli:jo', { who: 'jo', what: 'keys rotate', why: 'once a year' })]
  expect(await eventsOf(log, auditStream(one))).toMatchObject([{ type: 'OperatorActed', data: look, metadata: { actor: 'cli:jo', $correlationId: one, $causationId: one } }])
  expect((await eventsOf(log, auditStream(other))).map(({ data }) => data)).toEqual([{ who: 'jo', what: 'keys rotate', why: 'once a year' }])
})

test.each([
  ['nobody', { who: '' }],
  ['no reason', { why: '' }],
  ['a reason that names the person', { why: 'ada@example.com asks' }],
  ['a subject that is too long', { subject: 'x'.repeat(129) }],
])('Of an act with %s nothing is written, and it must not be done', async (_, wrong) => {
  await expect(acts()('cli:jo', { ...look, ...wrong })).rejects.toThrow()
  for await (const event of log.readAll({})) throw new Error(event.type)
})

test('An act that cannot be written must not be done', async () => {
  log.broken.away = true
  await expect(acts()('cli:jo', look)).rejects.toThrow(Unavailable)
})
