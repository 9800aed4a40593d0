import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createHashGate, HashQueueFull } from './hash-gate.ts'

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await Promise.resolve()
}

const pending = () => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  return { promise, resolve, reject }
}

describe('the hash gate', () => {
  test('never runs more at once than it may, starts in the order of asking, and frees the place of a work that failed', async () => {
    const works = fc.array(fc.record({ length: fc.nat(20), fails: fc.boolean(), pause: fc.nat(5) }), { maxLength: 40 })
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 5 }), works, async (atOnce, list) => {
      const gate = createHashGate({ atOnce, queue: 40 })
      const started: number[] = []
      let inside = 0
      let most = 0
      const asked: Promise<unknown>[] = []
      for (const [number, { length, fails, pause }] of list.entries()) {
        asked.push(gate.run(async () => {
          started.push(number)
          most = Math.max(most, ++inside)
          await turns(length)
          inside--
          if (fails) throw new Error(`work ${number}`)
          return number
        }))
        await turns(pause)
      }
      const answers = await Promise.allSettled(asked)
      expect(most).toBeLessThanOrEqual(atOnce)
      expect(started).toEqual(list.map((_, number) => number))
      expect(answers.map((answer) => answer.status === 'fulfilled' ? answer.value : answer.reason.message))
        .toEqual(list.map(({ fails }, number) => fails ? `work ${number}` : number))
      expect([gate.running, gate.waiting]).toEqual([0, 0])
    }), { seed: 7, numRuns: 200 })
  })

  test('uses all its places', async () => {
    const gate = createHashGate({ atOnce: 3, queue: 9 })
    const works = Array.from({ length: 5 }, pending)
    const asked = works.map(({ promise }) => gate.run(() => promise))
    expect([gate.running, gate.waiting]).toEqual([3, 2])
    for (const { resolve } of works) resolve('done')
    await Promise.all(asked)
  })

  test('refuses at once what does not fit into the queue, and says when to come back', async () => {
    const gate = createHashGate({ atOnce: 1, queue: 2 })
    const work = pending()
    const asked = [1, 2, 3].map(() => gate.run(() => work.promise))
    let ran = false
    const refused = await gate.run(async () => { ran = true }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(HashQueueFull)
    expect(refused).toMatchObject({ code: 'busy', retryAfterSeconds: 1 })
    expect(ran).toBe(false)
    work.resolve('done')
    expect(await Promise.all(asked)).toEqual(['done', 'done', 'done'])
    expect(await gate.run(async () => 'free again')).toBe('free again')
  })

  test('lets nobody slip in between one that leaves and the next in line', async () => {
    const gate = createHashGate({ atOnce: 1, queue: 2 })
    const order: string[] = []
    const first = pending()
    const one = gate.run(() => first.promise).then(() => gate.run(async () => { order.push('late') }))
    const two = gate.run(async () => { order.push('in line') })
    first.resolve('')
    await Promise.all([one, two])
    expect(order).toEqual(['in line', 'late'])
  })
})
