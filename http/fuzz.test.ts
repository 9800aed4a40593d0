import { randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Policy } from '../domain/policy.ts'
import { App } from '../engine/apps.ts'
import type { Passwords } from '../factors/password.ts'
import { operations } from '../mobile-contracts/operations.ts'
import { openAdoption } from '../projections/adoption/adoption.ts'
import { useFigures } from '../projections/adoption/testing.ts'
import { openDatabase } from '../projections/database.ts'
import { tableName } from '../projections/projection.ts'
import { openReadModel, projections } from '../projections/read-model.ts'
import { sessions } from '../projections/sessions.ts'
import { readStatus } from '../projections/status.ts'
import { startPostgres } from '../projections/testing-postgres.ts'
import { until } from '../projections/testing.ts'
import { newTally, openFuzzStage } from './testing-fuzz-stage.ts'
import { off, openApi, shop, type ApiOptions } from './testing.ts'

const prove = process.env['PROVE'] !== undefined
const seed = Number(process.env['PROVE_SEED'] ?? 20_260_302)
/** Requests, and how many of them are sent to one engine before the next one is started on an empty log. */
const [requests, perStage] = prove ? [1_000_000, 20_000] : [4_000, 1_000]
const perBatch = 500
/** Bytes of heap that may be left over a run, whatever its length: caches of modules and of the JIT. */
const maxGrowth = 32 * 1024 * 1024

/** Hashes that cost nothing: the share of real ones is that of the stages without it. */
const cheap: Passwords = {
  verify: async (stored, password) => (stored === `plain ${password}` ? { verdict: 'right', rehash: false } : { verdict: 'wrong' }),
  hash: async (password) => `plain ${password}`,
  decoy: () => 'plain ',
  acceptable: (password) => (password.length < 8 ? 'too_short' : Buffer.byteLength(password) > 1024 ? 'too_long' : true),
}
const everywhere = App.parse({
  ...shop,
  android: [{ package: 'example.shop', fingerprints: ['AA:'.repeat(31) + 'AA'] }],
  web: ['https://shop.test'],
  recoverUrl: 'https://shop.example/forgotten',
})
const optional = { otp: 'optional', pin: 'optional', biometrics: 'optional' } as const
const stages: ApiOptions[] = [
  { passwords: cheap },
  { policy: { pinKeptOn: 'server', append: Policy.shape.append.parse({ conditional: true }) } },
  { passwords: cheap, policy: { withPasskey: off, withoutPasskey: off } },
  { passwords: cheap, policy: { pinKeptOn: 'server', order: ['otp', 'pin', 'biometrics', 'append'], withPasskey: optional, withoutPasskey: optional } },
]

/** The tables for analysts are there, and empty. */
const figures = useFigures()

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void
const heap = (): number => (gc(), process.memoryUsage().heapUsed)
const unhandled: unknown[] = []
const note = (error: unknown) => void unhandled.push(error)
beforeAll(() => void process.on('unhandledRejection', note).on('uncaughtException', note))
afterAll(() => void process.off('unhandledRejection', note).off('uncaughtException', note))

test('Every route that the app has is among those that are sent hostile requests', async () => {
  const api = await openApi()
  const routes = api.app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  expect(operations.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([...new Set(routes)].toSorted())
  await api.close()
})

test(`${requests} hostile requests: no error of ours, no event of a malformed one, nothing that is not described, no memory kept`, { timeout: 3_600_000 }, async () => {
  const tally = newTally()
  const heaps: number[] = []
  const began = performance.now()
  const undone = () => operations.map(({ id }) => id).filter((id) => !tally.done.has(id))
  // What is rare may take a little longer.
  const goesOn = () => tally.sent < requests || (undone().length > 0 && tally.sent < requests * 2)
  for (let stage = 0; goesOn() && tally.faults.length < 20; stage += 1) {
    const opened = await openFuzzStage({ apps: [everywhere], adoption: openAdoption({ sql: figures.sql, k: 1 }), ...stages[stage % stages.length] }, tally)
    const end = tally.sent + perStage
    while (tally.sent < end) await opened.send(perBatch, seed + tally.sent)
    await opened.close()
    heaps.push(heap())
    if (prove && tally.sent % 100_000 === 0) console.log(`${tally.sent} hostile requests after ${Math.round((performance.now() - began) / 1000)} s`)
  }
  const [seconds, rows] = [(performance.now() - began) / 1000, [...tally.statuses].toSorted(([a], [b]) => (a < b ? -1 : 1))]
  if (prove) {
    const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024)
    console.log(`seed ${seed}: ${tally.sent} requests, ${Math.round(tally.sent / seconds)}/s, ${tally.written} events, heap ${mebibytes(heaps[0] ?? 0)} MiB after the first engine, ${mebibytes(Math.max(...heaps))} at most, RSS ${mebibytes(process.memoryUsage().rss)} MiB, CPU ${Math.round((process.cpuUsage().user + process.cpuUsage().system) / 1e6)} s`)
    console.table(Object.fromEntries(rows))
    console.table(Object.fromEntries([...tally.done].toSorted(([, a], [, b]) => a - b)))
    console.table(Object.fromEntries([...tally.codes].toSorted(([, a], [, b]) => b - a)))
  }
  expect(tally.faults).toEqual([])
  expect(unhandled).toEqual([])
  expect(tally.sent).toBeGreaterThanOrEqual(requests)
  expect(Math.max(...heaps) - Math.min(...heaps.slice(0, stages.length))).toBeLessThan(maxGrowth)
  // It went behind the checks: every operation was also done.
  expect(undone()).toEqual([])
})

test('What hostile requests leave in the log goes into every projection, and comes back as it was: no row is set aside', { timeout: 180_000 }, async () => {
  const [tally, server] = [newTally(), await startPostgres()]
  const { api, send, close } = await openFuzzStage({ apps: [everywhere], passwords: cheap }, tally)
  await send(1_500, seed + requests)
  const database = openDatabase({ url: await server.createDatabase() })
  const model = openReadModel({ log: api.log, database, now: api.now, newId: randomUUID, patience: 20_000, onError: (error) => void tally.faults.push(String(error)) })
  await model.start()
  const status = () => readStatus({ log: api.log, sql: database.sql, projections, now: api.now })
  await until(async () => (await status()).every(({ next }) => next === undefined))
  expect((await status()).map(({ projection, parked }) => [projection, parked])).toEqual(projections.map(({ name }) => [name, 0]))
  const rows = await database.sql<{ key: string; view: unknown }[]>`select key, view from ${database.sql(tableName(sessions))}`
  expect(rows.length).toBeGreaterThan(50)
  for (const { key, view } of rows) expect(view).toEqual((await api.engine.state(key)).state.view)
  expect(tally.faults).toEqual([])
  await model.stop()
  await database.close()
  await close()
  await server.remove()
})
