import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { OutcomeUnknown, Unavailable, type EventLog, type NewEvent } from '../event-log.ts'
import { collect, follow, isEvent, newCategory, newEvents, newStream, places, testsOf, untilEvents,
  type Faults, type Store, type Test } from './fixture.ts'

const isFault = (error: unknown) => error instanceof Unavailable || error instanceof OutcomeUnknown

/** Tries again as a caller does who must get through: with the same ids, for 30 s at most. */
const persist = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (let left = 300; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 0 || !isFault(error)) throw error
      await sleep(100)
    }
  }
}

export const faults = (store: Store, { freeze, thaw, kill, revive }: Faults): Test[] => {
  const test = testsOf(store)
  const during = async (begin: () => Promise<void>, end: () => Promise<void>, run: () => Promise<void>) => {
    await begin()
    try {
      await run()
    } finally {
      await end()
    }
  }
  /** A subscriber lives through the fault while a writer goes on trying. */
  const outlived = async (log: EventLog, other: EventLog, begin: () => Promise<void>, end: () => Promise<void>) => {
    const [category, batches] = [newCategory(), Array.from({ length: 12 }, () => newEvents(2))]
    const [stream, prefixes] = [newStream(category), [`${category}-`]]
    const start = (await log.append(newStream(), newEvents(1), 'none')).position
    const write = (batch: NewEvent[], index: number) => persist(() => other.append(stream, batch, index === 0 ? 'none' : 2 * index - 1))
    const heard = follow(log, { after: start, prefixes }, untilEvents(24))
    for (const [index, batch] of batches.slice(0, 4).entries()) await write(batch, index)
    await follow(log, { after: start, prefixes }, untilEvents(8))
    let writing: Promise<unknown> | undefined
    await during(begin, end, async () => {
      writing = write(batches[4]!, 4)
      await sleep(300)
    })
    await writing
    for (const [index, batch] of batches.slice(5).entries()) await write(batch, index + 5)
    assert.deepEqual(places((await heard).filter(isEvent)), places(await collect(log.read(stream))))
  }

  return [
    test('a frozen server: the outcome is unknown, and the same ids succeed once it answers again', async log => {
      const [stream, old, events] = [newStream(), newStream(), newEvents(2)]
      await log.append(old, newEvents(1), 'none')
      await during(freeze, thaw, async () => {
        await Promise.all([
          assert.rejects(log.append(stream, events, 'none'), OutcomeUnknown),
          assert.rejects(collect(log.read(old)), Unavailable),
          assert.rejects(collect(log.readAll({})), Unavailable),
          assert.rejects(log.last(old), Unavailable),
        ])
      })
      assert.equal((await persist(() => log.append(stream, events, 'none'))).revision, 1)
      assert.deepEqual((await persist(() => collect(log.read(stream)))).map(event => event.id), events.map(event => event.id))
    }),

    test('a server that is gone: unavailable, nothing is written, and the same handle recovers by itself', async log => {
      const [old, refused, events] = [newStream(), newStream(), newEvents(2)]
      await log.append(old, newEvents(1), 'none')
      await during(kill, revive, async () => {
        // The first one may have been on its way when the connection broke; from then on it is known that nothing leaves.
        await assert.rejects(log.append(newStream(), newEvents(1), 'none'), isFault)
        await assert.rejects(log.append(refused, newEvents(1), 'none'), Unavailable)
        await assert.rejects(collect(log.read(old)), Unavailable)
        await assert.rejects(collect(log.readAll({})), Unavailable)
        await assert.rejects(log.last(old), Unavailable)
      })
      assert.equal((await persist(() => log.append(refused, events, 'none'))).revision, 1)
      assert.equal((await collect(log.read(old))).length, 1)
    }),

    test('appends that were running when the server went: repeated with the same ids, each is there once', async log => {
      const batches = Array.from({ length: 50 }, () => ({ stream: newStream(), events: newEvents(2) }))
      const running = Promise.allSettled(batches.map(({ stream, events }) => log.append(stream, events, 'none')))
      await during(kill, revive, async () => {
        for (const result of await running) {
          if (result.status === 'rejected') assert.ok(isFault(result.reason), String(result.reason))
        }
      })
      for (const { stream, events } of batches) {
        assert.equal((await persist(() => log.append(stream, events, 'none'))).revision, 1)
        assert.deepEqual((await collect(log.read(stream))).map(event => event.id), events.map(event => event.id))
      }
    }),

    test('a subscription outlives the end of the server, without a gap or a double', (log, other) => outlived(log, other, kill, revive)),
    test('a subscription outlives a frozen server, without a gap or a double', (log, other) => outlived(log, other, freeze, thaw)),
  ]
}
