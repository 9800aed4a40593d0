import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAnswerCache } from './answer-cache.ts'
import type { Answer } from './answer.ts'
import { metricOf } from './metrics.ts'
import { describe as wordsOf } from './metric.ts'

/** Tables that somebody writes, and a question to them that is answered when it is let. */
function openTables(options: Parameters<typeof createAnswerCache>[0] = {}) {
  const cache = createAnswerCache(options)
  const waiting: (() => void)[] = []
  let [written, asked, fails] = [0, 0, false]
  const answerNow = (): Answer => {
    const metric = metricOf('logins')
    if (!metric) throw new TypeError('there is no such metric')
    const rows = Array.from({ length: written }, () => ({ group: {}, people: 1, values: { count: 1 } }))
    return { ...wordsOf(metric), metric: 'logins', asOf: null, from: null, to: null, every: null, timeZone: 'UTC', by: [], filters: {}, test: false, k: 1, provisionalFrom: null, rows, warnings: [] }
  }
  return {
    keepFresh: cache.keepFresh,
    write: (count = 1) => void (written += count),
    failOnce: () => void (fails = true),
    asked: () => asked,
    /** How many rows there were when the tables were read. */
    ask: async (question = 'logins'): Promise<number> => {
      const ask = async (): Promise<Answer> => {
        asked += 1
        if (fails) {
          fails = false
          throw new Error('away')
        }
        const answer = answerNow()
        await new Promise<void>((resolve) => waiting.push(resolve))
        return answer
      }
      return (await cache.answer({ question, position: async () => String(written), ask })).rows.length
    },
    /** Lets whatever is asked be answered, until nothing more is. */
    async letAnswer(): Promise<void> {
      for (let idle = 0; idle < 10; idle += 1) {
        await new Promise(setImmediate)
        if (waiting.length > 0) idle = 0
        for (const answer of waiting.splice(0)) answer()
      }
    },
  }
}

test('the tables are asked once for as long as they stay as they are, and each question for itself', async () => {
  const tables = openTables()
  for (const asked of [1, 1, 2, 3]) {
    if (asked === 2) tables.write()
    const answers = asked === 3 ? [tables.ask('funnel'), tables.ask('funnel')] : [tables.ask()]
    await tables.letAnswer()
    expect(await Promise.all(answers)).toEqual(answers.map(() => (asked > 1 ? 1 : 0)))
    expect(tables.asked()).toBe(asked)
  }
})

test('many who ask while the tables change cost one query more, and nobody is told less than there was when they asked', async () => {
  const tables = openTables()
  const first = tables.ask()
  await new Promise(setImmediate)
  tables.write()
  const others = Array.from({ length: 20 }, () => tables.ask())
  await tables.letAnswer()
  expect(await first).toBe(0)
  expect(await Promise.all(others)).toEqual(others.map(() => 1))
  expect(tables.asked()).toBe(2)
})

test('what could not be answered is asked again, by those who wait too', async () => {
  const tables = openTables()
  tables.failOnce()
  const [first, second] = [tables.ask(), tables.ask()]
  await expect(first).rejects.toThrow('away')
  await tables.letAnswer()
  expect(await second).toBe(0)
  expect(tables.asked()).toBe(2)
})

test('who cannot wait is told how it was before, for some minutes, and the next one how it is now', async () => {
  let time = 0
  const tables = openTables({ patienceMs: 1, now: () => time })
  const first = tables.ask()
  await tables.letAnswer()
  expect(await first).toBe(0)
  tables.write()
  expect(await tables.ask()).toBe(0)
  await tables.letAnswer()
  expect(await tables.ask()).toBe(1)
  tables.write()
  time += 300_001
  const later = tables.ask()
  await sleep(20)
  await tables.letAnswer()
  expect(await later).toBe(2)
})

test('what somebody asked is worked out anew by itself before it is too old to be told, for three days', async () => {
  let time = 0
  const closing = new AbortController()
  const tables = openTables({ patienceMs: 1, now: () => time, everyMs: 1 })
  const fresh = tables.keepFresh(closing.signal)
  /** Somebody signs in, and so much time passes. @returns how often the tables have been asked then */
  const later = async (ms: number): Promise<number> => {
    tables.write()
    time += ms
    for (let looks = 0; looks < 20; looks += 1) {
      await sleep(2)
      await tables.letAnswer()
    }
    return tables.asked()
  }
  const first = tables.ask()
  await tables.letAnswer()
  expect(await first).toBe(0)
  expect([await later(60_000), await later(70_000), await later(130_000)]).toEqual([1, 2, 3])
  // Told at once, though nobody has asked for so long.
  expect(await tables.ask()).toBe(3)
  expect(await later(1_000)).toBe(3)
  // One that fails is not tried again at once, and what was known stays.
  tables.failOnce()
  expect([await later(130_000), await later(1_000)]).toEqual([4, 4])
  expect(await tables.ask()).toBe(3)
  expect([await later(1_000), await later(3 * 86_400_000), await later(130_000)]).toEqual([5, 5, 5])
  closing.abort()
  await fresh
})

test('that it cannot be told now is not told to whom it was told before', async () => {
  const tables = openTables({ patienceMs: 10_000 })
  const first = tables.ask()
  await tables.letAnswer()
  expect(await first).toBe(0)
  tables.write()
  tables.failOnce()
  await expect(tables.ask()).rejects.toThrow('away')
})

test('more rows than memory is meant for are not kept', async () => {
  const tables = openTables()
  tables.write(60_000)
  for (const asked of [1, 2]) {
    const answer = tables.ask()
    await tables.letAnswer()
    expect(await answer).toBe(60_000)
    expect(tables.asked()).toBe(asked)
  }
})
