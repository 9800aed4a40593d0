import { execFileSync } from 'node:child_process'
import { expect, test, vi } from 'vitest'
import { createDice } from './dice.ts'
import type { EngineProcess } from './engine-process.ts'
import { assertNothingDoubled } from './evidence.ts'
import { createLoad } from './load.ts'
import { openPlace, type Place } from './place.ts'
import { assertProjected } from './rows.ts'
import { health, newApp, projecting, register, until } from './visit.ts'

// Whole processes, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: process.env['PROVE'] ? 1_200_000 : 180_000 })

// A process whose files may not grow is told the same as one whose disk is full; and `prlimit`, which makes room again, is Linux's.
test.runIf(process.platform === 'linux')('A full disk is a clear 503 that leaves nothing half-written; when there is room, everything goes on by itself', async () => {
  const place = await openPlace()
  try {
    const engine = await place.engine({ shell: 'ulimit -S -f 1200' })
    await engine.start()
    await projecting(engine)
    await fillUp(place, engine)
  } finally {
    await place.close()
  }
})

async function fillUp(place: Place, engine: EngineProcess): Promise<void> {
  const ada = await register(engine)
  const load = createLoad({ place, engine, dice: createDice(21) })
  const living = load.run(6)
  living.catch(() => {})
  await until(async () => load.stopped.aborted || load.totals.unavailable > 10)
  const refused = await newApp(engine).start(ada.email)
  expect([refused.status, refused.body.code]).toEqual([503, 'log_unavailable'])
  // It can be read: what was acknowledged is there, whole and once.
  await assertNothingDoubled(place.log, undefined)
  expect((await health(engine)).body.log).toBe('ok')

  execFileSync('prlimit', ['--pid', String(engine.pid), '--fsize=unlimited:unlimited'])
  const completed = load.totals.logins
  await until(async () => load.stopped.aborted || load.totals.logins > completed + 4)
  load.leave()
  await living
  await assertNothingDoubled(place.log, undefined)
  await assertProjected(place)
  expect(engine.runs()).toBe(1)
}
