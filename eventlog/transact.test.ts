import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { clear, event, UnknownEvent } from '../domain/event.ts'
import { OutcomeUnknown, StreamSealed, Unavailable, type NewEvent } from './event-log.ts'
import { eventsOf, losingAnswers, openTestFile, type BreakableLog } from './testing.ts'
import { Conflict, createStreams, type Aggregate, type Cause, type Decided, type Folded, type Streams } from './transact.ts'

const events = { Added: event('The sum grew.', { by: clear(z.int()) }) }
type Added = { type: 'Added'; data: { by: number } }
const sums: Aggregate<number, typeof events> = { events, evolve: (sum = 0, { data }) => sum + data.by }

const because = (causationId: string, fingerprint?: string): Cause => ({ actor: 'app:shop', correlationId: 'session', causationId, ...(fingerprint ? { fingerprint } : {}) })
const added = (by: number): Added => ({ type: 'Added', data: { by } })
/** Adds one as long as the sum is below the limit, and says what the sum was. */
const addBelow = (limit: number) => (folded: Folded<number> | undefined): Decided<Added, number> => {
  const sum = folded?.state ?? 0
  return { events: sum < limit ? [added(1)] : [], result: sum }
}

let file: ReturnType<typeof openTestFile>
let log: BreakableLog
let time: number
let retries: number
beforeEach(() => {
  file = openTestFile()
  log = file.open()
  time = Date.parse('2026-03-02T08:00:00.000Z')
  retries = 0
})
afterEach(() => file.remove())

const streamsOn = (on: BreakableLog = log, options: { cached?: number } = {}): Streams =>
  createStreams({ log: on, now: () => new Date(time), newId: randomUUID, onRetry: () => (retries += 1), ...options })
const sumOf = async (stream: string) => (await streamsOn().load(sums, stream))?.state
/** Somebody else appends in between, so often. */
const overtaken = (times: number) => {
  const other = streamsOn(file.open())
  log.broken.append = async (next, stream) => {
    if (times-- > 0) await other.transact(sums, stream, because('other'), () => ({ events: [added(10)], result: undefined }))
    return next()
  }
}

describe('A decision', () => {
  test('is appended with who did it, because of what, and when', async () => {
    const { result, folded, appended } = await streamsOn().transact(sums, 'sum-1', because('a key', 'a fingerprint'), addBelow(5))
    expect([result, folded?.state, folded?.revision, appended]).toEqual([0, 1, 0, 1])
    const [recorded] = await eventsOf(log, 'sum-1')
    expect(recorded).toMatchObject({ type: 'Added', data: { by: 1 } })
    expect(recorded?.metadata).toEqual({
      at: '2026-03-02T08:00:00.000Z', actor: 'app:shop', $correlationId: 'session', $causationId: 'a key', fingerprint: 'a fingerprint',
    })
  })

  test('sees all that was decided before, here or by another process', async () => {
    const [one, other] = [streamsOn(), streamsOn(file.open())]
    for (const streams of [one, other, one, other]) await streams.transact(sums, 'sum-1', because('key'), addBelow(9))
    expect((await one.transact(sums, 'sum-1', because('key'), addBelow(9))).result).toBe(4)
  })

  test('of several events is one append', async () => {
    const { folded } = await streamsOn().transact(sums, 'sum-1', because('key'), () => ({ events: [added(1), added(2), added(3)], result: undefined }))
    expect([folded?.state, folded?.revision, folded?.keys.get('key')?.revision]).toEqual([6, 2, 2])
  })

  test('that rested on what another process has changed is made again', async () => {
    const [one, other] = [streamsOn(), streamsOn(file.open())]
    await one.transact(sums, 'sum-1', because('key'), addBelow(9))
    await other.transact(sums, 'sum-1', because('key'), addBelow(9))
    const seen: (number | undefined)[] = []
    await one.transact(sums, 'sum-1', because('key'), (folded) => {
      seen.push(folded?.state)
      return { events: [added(1)], result: undefined }
    })
    expect(seen).toEqual([1, 2])
    expect([await sumOf('sum-1'), retries]).toEqual([3, 1])
  })

  test('to do nothing is made on the log as it is now, not as it was last seen', async () => {
    const [one, other] = [streamsOn(), streamsOn(file.open())]
    await one.transact(sums, 'sum-1', because('key'), () => ({ events: [added(7)], result: undefined }))
    await other.transact(sums, 'sum-1', because('key'), () => ({ events: [added(-5)], result: undefined }))
    expect(await one.transact(sums, 'sum-1', because('key'), addBelow(5))).toMatchObject({ result: 2, appended: 1 })
    expect(await sumOf('sum-1')).toBe(3)
  })

  test('to do nothing asks the log once when nothing was known', async () => {
    let decisions = 0
    await streamsOn().transact(sums, 'sum-1', because('key'), () => ({ events: [], result: (decisions += 1) }))
    expect([decisions, await eventsOf(log, 'sum-1')]).toEqual([1, []])
  })

  test('that most likely begins a stream saves the read, and is made again where it did not', async () => {
    const [one, other] = [streamsOn(), streamsOn(file.open())]
    await other.transact(sums, 'sum-1', because('key'), addBelow(9))
    const begun = await one.transact(sums, 'sum-1', because('key'), addBelow(1), { assumeNew: true })
    expect([begun.result, begun.appended, await sumOf('sum-1')]).toEqual([1, 0, 1])
  })

  test('gives up after five attempts', async () => {
    overtaken(4)
    expect((await streamsOn().transact(sums, 'sum-1', because('key'), addBelow(99))).result).toBe(40)
    overtaken(5)
    await expect(streamsOn().transact(sums, 'sum-2', because('key'), addBelow(99))).rejects.toThrow(Conflict)
    expect(await sumOf('sum-2')).toBe(50)
  })
})

describe('An answer that was lost', () => {
  test('is asked for again with the same ids, so the events are there once', async () => {
    log.broken.append = losingAnswers(1)
    expect(await streamsOn().transact(sums, 'sum-1', because('key'), addBelow(9))).toMatchObject({ appended: 1, folded: { revision: 0 } })
    expect(await eventsOf(log, 'sum-1')).toHaveLength(1)
  })

  test('is given though others have appended meanwhile', async () => {
    const other = streamsOn(file.open())
    log.broken.append = async (next, stream) => {
      log.broken.append = undefined
      await next()
      await other.transact(sums, stream, because('other'), addBelow(9))
      throw new OutcomeUnknown('the answer was lost')
    }
    const streams = streamsOn()
    expect(await streams.transact(sums, 'sum-1', because('key'), addBelow(9))).toMatchObject({ result: 0, folded: { revision: 0, state: 1 } })
    expect((await streams.load(sums, 'sum-1'))?.state).toBe(2)
  })

  test('and lost again is told, and the next decision finds what was written', async () => {
    log.broken.append = losingAnswers(2)
    const streams = streamsOn()
    await expect(streams.transact(sums, 'sum-1', because('key'), addBelow(9))).rejects.toThrow(OutcomeUnknown)
    const { folded } = await streams.transact(sums, 'sum-1', because('key'), (known) => ({ events: known?.keys.has('key') ? [] : [added(1)], result: undefined }))
    expect(folded).toMatchObject({ state: 1, revision: 0 })
  })

  test('of events that were not written is no reason to write them twice over those of another', async () => {
    const other = streamsOn(file.open())
    const ids: string[] = []
    log.broken.append = async (next, stream, [first]) => {
      ids.push((first as NewEvent).id)
      if (ids.length > 1) return next()
      await other.transact(sums, stream, because('other'), addBelow(9))
      throw new OutcomeUnknown('the request was lost')
    }
    await streamsOn().transact(sums, 'sum-1', because('key'), addBelow(9))
    expect(await sumOf('sum-1')).toBe(2)
    // The repeat was the same append; the new decision is another one.
    expect([ids.length, ids[0] === ids[1], ids[1] === ids[2]]).toEqual([3, true, false])
  })

  test.each([Unavailable, StreamSealed])('other than by the network (%o) is told at once', async (Failure) => {
    let attempts = 0
    log.broken.append = async () => {
      attempts += 1
      throw new Failure('no')
    }
    await expect(streamsOn().transact(sums, 'sum-1', because('key'), addBelow(9))).rejects.toThrow(Failure)
    expect(attempts).toBe(1)
  })
})

describe('Time', () => {
  const times = async (stream: string) => (await eventsOf(log, stream)).map(({ metadata }) => metadata.at.slice(11, 19))

  test('never goes back within a stream, whatever the clock does', async () => {
    const streams = streamsOn()
    for (const seconds of [0, 60, -3_600, 30, 61]) {
      time = Date.parse('2026-03-02T08:00:00.000Z') + seconds * 1000
      await streams.transact(sums, 'sum-1', because('key'), (_, at) => ({ events: [added(1)], result: at }))
    }
    expect(await times('sum-1')).toEqual(['08:00:00', '08:01:00', '08:01:00', '08:01:00', '08:01:01'])
  })

  test('is read again with the stream, where another process has a clock that is ahead', async () => {
    const [one, other] = [streamsOn(), streamsOn(file.open())]
    await one.transact(sums, 'sum-1', because('key'), () => ({ events: [added(7)], result: undefined }))
    time += 60_000
    await other.transact(sums, 'sum-1', because('key'), () => ({ events: [added(-5)], result: undefined }))
    time -= 60_000
    // First nothing would be written; the fresh look changes that.
    await one.transact(sums, 'sum-1', because('key'), (folded, at) => ({ events: (folded?.state ?? 0) < 5 ? [added(1)] : [], result: at }))
    expect(await times('sum-1')).toEqual(['08:00:00', '08:01:00', '08:01:00'])
  })
})

describe('What is known of a stream', () => {
  test('are the keys of its requests with their fingerprints', async () => {
    const streams = streamsOn()
    await streams.transact(sums, 'sum-1', because('one', 'its fingerprint'), addBelow(9))
    await streams.transact(sums, 'sum-1', because('two'), addBelow(9))
    const expected = [['one', { fingerprint: 'its fingerprint', revision: 0 }], ['two', { fingerprint: undefined, revision: 1 }]]
    for (const folded of [await streams.peek(sums, 'sum-1'), await streamsOn().load(sums, 'sum-1')]) expect([...(folded?.keys ?? [])]).toEqual(expected)
  })

  test('are the keys of its last 256 requests and not of all', async () => {
    const metadata = { at: '2026-03-02T08:00:00.000Z', actor: 'engine', $correlationId: 'x' }
    const written = Array.from({ length: 257 }, (_, n) => ({ id: randomUUID(), type: 'Added', data: { by: 1 }, metadata: { ...metadata, $causationId: `key ${n}` } }))
    await log.append('sum-1', written, 'none')
    const keys = (await streamsOn().load(sums, 'sum-1'))?.keys
    expect([keys?.size, keys?.has('key 0'), keys?.has('key 1'), keys?.has('key 256')]).toEqual([256, false, true, true])
  })

  test('is kept for so many streams, and the others are read again', async () => {
    const reads: string[] = []
    const counting = { ...log, read: (stream: string, from?: number) => (reads.push(`${stream} from ${from}`), log.read(stream, from)) }
    const streams = streamsOn(counting, { cached: 2 })
    for (const stream of ['sum-1', 'sum-2', 'sum-3']) await streams.transact(sums, stream, because('key'), addBelow(9))
    reads.length = 0
    for (const stream of ['sum-3', 'sum-2', 'sum-1']) expect((await streams.peek(sums, stream))?.state).toBe(1)
    expect(reads).toEqual(['sum-1 from 0'])
    await streams.load(sums, 'sum-1')
    expect(reads.at(-1)).toBe('sum-1 from 1')
  })

  test('is kept of fewer streams where each has many keys, so that memory stays what it is', async () => {
    const reads: string[] = []
    const counting = { ...log, read: (stream: string, from?: number) => (reads.push(stream), log.read(stream, from)) }
    const streams = streamsOn(counting, { cached: 16 })
    // Sixteen of them fit, and of these with a hundred requests each three.
    for (const stream of ['sum-1', 'sum-2', 'sum-3', 'sum-4']) {
      for (let request = 0; request < 100; request += 1) await streams.transact(sums, stream, because(`key ${request}`), addBelow(1_000))
    }
    reads.length = 0
    for (const stream of ['sum-4', 'sum-3', 'sum-2', 'sum-1']) expect((await streams.peek(sums, stream))?.state).toBe(100)
    expect(reads).toEqual(['sum-1'])
  })

  test('is not kept of a stream that may be sealed', async () => {
    const keys = { ...sums, neverCached: true } as const
    const streams = streamsOn()
    await streams.transact(keys, 'key-1', because('key'), addBelow(9))
    expect((await streams.load(keys, 'key-1'))?.state).toBe(1)
    await log.seal('key-1')
    expect([await streams.load(keys, 'key-1'), await streams.peek(keys, 'key-1')]).toEqual([undefined, undefined])
    await expect(streams.transact(keys, 'key-1', because('key'), addBelow(9))).rejects.toThrow(StreamSealed)
  })

  test('is its last event, where every event carries the whole', async () => {
    const lasts: Aggregate<number, typeof events> = { events, evolve: (_, { data }) => data.by, lastOnly: true }
    const streams = streamsOn()
    for (const by of [1, 2, 3]) await streams.transact(lasts, 'sum-1', because(`key ${by}`), () => ({ events: [added(by)], result: undefined }))
    const folded = await streamsOn().load(lasts, 'sum-1')
    expect([folded?.state, folded?.revision, [...(folded?.keys.keys() ?? [])]]).toEqual([3, 2, ['key 3']])
  })

  test('cannot be told when it was written by a newer release', async () => {
    const metadata = { at: '2026-03-02T08:00:00.000Z', actor: 'engine', $correlationId: 'x', $causationId: 'x' }
    const foreign = (type: string, data: NewEvent['data']) => log.append(`sum-${type}`, [{ id: randomUUID(), type, data, metadata }], 'none')
    await foreign('Added.v2', { by: 1 })
    await foreign('Added', { by: 'one' })
    for (const stream of ['sum-Added.v2', 'sum-Added']) await expect(streamsOn().load(sums, stream)).rejects.toThrow(UnknownEvent)
  })
})

describe('Decisions of one process about one stream', () => {
  test('are made in the order in which they were asked for, without a retry', async () => {
    const streams = streamsOn()
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        streams.transact(sums, 'sum-1', because(`key ${n}`), async (folded) => {
          // The first ones take longest.
          for (let turns = 50 - n; turns > 0; turns -= 1) await Promise.resolve()
          order.push(n)
          return { events: [added(1)], result: folded?.state }
        }),
      ),
    )
    expect(order).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect([await sumOf('sum-1'), retries]).toEqual([50, 0])
  })

  test('do not wait for those about another', async () => {
    const streams = streamsOn()
    const held = Promise.withResolvers<void>()
    const first = streams.transact(sums, 'sum-1', because('key'), async () => {
      await held.promise
      return { events: [added(1)], result: undefined }
    })
    await streams.transact(sums, 'sum-2', because('key'), addBelow(9))
    held.resolve()
    await first
    expect(await sumOf('sum-1')).toBe(1)
  })

  test('go on after one that failed', async () => {
    const streams = streamsOn()
    const failing = streams.transact(sums, 'sum-1', because('key'), () => {
      throw new RangeError('a bug')
    })
    const next = streams.transact(sums, 'sum-1', because('key'), addBelow(9))
    await expect(failing).rejects.toThrow(RangeError)
    expect((await next).folded?.state).toBe(1)
  })

  test('of many processes at once are all there, each once', async () => {
    const writers = Array.from({ length: 4 }, () => streamsOn(file.open()))
    const results = await Promise.allSettled(
      writers.flatMap((streams, writer) => Array.from({ length: 10 }, (_, n) => streams.transact(sums, 'sum-1', because(`${writer} ${n}`), addBelow(999)))),
    )
    const done = results.filter(({ status }) => status === 'fulfilled').length
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(Conflict)
    const keys = (await eventsOf(log, 'sum-1')).map(({ metadata }) => metadata.$causationId)
    expect([keys.length, new Set(keys).size, await sumOf('sum-1')]).toEqual([done, done, done])
  })
})
