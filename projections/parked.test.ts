import { describe, expect, it } from 'vitest'
import { listParked, retryParked } from './parked.ts'
import type { Projection } from './projection.ts'
import { rebuild } from './rebuild.ts'
import { useStage } from './testing-stage.ts'
import { caughtUp, expectedRows, places, storedRows, until, walks, type Walk } from './testing.ts'

const stage = useStage()

describe('an event that cannot be digested', () => {
  const choosy: Projection<Walk> = {
    ...walks,
    evolve: (row, event) => {
      if (event.data['length'] === 13) throw new Error('thirteen!')
      return walks.evolve(row, event)
    },
  }

  it('parks its row alone, and the row is healed by the start of a repaired engine', async () => {
    const parked: string[] = []
    await stage.walkAbout(30)
    const runner = stage.run({ projections: [choosy], onParked: ({ slot, error }) => parked.push(`${slot}: ${error}`) })
    await caughtUp(runner)
    await stage.walk('walk-3', { length: 100 })
    await stage.walk('walk-4', { length: 101 })
    await until(async () => (await listParked(stage.sql))[0]?.count === 5)
    expect(parked).toEqual(['3: thirteen!'])
    expect(runner.status()).toMatchObject([{ parked: 1 }])
    expect(await listParked(stage.sql)).toMatchObject([
      { projection: 'walks_v1', slot: '3', stream: 'walk-3', revision: 2, type: 'Walked', error: 'thirteen!' },
    ])
    const { 3: healthy, ...others } = await expectedRows(stage.log, walks)
    await until(async () => (await storedRows(stage.sql, walks))['4']!['revision' as never] === others['4']!.revision)
    const { 3: stale, ...rows } = await storedRows(stage.sql, walks)
    expect(rows).toEqual(others)
    expect(stale).toMatchObject({ steps: 2 })
    expect(healthy).toMatchObject({ steps: 7 })
    await runner.stop()

    const unhealed = stage.run({ projections: [choosy] })
    await caughtUp(unhealed)
    expect(unhealed.status()).toMatchObject([{ parked: 1 }])
    await unhealed.stop()

    const repaired = stage.run({ projections: [walks] })
    await caughtUp(repaired)
    expect(repaired.status()).toMatchObject([{ parked: 0 }])
    expect(await listParked(stage.sql)).toEqual([])
    await stage.walk('walk-3', { length: 102 })
    expect(await repaired.waitFor('walks', '3', 7, 30_000)).toBe(true)
    await stage.expectRows(walks)
  })

  it('is healed from beside, and the engine that parked it goes on with its row', async () => {
    const healings = [
      () => retryParked({ log: stage.log, sql: stage.sql, projection: walks }),
      () => rebuild({ log: stage.log, sql: stage.sql, projections: [walks] }),
    ]
    const runner = stage.run({ projections: [choosy] })
    for (const heal of healings) {
      await stage.walkAbout(5)
      await stage.walk('walk-3', { length: 13 })
      await stage.walk('walk-3', { length: 14 })
      await until(async () => (await listParked(stage.sql))[0]?.count === 2)
      await heal()
      expect(await listParked(stage.sql)).toEqual([])
      const revision = await stage.walk('walk-3', { length: 15 })
      await until(() => runner.waitFor('walks', '3', revision, 100))
      await stage.expectRows(walks)
    }
  })

  it('parks its stream when not even its row can be found', async () => {
    const lost: Projection<Walk> = {
      ...walks,
      key: (event) => {
        if (event.data['length'] === 13) throw new Error('where?')
        return walks.key(event)
      },
    }
    await stage.walkAbout(30)
    const runner = stage.run({ projections: [lost], batch: 4 })
    await caughtUp(runner)
    expect(await listParked(stage.sql)).toMatchObject([{ slot: 'stream:walk-3', error: 'where?', count: 4 }])
    await runner.stop()
    await caughtUp(stage.run({ projections: [walks] }))
    await stage.expectRows(walks)
  })

  it('is found among many when it is the database that refuses it', async () => {
    await stage.walkAbout(30)
    await stage.walk('walk-2', { length: 1, note: 'no text holds \0' })
    await stage.walk('walk-2', { length: 2 })
    await stage.walk('walk-1', { length: 2 })
    const runner = stage.run({ projections: [walks] })
    await caughtUp(runner)
    expect(await listParked(stage.sql)).toMatchObject([{ slot: '2', revision: 6, count: 2 }])
    const { 2: _, ...others } = await expectedRows(stage.log, walks)
    expect(await storedRows(stage.sql, walks)).toEqual({ ...others, 2: expect.objectContaining({ steps: 6 }) })
    await runner.stop()
    const again = stage.run({ projections: [walks] })
    await caughtUp(again)
    expect(again.status()).toMatchObject([{ parked: 1 }])
    await again.stop()
    const [rows, parked] = [await storedRows(stage.sql, walks), await listParked(stage.sql)]
    await stage.sql`delete from walks_v1`
    expect(await rebuild({ log: stage.log, sql: stage.sql, projections: [walks, places] })).toMatchObject([{ rows: 5, changed: 5, parked: 1 }, { parked: 0 }])
    expect(await storedRows(stage.sql, walks)).toEqual(rows)
    expect(await listParked(stage.sql)).toMatchObject(parked.map(({ slot, revision, count }) => ({ slot, revision, count })))
    await stage.expectRows(places)
  })
})
