import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Sealed } from '../domain/event.ts'
import { Unavailable } from '../eventlog/event-log.ts'
import { openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { openVault } from '../vault/vault.ts'
import { createPeriods, type DropPeriods } from './periods.ts'

const master = randomBytes(32)
let file: ReturnType<typeof openTestFile>
let log: BreakableLog
let time: Date
beforeEach(() => {
  file = openTestFile()
  log = file.open()
  time = new Date('2026-03-31T23:59:59.999Z')
})
afterEach(() => file.remove())

/** As a process has it that was just started. */
async function engine(on: BreakableLog = log) {
  const now = () => time
  const streams = createStreams({ log: on, now, newId: randomUUID })
  const vault = await openVault({ streams, masterKeys: [master] })
  return { vault, dropPeriods: createPeriods({ streams, vault, now }) }
}
const pass = (months: number): void => void (time = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + months, 1)))

/** An engine runs, and somebody signs in, in each of so many months. @returns the value sealed in each */
async function live(months: number, drop: (dropPeriods: DropPeriods) => Promise<unknown> = async () => {}): Promise<Map<string, Sealed>> {
  const { vault, dropPeriods } = await engine()
  const sealed = new Map<string, Sealed>()
  for (let month = 0; month < months; month += 1) {
    const period = time.toISOString().slice(0, 7)
    sealed.set(period, await vault.seal({ period }, period))
    await drop(dropPeriods)
    pass(1)
  }
  return sealed
}
const opened = async (sealed: Map<string, Sealed>): Promise<string[]> => {
  const { vault } = await engine(file.open())
  const values = await Promise.all([...sealed.values()].map((value) => vault.open(value)))
  return values.filter((value) => value !== undefined)
}
const facts = async (): Promise<unknown[]> => {
  const all: unknown[] = []
  for await (const { type, data } of log.readAll({ prefixes: ['audit-'] })) all.push({ type, ...data })
  return all
}
const dropped = (...periods: string[]) => periods.map((period) => ({ type: 'PeriodDropped', period, months: 3 }))

describe('What aged', () => {
  test('goes when its month ended as many months ago as the rule says, and not before', async () => {
    const sealed = await live(3)
    time = new Date('2026-06-30T23:59:59.999Z')
    const { vault, dropPeriods } = await engine()
    await vault.seal({ period: '2026-06' }, '2026-06')
    expect(await dropPeriods(3)).toEqual([])
    time = new Date('2026-07-01T00:00:00.000Z')
    expect(await dropPeriods(3)).toEqual(['2026-03'])
    expect(await dropPeriods(3)).toEqual([])
    expect(await opened(sealed)).toEqual(['2026-04', '2026-05'])
    expect(await vault.open(sealed.get('2026-03') as Sealed)).toBeUndefined()
    expect(await facts()).toEqual(dropped('2026-03'))
  })

  test('goes month by month in an engine that runs for long', async () => {
    const sealed = await live(8, (dropPeriods) => dropPeriods(3))
    expect(await opened(sealed)).toEqual(['2026-07', '2026-08', '2026-09', '2026-10'])
    expect(await facts()).toEqual(dropped('2026-03', '2026-04', '2026-05', '2026-06'))
  })

  test('goes in months without a login too, as long as an engine runs', async () => {
    const sealed = await live(1)
    const { dropPeriods } = await engine()
    for (let month = 0; month < 4; month += 1) {
      await dropPeriods(3)
      pass(1)
    }
    expect(await opened(sealed)).toEqual([])
  })

  test('stays where a clock is years ahead, and goes in its time when the clock is right again', async () => {
    const sealed = await live(2)
    const before = time
    time = new Date('2099-05-01T00:00:00.000Z')
    for (let restarts = 0; restarts < 3; restarts += 1) expect(await (await engine()).dropPeriods(3)).toEqual([])
    expect(await opened(sealed)).toEqual(['2026-03', '2026-04'])
    time = before
    await live(3, (dropPeriods) => dropPeriods(3))
    expect(await opened(sealed)).toEqual(['2026-04'])
  })

  test('goes when the log comes back that was away between the fact and the key', async () => {
    const sealed = await live(5)
    const { dropPeriods } = await engine()
    const seal = log.seal
    log.seal = async () => Promise.reject(new Unavailable('the process died'))
    await expect(dropPeriods(3)).rejects.toThrow(Unavailable)
    log.seal = seal
    expect(await opened(sealed)).toContain('2026-03')
    expect(await (await engine()).dropPeriods(3)).toEqual(['2026-03', '2026-04'])
    expect(await opened(sealed)).toEqual(['2026-05', '2026-06', '2026-07'])
    expect(await facts()).toEqual(dropped('2026-03', '2026-04'))
  })

  test('is dropped once by two engines at once', async () => {
    const sealed = await live(5)
    const engines = [await engine(), await engine(file.open())]
    await Promise.all(engines.map(({ dropPeriods }) => dropPeriods(3)))
    expect(await opened(sealed)).toHaveLength(3)
    expect(await facts()).toEqual(dropped('2026-03', '2026-04'))
  })
})
