import assert from 'node:assert/strict'
import type { JsonObject, NewEvent, Selection } from '../event-log.ts'
import { collect, follow, isEvent, newCategory, newEvent, newEvents, newStream, places, testsOf, untilCaughtUp, type Size, type Store, type Test } from './fixture.ts'

export const reads = (store: Store, size: Size): Test[] => {
  const test = testsOf(store)
  const large = size === 'full' ? 50_000 : 5_000
  return [
    test('what was appended is read back as it was, in order, with stream, revision and position', async (log, other) => {
      const [stream, events] = [newStream(), newEvents(3)]
      await log.append(stream, events.slice(0, 2), 'none')
      await log.append(stream, events.slice(2), 1)
      for (const handle of [log, other]) {
        const recorded = await collect(handle.read(stream))
        assert.deepEqual(recorded.map(({ position, ...rest }) => (assert.equal(typeof position, 'string'), rest)),
          events.map((event, revision) => ({ ...event, stream, revision })))
        assert.equal(new Set(recorded.map(event => event.position)).size, 3)
      }
    }),

    test('data and metadata come back byte for byte the same JSON', async log => {
      const stream = newStream()
      const data: JsonObject = {
        text: 'Grüße, Ελλάδα, 日本語, 🧑🏽‍💻, e\u0301 \u0000 \u2028 "\\" \ud800',
        '': 'empty name', 'a.b': 1, 10: 'ten', 9: 'nine',
        nested: { list: [1, [2, { deep: [null, true, false, { gone: undefined }] }], []], empty: {} },
        numbers: [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0.1, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 31, 0],
        gone: undefined,
      }
      const event: NewEvent = { ...newEvent(data), type: 'PasskeyAppended.v2' }
      event.metadata = { ...event.metadata, actor: 'cli:Zoë', fingerprint: 'q83v_-E' }
      await log.append(stream, [event], 'none')
      const recorded = (await log.last(stream))!
      assert.equal(JSON.stringify(recorded.data), JSON.stringify(event.data))
      assert.equal(JSON.stringify(recorded.metadata), JSON.stringify(event.metadata))
      assert.equal('gone' in recorded.data, false)
      assert.equal(recorded.type, event.type)
      assert.equal(recorded.id, event.id)
    }),

    test('a stream is read from any revision on', async log => {
      const [stream, events] = [newStream(), newEvents(5)]
      await log.append(stream, events, 'none')
      for (const from of [0, 1, 4, 5, 99]) {
        assert.deepEqual((await collect(log.read(stream, from))).map(event => event.revision), [0, 1, 2, 3, 4].slice(from))
      }
    }),

    test('the last event of a stream is found without its others', async log => {
      const [stream, events] = [newStream(), newEvents(3)]
      await log.append(stream, events, 'none')
      const last = await log.last(stream)
      assert.deepEqual(last, (await collect(log.read(stream))).at(-1))
      assert.equal(last?.id, events[2]!.id)
    }),

    test('a missing stream reads as an empty one', async log => {
      assert.deepEqual(await collect(log.read(newStream())), [])
      assert.deepEqual(await collect(log.read(newStream(), 3)), [])
      assert.equal(await log.last(newStream()), undefined)
    }),

    test('names that begin alike, or differ in case alone, are different streams', async log => {
      const stream = newStream()
      for (const name of [stream, `${stream}0`, stream.slice(0, -1), stream.toUpperCase()]) await log.append(name, newEvents(1), 'none')
      assert.equal((await collect(log.read(stream))).length, 1)
    }),

    test('a large stream is read whole, in order, and left in the middle without harm', async log => {
      const category = newCategory()
      const stream = newStream(category)
      const start = (await log.append(newStream(category), newEvents(1), 'none')).position
      for (let revision = -1; revision < large - 1; revision += 500) await log.append(stream, newEvents(500), revision < 0 ? 'none' : revision)
      const all = await collect(log.read(stream))
      assert.deepEqual(all.map(event => event.revision), Array.from({ length: large }, (_, index) => index))
      assert.deepEqual(places(await collect(log.readAll({ after: start, prefixes: [`${category}-`] }))), places(all))
      assert.deepEqual((await collect(log.read(stream, large - 3))).map(event => event.revision), [large - 3, large - 2, large - 1])
      for await (const event of log.read(stream)) if (event.revision === 1_200) break
      for await (const event of log.readAll({ after: start })) if (event.revision === 1_200) break
      assert.equal((await log.last(stream))?.revision, large - 1)
    }),

    test('the whole log has one order: that of the answers', async (log, other) => {
      const category = newCategory()
      const start = (await log.append(newStream(category), newEvents(1), 'none')).position
      const expected: string[] = []
      const revisions = new Map<string, number>()
      const streams = [newStream(category), newStream(category), newStream(category)]
      for (let round = 0; round < 30; round++) {
        const [stream, events] = [streams[(round * 7) % 3]!, newEvents(1 + (round % 3))]
        const before = revisions.get(stream)
        const { revision } = await (round % 2 ? log : other).append(stream, events, before ?? 'none')
        revisions.set(stream, revision)
        expected.push(...events.map((event, index) => `${stream}@${(before ?? -1) + 1 + index} ${event.id}`))
      }
      assert.deepEqual(places(await collect(log.readAll({ after: start, prefixes: [`${category}-`] }))), expected)
      const unfiltered = await collect(other.readAll({ after: start }))
      assert.deepEqual(places(unfiltered.filter(event => event.stream.startsWith(category))), expected)
      assert.deepEqual(unfiltered.filter(event => event.stream.startsWith('$')), [], 'the store keeps its own streams to itself')
    }),

    test('the log is read after any position, an answer\'s or an event\'s', async log => {
      const category = newCategory()
      const prefixes = [`${category}-`]
      const answers = []
      for (let index = 0; index < 6; index++) answers.push(await log.append(newStream(category), newEvents(2), 'none'))
      const all = await collect(log.readAll({ prefixes }))
      assert.equal(all.length, 12)
      for (const [index, event] of all.entries()) {
        assert.deepEqual(await collect(log.readAll({ after: event.position, prefixes })), all.slice(index + 1))
      }
      for (const [index, answer] of answers.entries()) {
        assert.deepEqual(await collect(log.readAll({ after: answer.position, prefixes })), all.slice(2 * index + 2))
      }
    }),

    test('and up to any position, with what stands there', async log => {
      const category = newCategory()
      const prefixes = [`${category}-`]
      const before = (await log.append(newStream(), newEvents(1), 'none')).position
      for (let index = 0; index < 3; index++) {
        await log.append(newStream(category), newEvents(2), 'none')
        await log.append(newStream(), newEvents(1), 'none')
      }
      const all = await collect(log.readAll({ prefixes }))
      assert.equal(all.length, 6)
      assert.deepEqual(await collect(log.readAll({ upTo: before, prefixes })), [])
      for (const [index, { position }] of all.entries()) {
        assert.deepEqual(await collect(log.readAll({ upTo: position, prefixes })), all.slice(0, index + 1))
        assert.deepEqual(await collect(log.readAll({ after: all[1]!.position, upTo: position, prefixes })), all.slice(2, index + 1))
      }
    }),

    test('which share of the log lies up to a position is told, for the log as it was', async log => {
      const [first, second] = [newStream(), newStream()]
      await log.append(first, newEvents(1), 'none')
      const { position } = await log.append(second, newEvents(1), 'none')
      const shareOf = await log.extent()
      const shares = [shareOf((await log.last(first))!.position), shareOf(position)]
      assert.ok(shares[0]! > 0 && shares[0]! <= shares[1]!, `${shares}`)
      // Another test may have written after it.
      const { position: later } = await log.append(newStream(), newEvents(1), 'none')
      assert.equal(shareOf(later), 1)
    }),

    test('prefixes choose streams by the beginning of their names', async log => {
      const [one, two, none] = [newCategory(), newCategory(), newCategory()]
      const start = (await log.append(newStream(), newEvents(1), 'none')).position
      const written: string[] = []
      for (const category of [one, two, `${one}x`, two, one, none]) {
        const stream = newStream(category)
        await log.append(stream, newEvents(2), 'none')
        written.push(stream, stream)
      }
      const streamsOf = async (prefixes: string[]) => (await collect(log.readAll({ after: start, prefixes }))).map(event => event.stream)
      assert.deepEqual(await streamsOf([`${one}-`]), written.filter(stream => stream.startsWith(`${one}-`)))
      const either = written.filter(stream => stream.startsWith(`${one}-`) || stream.startsWith(`${two}-`))
      assert.deepEqual(await streamsOf([`${one}-`, `${two}-`]), either)
      assert.deepEqual(await streamsOf([`${newCategory()}-`]), [])
    }),

    test('streams are left out by the beginning of their names, of all or of some', async log => {
      const [one, two] = [newCategory(), newCategory()]
      const { position: after } = await log.append(newStream(), newEvents(1), 'none')
      const streams = [newStream(one), newStream(two), newStream(`${one}x`), newStream(`x${one}`)]
      for (const stream of streams) await log.append(stream, newEvents(1), 'none')
      const streamsOf = async (selection: Selection) => (await collect(log.readAll({ after, ...selection }))).map(event => event.stream)
      const [, ...others] = streams
      assert.deepEqual(await streamsOf({ except: [`${one}-`] }), others)
      assert.deepEqual(await streamsOf({ except: [`${one}-`, two] }), streams.slice(2))
      assert.deepEqual(await streamsOf({ prefixes: [one], except: [`${one}x`] }), streams.slice(0, 1))
      const heard = await follow(log, { after, except: [`${one}-`] }, untilCaughtUp)
      assert.deepEqual(heard.filter(isEvent).map(event => event.stream), others)
    }),
  ]
}
