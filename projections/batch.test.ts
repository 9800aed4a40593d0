import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { inBatches } from './batch.ts'

const numbers = async function* (count: number) {
  for (let n = 0; n < count; n++) yield n
}

describe('a source read in batches', () => {
  it('gives one item alone, at once, although more will come', async () => {
    const more = Promise.withResolvers<void>()
    const source = async function* () {
      yield 'first'
      await more.promise
      yield 'second'
    }
    const batches = inBatches(source(), 10)
    expect(await batches.next()).toEqual({ done: false, value: ['first'] })
    more.resolve()
    expect(await batches.next()).toEqual({ done: false, value: ['second'] })
    expect(await batches.next()).toEqual({ done: true, value: undefined })
  })

  it('gives what gathered meanwhile as one batch, but no more than the limit, and keeps the order', async () => {
    let taken = 0
    const counted = async function* () {
      for await (const n of numbers(1_000)) {
        taken = n
        yield n
      }
    }
    const seen: number[][] = []
    for await (const batch of inBatches(counted(), 100)) {
      seen.push(batch)
      await sleep(1)
      expect(taken).toBeLessThan(seen.flat().length + 101)
    }
    expect(seen.flat()).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
    expect(Math.max(...seen.map(({ length }) => length))).toBe(100)
    expect(seen.length).toBeLessThan(15)
  })

  it('gives what came before the source failed, and then its error', async () => {
    const failing = async function* () {
      yield* numbers(3)
      throw new Error('lost')
    }
    const seen: number[] = []
    const reading = async () => {
      for await (const batch of inBatches(failing(), 2)) seen.push(...batch)
    }
    await expect(reading()).rejects.toThrow('lost')
    expect(seen).toEqual([0, 1, 2])
  })

  it('is left when the reader leaves', async () => {
    const ended = Promise.withResolvers<void>()
    const source = async function* () {
      try {
        yield* numbers(1_000)
      } finally {
        ended.resolve()
      }
    }
    for await (const _ of inBatches(source(), 2)) break
    await ended.promise
  })
})
