import { describe, expect, it } from 'vitest'
import { compareVersions, compareWithLog } from './compare.ts'
import type { Projection } from './projection.ts'
import { useStage } from './testing-stage.ts'
import { caughtUp, storedRows, walks, type Walk } from './testing.ts'

const stage = useStage()
const compare = () => compareWithLog({ log: stage.log, sql: stage.sql, projection: walks, batch: 10, cached: 2 })
/** All that a comparison could have left. */
const tables = () => stage.sql`select relname from pg_class where relname like 'walks_v1_%' and relkind = 'r' union all select projection from projection_checkpoints where projection like 'walks_v1_%'`

describe('a comparison with the log', () => {
  it('finds nothing in a healthy table, while people go on walking', async () => {
    await stage.walkAbout(60)
    await caughtUp(stage.run({ batch: 3 }))
    let walking = true
    const walked = (async () => {
      for (let n = 0; walking || n < 50; n++) await stage.walk(`walk-${n % 7}`, { length: n })
    })()
    for (let n = 0; n < 3; n++) expect(await compare()).toMatchObject({ rows: 0, first: [] })
    walking = false
    await walked
    expect(await tables()).toEqual([])
  })

  it('says which rows differ and in what, and changes none of them', async () => {
    await stage.walkAbout(60)
    const runner = stage.run()
    await caughtUp(runner)
    await runner.stop()
    await stage.sql`update walks_v1 set hash = 0, note = 'mine' where key = '1'`
    await stage.sql`update walks_v1 set trail = '[]' where key = '2'`
    await stage.sql`delete from walks_v1 where key = '4'`
    await stage.sql`insert into walks_v1 (key, steps) values ('nobody', 9)`
    // Later events are in no row yet, so they are no difference.
    await stage.walkAbout(5)
    const before = await storedRows(stage.sql, walks)
    const { first, ...counts } = await compare()
    expect(counts).toEqual({ rows: 4, oneHas: 5, otherHas: 5 })
    expect(first).toEqual([
      { key: '1', column: 'hash', one: '0', other: expect.stringMatching(/^\d+$/) },
      { key: '1', column: 'note', one: 'mine', other: null },
      { key: '2', column: 'trail', one: '[]', other: expect.stringContaining('length') },
      { key: '4', column: 'key', one: undefined, other: '4' },
      { key: 'nobody', column: 'key', one: 'nobody', other: undefined },
    ])
    expect(await storedRows(stage.sql, walks)).toEqual(before)
    expect(await tables()).toEqual([])
  })

  it('cannot be made of a table that has taken in nothing', async () => {
    await stage.walkAbout(1)
    await expect(compare()).rejects.toThrow('nothing yet')
  })
})

describe('a comparison of two versions', () => {
  it('says what differs in the columns that both have', async () => {
    await stage.walkAbout(30)
    const { trail: _, ...columns } = walks.columns
    const next: Projection<Walk & { far: boolean }> = {
      ...walks,
      version: 2,
      initial: (key) => ({ ...walks.initial(key), far: false }),
      evolve: (row, event) => ({ ...walks.evolve(row, event), far: row.far || row.sum > 60, hash: 1, trail: '' }),
      columns: { ...columns, steps: 'bigint', trail: 'text', far: 'boolean' },
    }
    for (const projection of [walks, next]) await caughtUp(stage.run({ projections: [projection] }))
    const compared = await compareVersions(stage.sql, 'walks_v2', 'walks_v1')
    expect(compared).toMatchObject({ columns: ['sum', 'hash', 'even', 'note', 'last', 'revision'], rows: 5, oneHas: 5, otherHas: 5 })
    expect(new Set(compared.first.map(({ column }) => column))).toEqual(new Set(['hash']))
    await expect(compareVersions(stage.sql, 'walks_v2', 'walks_v7')).rejects.toThrow('no table walks_v7')
  })
})
