import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog } from '../event-log.ts'
import { collect, follow, isEvent, newCategory, newEvents, newStream, places, testsOf, untilCaughtUp, untilEvents,
  type Item, type Size, type Store, type Test } from './fixture.ts'

export const subscriptions = (store: Store, size: Size): Test[] => {
  const test = testsOf(store)
  const rounds = size === 'full' ? 500 : 40

  /** Several writers at once, through two handles, each to streams of its own; every third stream is of another category. */
  const write = async (handles: readonly EventLog[], category: string) => {
    const writer = async (log: EventLog, nth: number) => {
      for (let round = 0; round < rounds; round++) {
        const stream = newStream(round % 3 === 2 ? `${category}other` : category)
        const { revision } = await log.append(stream, newEvents(1 + (round % 2)), 'none')
        await log.append(stream, newEvents(1), revision)
        if (round % 10 === nth) await sleep(1)
      }
    }
    await Promise.all([0, 1, 2, 3].flatMap(nth => handles.map(log => writer(log, nth))))
  }
  const perWriter = Array.from({ length: rounds }, (_, round) => (round % 3 === 2 ? 0 : 2 + (round % 2))).reduce((sum, count) => sum + count)

  return [
    test('a subscription from the start gives what is there, then "caughtUp", then what comes', async (log, other) => {
      const category = newCategory()
      const prefixes = [`${category}-`]
      const [stream, events] = [newStream(category), newEvents(3)]
      await log.append(stream, events.slice(0, 2), 'none')
      const heard = follow(log, { prefixes }, items => {
        if (untilCaughtUp(items)) void other.append(stream, events.slice(2), 1)
        return items.filter(isEvent).length === 3
      })
      const kinds = (await heard).filter(item => item === 'caughtUp' || isEvent(item)).map(item => (item === 'caughtUp' ? item : item.id))
      assert.deepEqual(kinds, [events[0]!.id, events[1]!.id, 'caughtUp', events[2]!.id])
    }),

    test('a subscription to nothing is caught up at once, and hears the first event', async log => {
      const category = newCategory()
      const items = await follow(log, { prefixes: [`${category}-`] }, items => {
        if (untilCaughtUp(items)) void log.append(newStream(category), newEvents(1), 'none')
        return isEvent(items.at(-1)!)
      })
      assert.equal(items.filter(isEvent).length, 1)
    }),

    test('what a subscription gives is what a read gives', async log => {
      const category = newCategory()
      await log.append(newStream(category), newEvents(3), 'none')
      const prefixes = [`${category}-`]
      const items = await follow(log, { prefixes }, untilCaughtUp)
      assert.deepEqual(items.filter(isEvent), await collect(log.readAll({ prefixes })))
    }),

    test('while several writers write, subscribers see every event once and in the order of the log', async (log, other) => {
      const category = newCategory()
      const [prefixes, both] = [[`${category}-`], [`${category}-`, `${category}other-`]]
      const total = 8 * perWriter
      const all = 8 * Array.from({ length: rounds }, (_, round) => 2 + (round % 2)).reduce((sum, count) => sum + count)
      const start = (await log.append(newStream(), newEvents(1), 'none')).position
      const early = follow(log, { after: start, prefixes }, untilEvents(total))
      const wide = follow(other, { after: start, prefixes: both }, untilEvents(all))
      const writing = write([log, other], category)
      await sleep(20)
      const midway = follow(other, { after: start, prefixes }, untilEvents(total))
      await writing
      const late = follow(log, { after: start, prefixes }, untilEvents(total))

      const written = await collect(log.readAll({ after: start, prefixes }))
      assert.equal(written.length, total)
      for (const items of await Promise.all([early, midway, late])) assert.deepEqual(places(items.filter(isEvent)), places(written))
      assert.deepEqual(places((await wide).filter(isEvent)), places(await collect(log.readAll({ after: start, prefixes: both }))))
    }),

    test('a subscription goes on after any position it has given, an event\'s or a checkpoint', async (log, other) => {
      const category = newCategory()
      const prefixes = [`${category}-`]
      const start = (await log.append(newStream(), newEvents(1), 'none')).position
      const heard = follow(log, { after: start, prefixes }, untilEvents(8 * perWriter))
      await write([log, other], category)
      const items = await heard
      const rest = (index: number) => places(items.slice(index + 1).filter(isEvent))
      const every = Math.ceil(items.length / 5)
      for (const [index, item] of items.entries()) {
        if (item === 'caughtUp' || (isEvent(item) && index % every > 0)) continue
        const after = isEvent(item) ? item.position : item.checkpoint
        const resumed = await follow(other, { after, prefixes }, untilCaughtUp)
        assert.deepEqual(places(resumed.filter(isEvent)), rest(index))
      }
    }),

    test('a slow reader misses nothing', async (log, other) => {
      const category = newCategory()
      const prefixes = [`${category}-`]
      const start = (await log.append(newStream(), newEvents(1), 'none')).position
      const stream = newStream(category)
      const ids: string[] = []
      for await (const item of log.subscribe({ after: start, prefixes, signal: AbortSignal.timeout(30_000) })) {
        if (item === 'caughtUp') void other.append(stream, newEvents(100), 'none')
        else if (isEvent(item)) {
          ids.push(item.id)
          if (item.revision % 10 === 0) await sleep(2)
          if (item.revision === 50) await other.append(stream, newEvents(1_500), 99)
          if (item.revision === 1_599) break
        }
      }
      assert.deepEqual(ids, (await collect(log.read(stream))).map(event => event.id))
    }),

    test('the signal ends a subscription that waits, one that is read, and one that is not begun', async log => {
      const category = newCategory()
      const prefixes = [`${category}-`]
      await log.append(newStream(category), newEvents(3), 'none')

      const waiting = new AbortController()
      const items: Item[] = []
      for await (const item of log.subscribe({ prefixes, signal: waiting.signal })) {
        items.push(item)
        if (item === 'caughtUp') setTimeout(() => waiting.abort(), 5)
      }
      assert.equal(items.filter(isEvent).length, 3)

      const reading = new AbortController()
      let seen = 0
      for await (const item of log.subscribe({ prefixes, signal: reading.signal })) {
        if (isEvent(item)) seen++
        reading.abort()
      }
      assert.ok(seen <= 1, `${seen} events after the end`)

      for await (const item of log.subscribe({ prefixes, signal: AbortSignal.abort() })) assert.fail(`after the end: ${JSON.stringify(item)}`)
    }),

    test('a reader may leave the loop, and others hear on', async log => {
      const category = newCategory()
      const prefixes = [`${category}-`]
      await log.append(newStream(category), newEvents(2), 'none')
      const stays = follow(log, { prefixes }, untilEvents(3))
      for await (const item of log.subscribe({ prefixes })) if (item === 'caughtUp') break
      await log.append(newStream(category), newEvents(1), 'none')
      assert.equal((await stays).filter(isEvent).length, 3)
    }),

    test('what one handle appends, the subscription of another one hears', async (log, other) => {
      const category = newCategory()
      const events = newEvents(3)
      const stream = newStream(category)
      const items = await follow(other, { prefixes: [`${category}-`] }, items => {
        const next = items.filter(isEvent).length
        if (next < 3 && items.includes('caughtUp')) void log.append(stream, [events[next]!], next === 0 ? 'none' : next - 1)
        return next === 3
      })
      assert.deepEqual(items.filter(isEvent).map(event => event.id), events.map(event => event.id))
    }),
  ]
}
