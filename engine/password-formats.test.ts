import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventsOf, openTestFile } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { openPasswordFormats } from './password-formats.ts'

const bcrypt = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
const argon2id = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
const [ofBcrypt, ofArgon2id] = ['$2b$05', '$argon2id$v=19$m=256,t=2,p=1']

let file: ReturnType<typeof openTestFile>
let time: number
beforeEach(() => {
  file = openTestFile()
  time = Date.parse('2026-03-02T08:00:00.000Z')
})
afterEach(() => file.remove())

/** As an engine has them that was just started. */
async function open() {
  const log = file.open()
  const now = () => new Date(time)
  const background: Promise<unknown>[] = []
  const formats = await openPasswordFormats({ streams: createStreams({ log, now, newId: randomUUID }), now, inBackground: (work) => void background.push(work) })
  return { ...formats, log, settled: async () => void (await Promise.all(background)) }
}

describe('The formats of password hashes', () => {
  test('are known to the next engine, about as often as they occur, and written for many at once', async () => {
    const engine = await open()
    for (let n = 0; n < 3_000; n += 1) {
      engine.count(bcrypt, 1)
      if (n % 3 === 0) engine.count(argon2id, 1)
      if (n % 100 === 0) await engine.settled()
    }
    await engine.settled()
    const counts = (await open()).counts()
    expect([...counts.keys()].toSorted()).toEqual([ofBcrypt, ofArgon2id].toSorted())
    expect(counts.get(ofBcrypt)).toBeGreaterThan(3_000 / 1.125 - 1)
    expect(counts.get(ofArgon2id)).toBeGreaterThan(1_000 / 1.125 - 1)
    expect(counts.get(ofBcrypt)).toBeLessThanOrEqual(3_000)
    expect((await eventsOf(engine.log, 'password-formats')).length).toBeLessThan(120)
  })

  test('are fewer when passwords are hashed anew, down to none', async () => {
    const engine = await open()
    for (let n = 0; n < 20; n += 1) {
      engine.count(bcrypt, 1)
      await engine.settled()
    }
    for (let n = 0; n < 20; n += 1) {
      engine.count(bcrypt, -1)
      engine.count(argon2id, 1)
      await engine.settled()
    }
    const counts = (await open()).counts()
    expect(counts.get(ofBcrypt)).toBeLessThanOrEqual(2)
    expect(counts.get(ofArgon2id)).toBeGreaterThan(16)
  })

  test('that another engine met are seen when a login looks, once in a while', async () => {
    const [one, other] = [await open(), await open()]
    one.count(bcrypt, 1)
    await one.settled()
    other.refresh()
    await other.settled()
    expect([...other.counts()]).toEqual([])
    time += 5 * 60_000
    other.refresh()
    await other.settled()
    expect([...other.counts()]).toEqual([[ofBcrypt, 1]])
  })

  test('are counted by two engines at once without losing one', async () => {
    const engines = [await open(), await open()]
    for (let n = 0; n < 8; n += 1) for (const engine of engines) engine.count(bcrypt, 1)
    await Promise.all(engines.map(({ settled }) => settled()))
    expect((await open()).counts().get(ofBcrypt)).toBeGreaterThanOrEqual(14)
  })

  test('are those of usable hashes alone', async () => {
    const engine = await open()
    engine.count('$1$secret$hash', 1)
    await engine.settled()
    expect(await eventsOf(engine.log, 'password-formats')).toEqual([])
  })
})
