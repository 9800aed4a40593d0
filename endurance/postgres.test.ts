import assert from 'node:assert/strict'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { taken } from '../stories/chapters.ts'
import { createDice } from './dice.ts'
import type { EngineProcess } from './engine-process.ts'
import { assertNothingDoubled, eventsOf } from './evidence.ts'
import { createLoad } from './load.ts'
import { openPlace, type Place } from './place.ts'
import { assertProjected } from './rows.ts'
import { givePassword, newApp, projecting, register, until, health } from './visit.ts'
import { walk } from './walk.ts'

// Whole processes, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: process.env['PROVE'] ? 1_200_000 : 180_000 })

let place: Place
let engine: EngineProcess
beforeAll(async () => {
  place = await openPlace()
  engine = await place.engine()
  await engine.start()
  await projecting(engine)
})
afterAll(() => place.close())

test('While Postgres is away logins complete, the offer is withheld with its reason, and reads fold the log; back again, the rows catch up by themselves', async () => {
  const load = createLoad({ place, engine, dice: createDice(7) })
  const living = load.run(3)
  living.catch(() => {})
  const [ada, bob, eve] = await Promise.all([register(engine), register(engine), register(engine)])
  const before = newApp(engine)
  await givePassword(before, ada)
  expect(before.latest.offer?.outcome).toBe('offered')

  await place.postgres.stop()
  await until(async () => (await health(engine)).body.projections.every(({ state }) => state === 'failing'))
  // Ready, since people can sign in.
  expect((await health(engine)).body).toMatchObject({ ready: true, log: 'ok' })
  const during = newApp(engine)
  await givePassword(during, bob)
  expect(during.latest.offer).toBeNull()
  const withheld = (await eventsOf(place.log, `session-${during.session}`)).at(-1)
  expect([withheld?.type, withheld?.data['reason']]).toEqual(['AppendWithheld', 'history_unavailable'])
  const state = taken(await during.state())
  expect([state.session?.revision, state.session?.step]).toEqual([2, 'otp'])
  await walkOn(before)
  await walk({ app: during, walker: bob, dice: createDice(1), codeAt: place.mailbox.codeAt })
  const completed = load.totals.logins
  await until(async () => load.stopped.aborted || load.totals.logins > completed + 3)

  await place.postgres.start()
  await projecting(engine)
  const after = newApp(engine)
  await givePassword(after, eve)
  expect(after.latest.offer).toMatchObject({ outcome: 'offered', number: 1 })
  load.leave()
  await living
  await assertProjected(place)
  await assertNothingDoubled(place.log, undefined)
  assert.equal(engine.runs(), 1)

  /** The login that was under way when Postgres went. */
  async function walkOn(app: typeof before): Promise<void> {
    taken(await app.createPasskey(ada.phone))
    taken(await app.otpSend('email'))
    taken(await app.otp(place.mailbox.codeAt(ada.email) ?? ''))
    taken(await app.pin())
    expect(taken(await app.biometrics(true)).session?.status).toBe('completed')
  }
})
