import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { taken } from '../stories/chapters.ts'
import { createDice } from './dice.ts'
import type { EngineProcess } from './engine-process.ts'
import { assertNothingDoubled } from './evidence.ts'
import { createLoad } from './load.ts'
import { startNode } from './node.ts'
import { openPlace, type Place } from './place.ts'
import { assertProjected } from './rows.ts'
import { asBackend, health, newApp, projecting, register, until, type Visitor } from './visit.ts'
import { walk } from './walk.ts'

// Whole processes, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: process.env['PROVE'] ? 1_200_000 : 180_000 })

let place: Place
let [one, two]: EngineProcess[] = []
beforeAll(async () => {
  place = await openPlace({ node: await startNode(process.env['EVENTSTOREDB_NODE']) })
  ;[one, two] = [await place.engine(), await place.engine()]
  await Promise.all([one.start(), two.start()])
  await Promise.all([projecting(one), projecting(two)])
})
afterAll(() => place.close())

const engines = (): [EngineProcess, EngineProcess] => [one as EngineProcess, two as EngineProcess]
const statesOf = async (engine: EngineProcess): Promise<string[]> => (await health(engine)).body.projections.map(({ state }) => state)

/** Somebody who has a passkey, which both engines have seen. */
async function withPasskey(): Promise<Visitor & { passkey: string }> {
  const ada = await register(engines()[0])
  // Never declines.
  const goesAlong = Object.assign(() => false, createDice(1)) as ReturnType<typeof createDice>
  let app = newApp(engines()[0])
  // Offers are withheld while the history is out of reach: for a moment after another engine took a table over, or on a starved machine.
  for (let logins = 1; ; logins += 1) {
    await walk({ app, walker: ada, dice: goesAlong, codeAt: place.mailbox.codeAt })
    if (app.latest.passkey || logins === 5) break
    app = newApp(engines()[0])
  }
  const passkey = app.latest.passkey?.id
  expect(passkey).toBeDefined()
  for (const engine of engines()) expect((await signIn(engine, ada)).status).toBe(200)
  return { ...ada, passkey: passkey as string }
}

async function signIn(engine: EngineProcess, ada: Visitor) {
  const app = newApp(engine)
  taken(await app.start(ada.email))
  return app.usePasskey(ada.phone)
}

test('A passkey that is revoked on one engine is refused on the other at once, also by a login that had asked for it', async () => {
  const [here, there] = engines()
  const ada = await withPasskey()
  const early = newApp(there)
  taken(await early.start(ada.email))
  await asBackend(here, `/${ada.account}/passkeys/${ada.passkey}`, undefined, 'DELETE')
  const { status, body } = await early.usePasskey(ada.phone)
  expect([status, body.code, body.tokens]).toEqual([403, 'credential_unknown', undefined])
  const late = newApp(there)
  taken(await late.start(ada.email))
  expect(late.latest.session?.step).toBe('password')
})

test('Everybody who is signed in by one engine is signed out by the other at once', async () => {
  const [here, there] = engines()
  const ada = await withPasskey()
  const app = newApp(there)
  taken(await app.start(ada.email))
  taken(await app.usePasskey(ada.phone))
  taken(await app.pinSkip())
  taken(await app.biometricsSkip())
  await asBackend(here, `/${ada.account}/sessions/end`, {})
  const { status, body } = await app.refresh()
  expect([status, body.code]).toEqual([401, 'session_over'])
})

test('One of them projects; when it is paused the other takes over, and it does no harm when it goes on; when the other dies, it takes over again', async () => {
  // Who writes no rows learns it from the next event.
  await withPasskey()
  await until(async () => {
    const [a, b] = await Promise.all(engines().map(statesOf))

    return (a as string[]).every((state, n) => [state, b?.[n]].toSorted().join() === 'following,standby')
  })
  // Whoever has most to do is paused.
  const busy = (await statesOf(engines()[0])).filter((state) => state === 'following').length
  const [old, other] = busy >= 2 ? engines() : [engines()[1], engines()[0]]
  const load = createLoad({ place, engine: other, dice: createDice(32) })
  const living = load.run(3)
  living.catch(() => {})
  old.pause()
  await until(async () => load.stopped.aborted || (await statesOf(other)).every((state) => state === 'following'))
  const completed = load.totals.logins
  await until(async () => load.stopped.aborted || load.totals.logins > completed + 2)
  old.goOn()
  await until(async () => (await statesOf(old)).every((state) => state === 'standby'))
  expect(await statesOf(other)).toEqual((await statesOf(other)).map(() => 'following'))
  load.leave()
  await living
  await assertProjected(place)

  await other.kill()
  const after = createLoad({ place, engine: old, dice: createDice(33) })
  const going = after.run(2)
  going.catch(() => {})
  await until(async () => after.stopped.aborted || (await statesOf(old)).every((state) => state === 'following'))
  after.leave()
  await going
  await assertProjected(place)
  await assertNothingDoubled(place.log, undefined)
})
