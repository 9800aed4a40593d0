import assert from 'node:assert/strict'
import { OutcomeUnknown, WrongRevision, type Appended, type EventLog } from '../event-log.ts'
import { collect, newEvent, newEvents, newStream, testsOf, type Store, type Test } from './fixture.ts'

/** What EventStoreDB does with event ids that it has seen, for an explicit expectation. */
export const idempotence = (store: Store): Test[] => {
  const test = testsOf(store)
  return [
    test('the same first batch again gives the old answer, and writes nothing', async (log, other) => {
      const [stream, events] = [newStream(), newEvents(2)]
      const first = await log.append(stream, events, 'none')
      assert.deepEqual(await log.append(stream, events, 'none'), first)
      assert.deepEqual(await other.append(stream, events, 'none'), first)
      assert.equal((await collect(log.read(stream))).length, 2)
    }),

    test('the same later batch again with its own expectation gives the old answer', async log => {
      const [stream, events] = [newStream(), newEvents(3)]
      await log.append(stream, newEvents(2), 'none')
      const answer = await log.append(stream, events, 1)
      assert.deepEqual(await log.append(stream, events, 1), answer)
      assert.equal((await collect(log.read(stream))).length, 5)
    }),

    test('the old answer is given also when other events came after', async log => {
      const [stream, first, second] = [newStream(), newEvents(2), newEvents(2)]
      const answers = [await log.append(stream, first, 'none'), await log.append(stream, second, 1)]
      await log.append(stream, newEvents(4), 3)
      await log.append(newStream(), newEvents(1), 'none')
      assert.deepEqual([await log.append(stream, first, 'none'), await log.append(stream, second, 1)], answers)
      assert.equal((await collect(log.read(stream))).length, 8)
    }),

    test('one append sent many times at once is written once and answered alike', async (log, other) => {
      const [stream, events] = [newStream(), newEvents(2)]
      // A store may give up on some of them (EventStoreDB does after its commit timeout): the outcome is unknown, and a repeat gives the answer.
      const persist = (handle: EventLog): Promise<Appended> => handle.append(stream, events, 'none').catch((error: unknown) => {
        if (error instanceof OutcomeUnknown) return persist(handle)
        throw error
      })
      const answers = await Promise.all(Array.from({ length: 32 }, (_, index) => persist(index % 2 ? log : other)))
      for (const answer of answers) assert.deepEqual(answer, answers[0])
      assert.equal((await collect(log.read(stream))).length, 2)
    }),

    test('the same ids with another expectation are refused', async log => {
      const [stream, first, second] = [newStream(), newEvents(2), newEvents(2)]
      await log.append(stream, first, 'none')
      await log.append(stream, second, 1)
      await log.append(stream, newEvents(2), 3)
      for (const expected of [0, 1, 3, 9]) await assert.rejects(log.append(stream, first, expected), WrongRevision, `first, expecting ${expected}`)
      for (const expected of ['none', 0, 2, 3] as const) {
        await assert.rejects(log.append(stream, second, expected), WrongRevision, `second, expecting ${expected}`)
      }
      assert.equal((await log.last(stream))?.revision, 5)
    }),

    test('a batch that repeats only in part is refused', async log => {
      const stream = newStream()
      const [a, b] = [newEvent(), newEvent()]
      await log.append(stream, [a, b], 'none')
      for (const batch of [[a, newEvent()], [newEvent(), b], [a, b, newEvent()], [b, a], [newEvent(), a]]) {
        await assert.rejects(log.append(stream, batch, 'none'), WrongRevision)
      }
      await assert.rejects(log.append(stream, [b, newEvent()], 0), WrongRevision)
      assert.equal((await collect(log.read(stream))).length, 2)
    }),
  ]
}
