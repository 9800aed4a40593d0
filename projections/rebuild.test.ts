import { describe, expect, it } from 'vitest'
import type { EventLog } from '../eventlog/event-log.ts'
import { rebuild } from './rebuild.ts'
import { useStage } from './testing-stage.ts'
import { caughtUp, places, walks } from './testing.ts'

const stage = useStage()

describe('a rebuild', () => {
  it('makes the rows right while the engine serves and people go on walking', async () => {
    const runner = stage.run()
    await stage.walkAbout(50)
    await caughtUp(runner)
    await stage.sql`create view far_walks as select key from walks_v1 where steps > 3`
    await stage.sql`update walks_v1 set hash = 0 where key in ('1', '2')`
    await stage.sql`delete from walks_v1 where key = '4'`
    await stage.sql`insert into walks_v1 (key, steps) values ('nobody', 9)`
    let walking = true
    const walked = (async () => {
      for (let n = 0; walking || n < 50; n++) await stage.walk(`walk-${n % 7}`, { length: n, place: 'p' })
    })()
    const progress: number[] = []
    const onProgress = ({ events }: { events: number }) => progress.push(events)
    const [rebuilt] = await rebuild({ log: stage.log, sql: stage.sql, projections: [walks], batch: 10, onProgress })
    walking = false
    await walked
    expect(rebuilt).toMatchObject({ removed: 1, parked: 0 })
    expect(rebuilt!.changed).toBeGreaterThanOrEqual(3)
    expect(progress.length).toBeGreaterThan(5)
    await caughtUp(runner)
    await stage.handled(walks, places)
    await stage.expectRows(walks, places)
    expect(await stage.sql`select * from far_walks`).toHaveLength(7)
    expect(await stage.sql`select to_regclass('walks_v1_rebuild') as scratch`).toEqual([{ scratch: null }])
  })

  it('gives way to a later one of the same table, up to its last moment', async () => {
    await stage.walkAbout(50)
    const begin = (gateAt: number) => {
      const gate = Promise.withResolvers<void>()
      const waiting = Promise.withResolvers<void>()
      const gated: EventLog = {
        ...stage.log,
        readAll: async function* (options) {
          for await (const event of stage.log.readAll(options)) {
            if (Number(event.position) > gateAt) await gate.promise
            yield event
          }
          await gate.promise
        },
      }
      const onProgress = ({ events }: { events: number }) => events === gateAt && waiting.resolve()
      const done = rebuild({ log: gated, sql: stage.sql, projections: [walks], batch: 5, onProgress })
      done.catch(() => {})
      return { done, waiting: waiting.promise, go: gate.resolve }
    }
    const first = begin(50)
    await first.waiting
    const second = begin(20)
    await second.waiting
    first.go()
    await expect(first.done).rejects.toThrow('written by another')
    second.go()
    expect(await second.done).toMatchObject([{ rows: 5 }])
    await stage.expectRows(walks)
  })
})
