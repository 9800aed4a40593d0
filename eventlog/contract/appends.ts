import assert from 'node:assert/strict'
import { maxAppendBytes, TooLarge, WrongRevision } from '../event-log.ts'
import { collect, newCategory, newEvent, newEvents, newStream, places, testsOf, type Size, type Store, type Test } from './fixture.ts'

export const appends = (store: Store, size: Size): Test[] => {
  const test = testsOf(store)
  const streams = size === 'full' ? 2_000 : 200
  return [
    test('an append answers with the revision of its last event', async log => {
      const stream = newStream()
      assert.equal((await log.append(stream, newEvents(2), 'none')).revision, 1)
      assert.equal((await log.append(stream, newEvents(3), 1)).revision, 4)
    }),

    test('a wrong expectation is refused and nothing of the batch is written', async log => {
      const [stream, missing] = [newStream(), newStream()]
      const events = newEvents(3)
      await log.append(stream, events, 'none')
      for (const expected of ['none', 0, 1, 3, 7] as const) {
        await assert.rejects(log.append(stream, newEvents(2), expected), WrongRevision, `expected ${expected}, is 2`)
      }
      await assert.rejects(log.append(missing, newEvents(1), 0), WrongRevision)
      assert.deepEqual((await collect(log.read(stream))).map(event => event.id), events.map(event => event.id))
      assert.equal(await log.last(missing), undefined)
    }),

    test('an empty batch is a mistake of the caller', async log => {
      const stream = newStream()
      await assert.rejects(log.append(stream, [], 'none'), TypeError)
      await log.append(stream, newEvents(1), 'none')
      await assert.rejects(log.append(stream, [], 0), TypeError)
    }),

    test('a batch just below the limit passes, one above it is refused and nothing of it is written', async log => {
      const stream = newStream()
      const filled = (bytes: number, text: string) => newEvent({ text: text.repeat(bytes / Buffer.byteLength(text)) })
      const half = maxAppendBytes / 2
      await log.append(stream, [filled(half, 'a'), filled(half - 4_096, 'ä')], 'none')
      await assert.rejects(log.append(stream, [filled(half, 'a'), filled(half, 'ä')], 1), TooLarge)
      await assert.rejects(log.append(stream, [newEvent(), filled(maxAppendBytes, '€')], 1), TooLarge, 'bytes count, not characters')
      await assert.rejects(log.append(stream, [filled(20 * maxAppendBytes, 'a')], 1), TooLarge, 'far above')
      assert.equal((await log.last(stream))?.revision, 1)
      assert.equal((await log.append(stream, newEvents(1), 1)).revision, 2)
    }),

    test('of 64 appends at once with one expectation exactly one wins, for a new stream and for an old one', async (log, other) => {
      const stream = newStream()
      for (const expected of ['none', 0] as const) {
        const attempts = Array.from({ length: 64 }, (_, index) => (index % 2 ? log : other).append(stream, newEvents(1), expected))
        const results = await Promise.allSettled(attempts)
        assert.equal(results.filter(result => result.status === 'fulfilled').length, 1)
        for (const result of results) if (result.status === 'rejected') assert.ok(result.reason instanceof WrongRevision, String(result.reason))
      }
      assert.equal((await collect(log.read(stream))).length, 2)
    }),

    test('appends at once to many streams all get in, and those that are refused do not hurt the others', async (log, other) => {
      const category = newCategory()
      const start = (await log.append(newStream(), newEvents(1), 'none')).position
      const results = await Promise.allSettled(Array.from({ length: streams }, (_, index) => {
        const [stream, handle] = [newStream(category), index % 2 ? log : other]
        if (index % 5 === 0) return handle.append(stream, newEvents(1), 3)
        if (index % 7 === 0) return handle.append(stream, [newEvent({ text: 'x'.repeat(maxAppendBytes) })], 'none')
        return handle.append(stream, newEvents(2), 'none')
      }))
      results.forEach((result, index) => {
        const refusal = index % 5 === 0 ? WrongRevision : index % 7 === 0 ? TooLarge : undefined
        assert.equal(result.status, refusal ? 'rejected' : 'fulfilled')
        if (result.status === 'rejected') assert.ok(result.reason instanceof refusal!, String(result.reason))
      })
      const written = await collect(log.readAll({ after: start, prefixes: [`${category}-`] }))
      assert.equal(written.length, 2 * results.filter(result => result.status === 'fulfilled').length)
      assert.equal(new Set(places(written)).size, written.length)
    }),
  ]
}
