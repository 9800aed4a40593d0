import { describe, expect, it } from 'vitest'
import type { Projection } from './projection.ts'
import { createServing, readServed, serve, serveCaughtUp } from './serving.ts'
import { useStage } from './testing-stage.ts'
import { caughtUp, walks } from './testing.ts'
import { dropVersion, listVersions } from './versions.ts'

const stage = useStage()

/** Four releases of one projection; each of the later ones can read the table of the one before. */
const releases = [1, 2, 3, 4].map((version): Projection => ({ ...walks, version, alsoReads: [version - 1] }))
const [first, second, third, fourth] = releases as [Projection, Projection, Projection, Projection]
const fill = async (projection: Projection) => {
  const runner = stage.run({ projections: [projection], id: String(projection.version) })
  await caughtUp(runner)
  return runner
}
/** What an engine of that release reads after a look, at which its own table has caught up, or not yet. */
const readBy = async (projection: Projection, ready: boolean) => {
  const serving = createServing(stage.sql, [projection])
  await serving.look(() => ready)
  return serving.table(projection)
}

describe('readers', () => {
  it('take a new table once it has caught up, and an older release goes on with its own', async () => {
    await stage.walkAbout(5)
    await fill(first)
    expect([await readBy(first, false), await readServed(stage.sql)]).toEqual(['walks_v1', []])
    expect(await readBy(first, true)).toBe('walks_v1')
    expect(await readBy(second, false)).toBe('walks_v1')
    // What it cannot read is not read: then its own, which still fills.
    expect(await readBy(third, false)).toBe('walks_v3')
    await fill(second)
    expect(await readBy(second, true)).toBe('walks_v2')
    expect(await readBy(first, true)).toBe('walks_v1')
    // It had looked before the others switched.
    await serveCaughtUp(stage.sql, first)
    expect(await readServed(stage.sql)).toMatchObject([{ projection: 'walks', version: 2, held: false }])
  })

  it('stay with a table that is held, and go back to one, until somebody says otherwise', async () => {
    await stage.walkAbout(5)
    for (const projection of [first, second]) await fill(projection)
    await serve(stage.sql, first, true)
    expect([await readBy(second, true), await readBy(second, true)]).toEqual(['walks_v1', 'walks_v1'])
    await serve(stage.sql, second, false)
    expect(await readBy(second, true)).toBe('walks_v2')
    await serve(stage.sql, first, true)
    expect(await readBy(second, true)).toBe('walks_v1')
    await expect(serve(stage.sql, third, false)).rejects.toThrow('no table walks_v3')
    expect(await readServed(stage.sql)).toMatchObject([{ version: 1, held: true }])
  })

  it('do not look for a table that was dropped by hand', async () => {
    await stage.walkAbout(5)
    for (const projection of [first, second]) await fill(projection)
    await serve(stage.sql, first, true)
    await stage.sql`drop table walks_v1`
    expect(await readBy(second, true)).toBe('walks_v2')
  })
})

describe('an older table', () => {
  it('is kept until it is dropped, with all that is known of it', async () => {
    await stage.walkAbout(5)
    for (const projection of [first, second, third]) await (await fill(projection)).stop()
    await readBy(second, true)
    expect(await listVersions(stage.sql, walks)).toMatchObject([{ table: 'walks_v1', served: false }, { table: 'walks_v2', served: true }, { table: 'walks_v3', served: false }])
    await expect(dropVersion(stage.sql, third, 2)).rejects.toThrow('walks_v2 is served')
    await expect(dropVersion(stage.sql, second, 3)).rejects.toThrow('not an older one')
    await expect(dropVersion(stage.sql, fourth, 7)).rejects.toThrow('no table walks_v7')
    await dropVersion(stage.sql, second, 1)
    expect(await listVersions(stage.sql, walks)).toMatchObject([{ table: 'walks_v2' }, { table: 'walks_v3' }])
    expect(await stage.sql`select projection from projection_checkpoints order by 1`).toEqual([{ projection: 'walks_v2' }, { projection: 'walks_v3' }])
  })

  it('is not dropped while somebody has a view of it', async () => {
    await stage.walkAbout(5)
    for (const projection of [first, second]) await (await fill(projection)).stop()
    await stage.sql`create view far as select key from walks_v1`
    await expect(dropVersion(stage.sql, second, 1)).rejects.toThrow('depend')
    expect(await stage.sql`select count(*)::int as rows from far`).toEqual([{ rows: 5 }])
    expect(await stage.status(first)).toMatchObject([{ lag: 0 }])
  })
})
