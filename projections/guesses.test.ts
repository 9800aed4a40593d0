import { createSecretKey, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { after, countedOf, guessCases } from '../engine/guesses-cases.ts'
import type { GuessCounter } from '../engine/guess-counter.ts'
import { createGuesses, type Guesses } from '../engine/guesses.ts'
import { openDatabase, type Database } from './database.ts'
import { createGuessRows } from './guesses.ts'
import { startPostgres, type TestPostgres } from './testing-postgres.ts'

const runs = process.env['PROVE'] ? 300 : 10

let postgres: TestPostgres
let databases: Database[]
beforeAll(async () => {
  postgres = await startPostgres()
  const url = await postgres.createDatabase()
  databases = [openDatabase({ url }), openDatabase({ url })]
})
afterAll(async () => {
  await Promise.all(databases.map(({ close }) => close()))
  await postgres.remove()
})
const rows = (): [GuessCounter, GuessCounter] => databases.map(({ sql }) => createGuessRows(sql)) as [GuessCounter, GuessCounter]

describe('Of two engines that count in one Postgres', () => {
  test.each(guessCases(runs))('%s', async (_, run) => run(...rows(), randomUUID()))

  test('the first ones of all, at once in an empty database, are counted together', async () => {
    const url = await postgres.createDatabase()
    const engines = Array.from({ length: 4 }, () => openDatabase({ url }))
    const results = await Promise.all(
      engines.flatMap(({ sql }) => {
        const { count } = createGuessRows(sql)
        return Array.from({ length: 25 }, () => count({ key: 'one', address: undefined, at: after(0), floor: 0, bounded: false }))
      }),
    )
    expect(results.filter((one) => 'counted' in one)).toHaveLength(5)
    await Promise.all(engines.map(({ close }) => close()))
  })

  test('a right one and wrong ones that come at the same moment leave exactly the wrong ones that came after it', async () => {
    const [one, other] = rows()
    for (let n = 0; n < 40; n += 1) {
      const key = randomUUID()
      const at = (seconds: number) => ({ key, address: undefined, at: after(seconds), floor: 0, bounded: false })
      const right = countedOf(await one.count(at(0)))
      const [, ...wrong] = await Promise.all([one.reset([{ key, at: after(0), row: right }]), other.count(at(0)), other.count(at(0)), one.count(at(0))])
      expect(wrong.every((result) => 'counted' in result)).toBe(true)
      expect(countedOf(await other.count(at(1))).wrong).toBe(4)
    }
  })

  test('a guess that was right leaves no row', async () => {
    const [one] = rows()
    const key = randomUUID()
    const row = countedOf(await one.count({ key, address: undefined, at: after(0), floor: 0, bounded: false }))
    await one.reset([{ key, at: after(0), row }])
    expect([...(await databases[0]!.sql`select * from guesses where key = ${key}`)]).toEqual([])
  })
})

describe('While Postgres is away', () => {
  let seconds = 0
  const background = new Set<Promise<unknown>>()
  const settled = async () => void (await Promise.allSettled([...background]))
  const engine = (counter: GuessCounter): Guesses =>
    createGuesses({ shared: counter, secret: createSecretKey(Buffer.alloc(32, 7)), now: () => after(seconds), inBackground: (work) => void background.add(work.catch(() => {})) })
  const by = (guesses: Guesses, of: string) => async (judged: 'right' | 'wrong' | 'unjudged' = 'wrong'): Promise<number | string> => {
    const guess = await guesses.count({ factor: 'password', of }, undefined, false)
    if ('refused' in guess) return guess.refused === 'guessing_delayed' ? `in ${guess.retryAfterSeconds} s` : guess.refused
    guess.settle(judged)
    await settled()
    return guess.wrong
  }

  test('each engine counts on by the same rules, and hands over what it counted: an outage gives no fresh set of guesses', async () => {
    const [one, other] = rows().map(engine) as [Guesses, Guesses]
    const of = randomUUID()
    const [here, there] = [by(one, of), by(other, of)]
    for (let n = 1; n <= 4; n += 1) expect(await (n % 2 ? here : there)()).toBe(n)
    await postgres.stop()
    seconds += 1
    // The other one counted the fourth, this one knows of the third.
    expect(await here()).toBe(4)
    expect(await here()).toBe(5)
    expect(await here()).toBe('in 2 s')
    expect(await there()).toBe(5)
    expect(await there()).toBe('in 2 s')
    seconds += 2
    expect(await here()).toBe(6)
    // Forgiven here: and there too, once it can be said.
    const forgiven = by(one, `${of} of another person`)
    expect(await forgiven()).toBe(1)
    expect(await forgiven('right')).toBe(2)
    await postgres.start()
    seconds += 3
    expect(await here()).toBe('in 1 s')
    expect(await there()).toBe(6)
    seconds += 4
    expect(await here()).toBe(7)
    expect(await there()).toBe('in 8 s')
    expect(await forgiven()).toBe(1)
  })

  test('a right one that could not be said is said when it is back, and forgives what stood there from before', async () => {
    const guesses = engine(rows()[0])
    const one = by(guesses, randomUUID())
    for (let n = 1; n <= 5; n += 1) expect(await one()).toBe(n)
    await postgres.stop()
    seconds += 2
    expect(await one('right')).toBe(6)
    expect(await one()).toBe(1)
    await postgres.start()
    seconds += 2
    expect(await one()).toBe(2)
  })

  test('one that was not judged is given back here as well', async () => {
    const guesses = engine(rows()[0])
    const one = by(guesses, randomUUID())
    expect(await one()).toBe(1)
    await postgres.stop()
    seconds += 1
    for (const _ of [1, 2, 3]) expect(await one('unjudged')).toBe(2)
    await postgres.start()
    seconds += 2
    expect(await one()).toBe(2)
  })

  test('a counter that hangs holds up nobody for longer than a moment, and then not at all', async () => {
    let asked = 0
    const hanging = new Proxy(rows()[0], { get: () => () => ((asked += 1), new Promise(() => {})) })
    const one = by(engine(hanging), randomUUID())
    for (let n = 1; n <= 5; n += 1) expect(await one()).toBe(n)
    expect(await one()).toBe('in 2 s')
    expect(asked).toBe(1)
  })
})
