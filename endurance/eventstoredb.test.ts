import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { taken } from '../stories/chapters.ts'
import { createDice } from './dice.ts'
import type { EngineProcess } from './engine-process.ts'
import { assertNothingDoubled, eventsOf } from './evidence.ts'
import { createLoad } from './load.ts'
import { startNode, type Node } from './node.ts'
import { openPlace, type Place } from './place.ts'
import { assertProjected } from './rows.ts'
import { givePassword, health, newApp, projecting, register, until } from './visit.ts'

// Whole processes, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: process.env['PROVE'] ? 1_200_000 : 180_000 })

let node: Node
let place: Place
let engine: EngineProcess
beforeAll(async () => {
  node = await startNode(process.env['EVENTSTOREDB_NODE'])
  place = await openPlace({ node })
  engine = await place.engine()
})
afterAll(() => place.close())

test('An engine that finds EventStoreDB down, or whose first words to it are lost, waits for it', async () => {
  // The first thing that it writes is a key of its own.
  await (node.loseNextAnswer ?? node.kill)()
  const starting = engine.start()
  await Promise.race([starting, until(async () => engine.complaints.some((line) => line.includes('out of reach')))])
  await node.revive()
  await starting
  await projecting(engine)
  expect((await health(engine)).status).toBe(200)
  expect(engine.runs()).toBe(1)
})

/** The engine's answer as it comes, with no patience. */
const ask = (path: string, headers: Record<string, string>, body: object): Promise<Response> =>
  fetch(`${engine.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })

test('While EventStoreDB is down every step is a 503 that says when to come back; it goes on by itself, with the same requests', async () => {
  const load = createLoad({ place, engine, dice: createDice(11) })
  const living = load.run(3)
  living.catch(() => {})
  const ada = await register(engine)
  const app = newApp(engine, { attempts: 1_000 })
  await givePassword(app, ada)

  await node.kill()
  const key = randomBytes(16).toString('base64url')
  const away = await ask('/v1/sessions', { 'idempotency-key': key }, { app: 'shop', installation: app.installation, flowChallenge: 'A'.repeat(43), supports: ['password'], identifier: ada.email, device: { platform: 'ios' } })
  expect([away.status, ((await away.json()) as { code: string }).code, Number(away.headers.get('retry-after'))]).toEqual([503, 'log_unavailable', 1])
  expect(await health(engine)).toMatchObject({ status: 503, body: { ready: false, log: 'out of reach' } })
  // An app that waits as it is told.
  const patient = app.appendSkip('declined')

  await node.revive()
  expect(taken(await patient).session?.step).toBe('otp')
  await until(async () => (await health(engine)).status === 200)
  const completed = load.totals.logins
  await until(async () => load.stopped.aborted || load.totals.logins > completed + 2)
  load.leave()
  await living
  expect(load.totals.unavailable).toBeGreaterThan(0)
  expect((await eventsOf(place.log, `session-${app.session}`)).map(({ type }) => type)).toEqual(['IdentifierEntered', 'PasswordVerified', 'AppendOffered', 'AppendSkipped'])
  await assertProjected(place)
  expect(engine.runs()).toBe(1)
})

test('Frozen under running logins, it holds nobody up for ever; thawed, the requests that nobody knew the end of are decided once', async () => {
  const load = createLoad({ place, engine, dice: createDice(12) })
  const living = load.run(3)
  living.catch(() => {})
  await until(async () => load.stopped.aborted || load.totals.answers > 10)
  await node.freeze()
  // The log's own time limit, not the node's, ends the wait.
  await until(async () => load.stopped.aborted || load.totals.unavailable > 0)
  await node.thaw()
  const completed = load.totals.logins
  await until(async () => load.stopped.aborted || load.totals.logins > completed + 2)
  load.leave()
  await living
  await assertProjected(place)
  await assertNothingDoubled(place.log, undefined)
  expect(engine.runs()).toBe(1)
})
