import assert from 'node:assert/strict'
import { StreamSealed } from '../event-log.ts'
import { collect, follow, isEvent, newEvents, newStream, testsOf, untilCaughtUp, type Store, type Test } from './fixture.ts'

export const seals = (store: Store): Test[] => {
  const test = testsOf(store)
  return [
    test('the content of a sealed stream cannot be read any more, in any way, by any handle', async (log, other) => {
      const start = (await log.append(newStream(), newEvents(1), 'none')).position
      const [sealed, kept, prefixes] = [newStream('key'), newStream('key'), ['key-']]
      await log.append(sealed, newEvents(2), 'none')
      await log.append(kept, newEvents(1), 'none')
      await log.append(sealed, newEvents(1), 1)
      await log.seal(sealed)
      for (const handle of [log, other]) {
        assert.deepEqual(await collect(handle.read(sealed)), [])
        assert.deepEqual(await collect(handle.read(sealed, 2)), [])
        assert.equal(await handle.last(sealed), undefined)
        for (const events of [
          await collect(handle.readAll({ after: start })),
          await collect(handle.readAll({ after: start, prefixes })),
          (await follow(handle, { after: start, prefixes }, untilCaughtUp)).filter(isEvent),
        ]) assert.deepEqual(events.filter(event => event.stream === sealed || event.stream === kept).map(event => event.stream), [kept])
      }
    }),

    test('a sealed stream takes no append, whatever is expected, also one that never was', async (log, other) => {
      const events = newEvents(2)
      for (const [stream, first] of [[newStream('key'), true], [newStream('key'), false]] as const) {
        if (first) await log.append(stream, events, 'none')
        await log.seal(stream)
        for (const handle of [log, other]) for (const expected of ['none', 0, 1] as const) {
          await assert.rejects(handle.append(stream, newEvents(1), expected), StreamSealed)
        }
        await assert.rejects(log.append(stream, events, 'none'), StreamSealed, 'what it had is not answered again')
        assert.deepEqual(await collect(log.read(stream)), [])
      }
    }),

    test('sealing again is harmless', async (log, other) => {
      const stream = newStream('key')
      await log.append(stream, newEvents(1), 'none')
      await Promise.all([log.seal(stream), log.seal(stream)])
      await other.seal(stream)
      await assert.rejects(log.append(stream, newEvents(1), 'none'), StreamSealed)
    }),

    test('no other stream is touched: contents and positions stay', async log => {
      const start = (await log.append(newStream(), newEvents(1), 'none')).position
      const sealed = newStream('key')
      const [session, key, alike] = [newStream('session'), newStream('key'), `${sealed}0`]
      for (const stream of [session, sealed, key, alike]) await log.append(stream, newEvents(2), 'none')
      await log.append(sealed, newEvents(2), 1)
      await log.append(session, newEvents(1), 1)
      const others = async () => (await collect(log.readAll({ after: start }))).filter(event => [session, key, alike].includes(event.stream))
      const before = await others()
      await log.seal(sealed)
      assert.deepEqual(await others(), before)
      assert.deepEqual(await collect(log.read(session)), before.filter(event => event.stream === session))
      assert.equal((await log.append(session, newEvents(1), 2)).revision, 3)
    }),

    test('a position inside of what was sealed is still one to read on from', async log => {
      const [sealed, session] = [newStream('key'), newStream('session')]
      const inside = (await log.append(sealed, newEvents(2), 'none')).position
      await log.append(session, newEvents(2), 'none')
      await log.seal(sealed)
      const after = (await collect(log.readAll({ after: inside }))).filter(event => event.stream === session)
      assert.deepEqual(after.map(event => event.revision), [0, 1])
    }),

    test('an append and a seal at once end in a sealed, empty stream', async (log, other) => {
      const stream = newStream('key')
      await log.append(stream, newEvents(1), 'none')
      await Promise.allSettled([log.append(stream, newEvents(1), 0), other.append(stream, newEvents(1), 0), log.seal(stream)])
      await log.seal(stream)
      assert.deepEqual(await collect(other.read(stream)), [])
      await assert.rejects(other.append(stream, newEvents(1), 1), StreamSealed)
    }),

    test('only key streams can be sealed', async log => {
      for (const stream of [newStream('session'), newStream('account'), newStream('keys'), 'key']) {
        await assert.rejects(log.seal(stream), TypeError)
      }
    }),
  ]
}
