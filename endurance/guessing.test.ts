/** Two engines, each a process of its own as `npm start` starts it, on one EventStoreDB (the stand-in) and one Postgres. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase, type Database } from '../projections/database.ts'
import { createClient, type Client, type Reply } from '../stories/app.ts'
import { createAuthenticator } from '../stories/authenticator.ts'
import { shop } from '../stories/stage.ts'
import type { EngineProcess } from './engine-process.ts'
import { startNode } from './node.ts'
import { backendKey, openPlace, type Place } from './place.ts'

const off = { otp: 'off', pin: 'off', biometrics: 'off' }
const [password, phone] = ['correct horse battery staple', createAuthenticator()]

let place: Place
let database: Database
let engines: EngineProcess[] = []
beforeAll(async () => {
  place = await openPlace({ node: await startNode(undefined), config: { policy: { withPasskey: off, withoutPasskey: off } } })
  database = openDatabase({ url: place.databaseUrl })
  engines = [await place.engine(), await place.engine()]
  // One after the other: the first one makes the keys.
  for (const engine of engines) await engine.start()
}, 60_000)
afterAll(async () => {
  await database.close()
  await place.close()
})

const appAt = (engine: number): Client => createClient({ url: engines[engine]!.url, app: shop.id, origin: `https://${shop.rpId}`, attempts: 1 })
async function guess(engine: number, identifier: string, typed = 'wrong'): Promise<Reply> {
  const app = appAt(engine)
  await app.start(identifier)
  return app.password(typed)
}
const code = ({ body }: Reply): string | undefined => body.code
/** Sends a password straight away, to see the header. */
async function waits(engine: number, identifier: string): Promise<number> {
  const flowToken = randomBytes(32).toString('base64url')
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    fetch(`${engines[engine]!.url}/v1/sessions${path}`, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), ...headers }, body: JSON.stringify(body) })
  const flowChallenge = createHash('sha256').update(flowToken).digest('base64url')
  const started = await post('', { app: shop.id, installation: randomUUID(), flowChallenge, supports: ['password'], identifier, device: { platform: 'ios' } })
  const { session } = (await started.json()) as { session: { id: string } }
  const answer = await post(`/${session.id}/password`, { password }, { Authorization: `Bearer ${flowToken}` })
  return answer.status === 429 ? Number(answer.headers.get('retry-after')) : 0
}

describe('Two engines', () => {
  test('count guesses together, let a passkey through all the while, and hold on while Postgres is away', async () => {
    const created = await fetch(`${engines[0]!.url}/v1/accounts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), Authorization: `Bearer ${backendKey}` },
      body: JSON.stringify({ identifiers: ['ada@example.com'], password }),
    })
    expect(created.status).toBe(201)
    const first = appAt(0)
    await first.start('ada@example.com')
    await first.password(password)
    expect((await first.createPasskey(phone)).status).toBe(200)

    // In turns, with a person and with nobody.
    for (const identifier of ['ada@example.com', 'nobody@example.com']) {
      for (let n = 0; n < 4; n += 1) expect(code(await guess(n % 2, identifier))).toBe('password_rejected')
    }
    // As if some had come before: so the next delay is so long that this test need not hurry.
    const { sql } = database
    expect((await sql`update guesses set total = total + 8 where total - base = 4`).count).toBe(2)
    for (const [engine, identifier] of [[0, 'ada@example.com'], [1, 'nobody@example.com']] as const) {
      expect(code(await guess(engine, identifier))).toBe('password_rejected')
      for (const one of [0, 1]) {
        const seconds = await waits(one, identifier)
        expect(seconds).toBeGreaterThan(256)
        expect(seconds).toBeLessThanOrEqual(512)
      }
    }
    const withPasskey = async (engine: number): Promise<number> => {
      const app = appAt(engine)
      await app.start('ada@example.com')
      return (await app.usePasskey(phone)).status
    }
    expect([await withPasskey(0), await withPasskey(1)]).toEqual([200, 200])

    await place.postgres.stop()
    for (const engine of [0, 1]) {
      for (const identifier of ['ada@example.com', 'nobody@example.com']) expect(await waits(engine, identifier)).toBeGreaterThan(256)
      // Somebody new is counted here, by the same rules.
      const codes = (await Promise.all(Array.from({ length: 20 }, () => guess(engine, 'bob@example.com')))).map(code)
      expect(codes.filter((one) => one === 'password_rejected').length).toBeLessThan(8)
      expect(codes.filter((one) => one === 'guessing_delayed').length).toBeGreaterThan(12)
      expect(await withPasskey(engine)).toBe(200)
    }

    await place.postgres.start()
    for (const engine of [0, 1]) expect(await waits(engine, 'ada@example.com')).toBeGreaterThan(256)
    expect([await withPasskey(0), await withPasskey(1)]).toEqual([200, 200])
  }, 60_000)
})
