import { describe, expect, test } from 'vitest'
import { leafOf } from '../../audit/canonical.ts'
import { createTree, leafHash, proveConsistency, proveInclusion, rootAt } from '../../audit/merkle.ts'
import { extendsTree, includes } from '../../audit/proofs.ts'
import { walk } from '../../audit/walk.ts'
import type { EventLog, Recorded } from '../../eventlog/event-log.ts'
import { now, useStage } from '../testing-stage.ts'
import { until } from '../testing.ts'
import { createLedgerFollower } from './follower.ts'
import { knownLeaves } from './known.ts'

const stage = useStage()

const follower = (options: Partial<Parameters<typeof createLedgerFollower>[0]> = {}) =>
  createLedgerFollower({ log: stage.log, sql: stage.sql, id: 'one', now, patience: 20, batch: 7, pause: 0, ...options })

/** The leaves that the log must have, from the log alone. */
const leavesOf = async (log: EventLog): Promise<Recorded[]> => {
  const events: Recorded[] = []
  for await (const event of log.readAll({})) if (!/^(key|ledger)-/.test(event.stream)) events.push(event)
  return events
}
const rootOf = (events: readonly Recorded[]) => {
  const tree = createTree()
  for (const event of events) tree.append(leafHash(leafOf(event)))
  return tree.root()
}
/** The stage's log, whose answers were tampered with. */
const lying = (change: (events: Recorded[]) => Recorded[]): EventLog => {
  async function* answers(after: string | undefined) {
    const events: Recorded[] = []
    for await (const event of stage.log.readAll({})) events.push(event)
    yield* change(events).filter(({ position }) => Number(position) > Number(after ?? 0))
  }
  return {
    ...stage.log,
    readAll: ({ after }) => answers(after),
    subscribe: async function* ({ after, signal }) {
      yield* answers(after)
      yield 'caughtUp'
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    },
  }
}

describe('The ledger', () => {
  test('has every event as a leaf in log order, but those of keys and its own, and proves each of them', async () => {
    await stage.walk('key-1', { length: 1 })
    await stage.walkAbout(23)
    await stage.walk('ledger-1', { length: 1 })
    await stage.walk('password-formats', { length: 1 })
    const { table, catchUp } = follower()
    expect(await catchUp()).toBe(24)
    const events = await leavesOf(stage.log)
    const root = await rootAt(table.nodes, 24)
    expect(root).toEqual(rootOf(events))
    for (const [index, event] of events.entries()) {
      const leaf = leafHash(leafOf(event))
      expect(await table.leaf(event.stream, event.revision)).toMatchObject({ index, hashes: expect.objectContaining({}) })
      expect(includes({ index, size: 24, leaf, root, proof: await proveInclusion(table.nodes, index, 24) })).toBe(true)
    }
    expect(extendsTree({ from: 9, to: 24, oldRoot: rootOf(events.slice(0, 9)), newRoot: root, proof: await proveConsistency(table.nodes, 9, 24) })).toBe(true)
  })

  test('follows the log, goes on after a restart, and is filled again when it is begun anew', async () => {
    await stage.walkAbout(10)
    const one = follower()
    one.start()
    await until(() => one.isCaughtUp())
    await stage.walkAbout(10)
    await until(() => one.status().size === 20)
    expect(one.status()).toMatchObject({ state: 'following', lag: 0, stopped: undefined })
    await one.stop()
    await stage.walkAbout(3)
    const two = follower({ id: 'two' })
    two.start()
    await until(() => two.status().size === 23)
    const root = await rootAt(two.table.nodes, 23)
    expect(root).toEqual(rootOf(await leavesOf(stage.log)))
    await two.table.restart()
    await stage.walkAbout(1)
    await until(async () => (await two.table.size()) === 24)
    expect(await rootAt(two.table.nodes, 23)).toEqual(root)
    await two.stop()
  })

  test('is written by one engine at a time, and by the other when that one is gone', async () => {
    const [one, two] = [follower(), follower({ id: 'two' })]
    one.start()
    two.start()
    for (let event = 1; event <= 12; event += 1) {
      await stage.walk('walk-0', { length: event })
      await until(async () => (await one.table.size()) === event)
    }
    await until(() => [one, two].some((each) => each.status().state === 'standby'))
    const [working, waiting] = one.status().state === 'standby' ? [two, one] : [one, two]
    // Who asks that one hears how far the ledger is as well.
    await until(() => waiting.status().lag === 0)
    await working.stop()
    await stage.walk('walk-1', { length: 1 })
    await until(async () => (await waiting.table.size()) === 13)
    expect(await rootAt(waiting.table.nodes, 13)).toEqual(rootOf(await leavesOf(stage.log)))
    await waiting.stop()
  })

  test.each([
    ['a revision is missing', (events: Recorded[]) => events.filter((_, index) => index !== 8), 'walk-3', 2, 'revision 1 of the stream'],
    ['a stream begins a second time', (events: Recorded[]) => events.map((event, index) => (index === 9 ? { ...event, revision: 0 } : event)), 'walk-4', 0, 'revision 1 of the stream'],
    ['a string is half a character', (events: Recorded[]) => events.map((event, index) => (index === 8 ? { ...event, data: { text: '\ud800' } } : event)), 'walk-3', 1, 'half a character'],
  ])('stops, says so and names the event where %s', async (_, change, stream, revision, reason) => {
    await stage.walkAbout(20)
    const errors: unknown[] = []
    const one = follower({ log: lying(change), onError: (error) => errors.push(error) })
    one.start()
    await until(() => one.status().stopped !== undefined)
    expect(one.status()).toMatchObject({ state: 'failing', stopped: { stream, revision, reason: expect.stringContaining(reason) } })
    expect(errors).toHaveLength(1)
    const { size } = one.status()
    expect(await rootAt(one.table.nodes, size)).toEqual(rootOf(change(await leavesOf(stage.log)).slice(0, size)))
    await one.stop()
    await expect(follower({ log: lying(change) }).catchUp()).rejects.toMatchObject({ code: 'ledger_indigestible', stream, revision })
  })

  test('that was stopped goes on when the event can be digested', async () => {
    await stage.walkAbout(20)
    await expect(follower({ log: lying((events) => events.map((event, index) => (index === 8 ? { ...event, type: '\udc00' } : event))) }).catchUp()).rejects.toThrow('walk-3')
    const honest = follower()
    expect(await honest.catchUp()).toBe(20)
    expect(await rootAt(honest.table.nodes, 20)).toEqual(rootOf(await leavesOf(stage.log)))
  })

  test('names the event that the log changed afterwards, when the log is walked against a checkpoint', async () => {
    await stage.walkAbout(20)
    const { table, catchUp } = follower()
    const held = { size: await catchUp(), root: await rootAt(table.nodes, 20) }
    expect(await walk({ events: stage.log.readAll({}), held, known: knownLeaves(table) })).toMatchObject({ leaves: 20, wrong: undefined })
    const lie = lying((events) => events.map((event, index) => (index === 8 ? { ...event, type: 'Ran' } : event)))
    expect((await walk({ events: lie.readAll({}), held, known: knownLeaves(table) })).wrong).toMatchObject({ index: 8, expected: { stream: 'walk-3', revision: 1 }, exact: true })
  })

  test('says so where its table was written by somebody else', async () => {
    await stage.walkAbout(9)
    const one = follower()
    await one.catchUp()
    await stage.sql`delete from ledger_v1 where index = 3`
    await expect(proveInclusion(one.table.nodes, 2, 9)).rejects.toThrow('has no node')
  })
})
