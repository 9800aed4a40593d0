import assert from 'node:assert/strict'
import { StreamSealed, WrongRevision } from '../event-log.ts'
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

    test('a truncated stream begins with the revision that was named, in every way of reading it, by any handle', async (log, other) => {
      const { position: start } = await log.append(newStream(), newEvents(1), 'none')
      const [stream, kept, prefixes] = [newStream('key'), newStream('key'), ['key-']]
      await log.append(stream, newEvents(2), 'none')
      await log.append(kept, newEvents(2), 'none')
      await log.append(stream, newEvents(2), 1)
      await log.truncate([{ stream, before: 2 }])
      const ours = (events: { stream: string; revision: number }[]) => events.filter(event => event.stream === stream || event.stream === kept).map(event => `${event.stream === kept ? 'kept ' : ''}${event.revision}`)
      const left = ['kept 0', 'kept 1', '2', '3']
      for (const handle of [log, other]) {
        assert.deepEqual(ours(await collect(handle.read(stream))), ['2', '3'])
        assert.deepEqual(ours(await collect(handle.read(stream, 3))), ['3'])
        assert.equal((await handle.last(stream))?.revision, 3)
        assert.deepEqual(ours(await collect(handle.readAll({ after: start }))), left)
        assert.deepEqual(ours(await collect(handle.readAll({ after: start, prefixes }))), left)
        assert.deepEqual(ours((await follow(handle, { after: start, prefixes }, untilCaughtUp)).filter(isEvent)), left)
      }
    }),

    test('a truncated stream is appended to as before, and the same append again is answered as the first', async (log, other) => {
      const stream = newStream('key')
      await log.append(stream, newEvents(3), 'none')
      await log.truncate([{ stream, before: 2 }])
      const events = newEvents(1)
      for (const handle of [log, other]) {
        await assert.rejects(handle.append(stream, newEvents(1), 'none'), WrongRevision)
        await assert.rejects(handle.append(stream, newEvents(1), 1), WrongRevision)
        assert.equal((await handle.append(stream, events, 2)).revision, 3)
      }
      await log.truncate([{ stream, before: 2 }, { stream, before: 2 }])
      assert.deepEqual((await collect(other.read(stream))).map(({ revision }) => revision), [2, 3])
    }),

    test('the last event of a stream stays, whatever is asked for; a sealed stream stays sealed, and one that never was does not begin', async (log, other) => {
      const [stream, sealed, none] = [newStream('key'), newStream('key'), newStream('key')]
      await log.append(stream, newEvents(2), 'none')
      await log.append(sealed, newEvents(2), 'none')
      await log.seal(sealed)
      await log.truncate([stream, sealed, none].map(one => ({ stream: one, before: 9 })))
      assert.deepEqual((await collect(other.read(stream))).map(({ revision }) => revision), [1])
      assert.deepEqual([await collect(other.read(sealed)), await collect(other.read(none))], [[], []])
      await assert.rejects(log.append(sealed, newEvents(1), 1), StreamSealed)
      await log.append(none, newEvents(1), 'none')
    }),

    test('only key streams can be truncated, and then none of what was asked for is', async (log, other) => {
      const [key, session] = [newStream('key'), newStream('session')]
      for (const stream of [key, session]) await log.append(stream, newEvents(2), 'none')
      await assert.rejects(log.truncate([{ stream: key, before: 1 }, { stream: session, before: 1 }]), TypeError)
      for (const stream of [key, session]) assert.equal((await collect(other.read(stream))).length, 2)
    }),

    test('only key streams can be sealed', async log => {
      for (const stream of [newStream('session'), newStream('account'), newStream('keys'), 'key']) {
        await assert.rejects(log.seal(stream), TypeError)
      }
    }),
  ]
}
