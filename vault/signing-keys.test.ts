import { randomBytes, randomUUID } from 'node:crypto'
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Unavailable } from '../eventlog/event-log.ts'
import { eventsOf, openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { uuidOf } from './sealing.ts'
import { createSigningKeys, publishedBeforeSeconds, type SigningKeys } from './signing-keys.ts'
import { openVault } from './vault.ts'

const master = randomBytes(32)
let file: ReturnType<typeof openTestFile>
let log: BreakableLog
let time: number
beforeEach(() => {
  file = openTestFile()
  log = file.open()
  time = Date.parse('2026-03-02T08:00:00.000Z')
})
afterEach(() => file.remove())

const engine = async (on: BreakableLog = log): Promise<SigningKeys> => {
  const now = () => new Date(time)
  const streams = createStreams({ log: on, now, newId: randomUUID })
  return createSigningKeys({ streams, vault: await openVault({ streams, masterKeys: [master] }), now })
}
const pass = (seconds: number) => (time += seconds * 1000)
const kids = async (keys: SigningKeys) => (await keys.jwks()).keys.map(({ kid }) => kid)
const sign = async (keys: SigningKeys) => {
  const { kid, key } = await keys.current()
  return new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid }).sign(key)
}
const verifies = async (keys: SigningKeys, token: string) => jwtVerify(token, createLocalJWKSet(await keys.jwks())).then(() => true, () => false)

test('The first signing key makes itself, and another engine uses the same', async () => {
  const [one, other] = [await engine(), await engine(file.open())]
  expect((await one.current()).kid).toBe((await other.current()).kid)
  expect(await verifies(other, await sign(one))).toBe(true)
})

test('Two engines that start at once make one signing key', async () => {
  const [one, other] = await Promise.all([engine(), engine(file.open())].map(async (opening) => (await opening).current()))
  expect(one?.kid).toBe(other?.kid)
  expect(await eventsOf(log, `key-${uuidOf('signing')}`)).toHaveLength(1)
})

test('What the world is told of a signing key is its public half', async () => {
  const { keys: [key, ...others] } = await (await engine()).jwks()
  expect(others).toEqual([])
  expect(Object.keys(key ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  expect(key).toMatchObject({ alg: 'ES256', use: 'sig', kty: 'EC', crv: 'P-256' })
})

test('A rotated key is published at once and signs later, so that no verifier meets it unprepared', async () => {
  const keys = await engine()
  const before = (await keys.current()).kid
  pass(3_600)
  const known = createLocalJWKSet(await keys.jwks())
  const { kid: after, signsFrom } = await keys.rotate()
  const published = createLocalJWKSet(await keys.jwks())
  expect(await kids(keys)).toEqual([before, after])
  expect(signsFrom.getTime() - time).toBe(publishedBeforeSeconds * 1000)
  // As long as somebody may still hold the set from before.
  pass(599)
  expect((await jwtVerify(await sign(keys), known)).protectedHeader.kid).toBe(before)
  pass(61)
  expect((await jwtVerify(await sign(keys), published)).protectedHeader.kid).toBe(after)
})

test('A verifier may keep the keys for as long as it was told, and that is shorter', () => {
  expect(publishedBeforeSeconds).toBeGreaterThanOrEqual(300 + 60)
})

test('Tokens of the key before are good for a day, and then it is gone', async () => {
  const keys = await engine()
  const before = (await keys.current()).kid
  const { kid: after } = await keys.rotate()
  pass(599)
  const old = await sign(keys)
  pass(1 + 86_399)
  expect(await kids(keys)).toEqual([before, after])
  expect([await verifies(keys, old), await verifies(keys, await sign(keys))]).toEqual([true, true])
  pass(1)
  expect(await kids(keys)).toEqual([after])
  expect([await verifies(keys, old), await verifies(keys, await sign(keys))]).toEqual([false, true])
})

test('Another engine publishes the rotated key at once, and signs with it within a minute of the one that made it', async () => {
  const [one, other] = [await engine(), await engine(file.open())]
  const before = (await one.current()).kid
  expect((await other.current()).kid).toBe(before)
  const { kid: after } = await one.rotate()
  expect(await kids(other)).toEqual([before, after])
  pass(601)
  expect((await one.current()).kid).toBe(after)
  expect((await other.current()).kid).toBe(after)
  expect(await verifies(other, await sign(one))).toBe(true)
})

test('A key that was rotated twice in a day stays as long as the tokens of each', async () => {
  const keys = await engine()
  await keys.current()
  for (const _ of [1, 2]) {
    pass(43_200)
    await keys.rotate()
  }
  expect(await kids(keys)).toHaveLength(3)
  pass(43_200 + 600)
  expect(await kids(keys)).toHaveLength(2)
})

test('A key that is replaced before it signed lets the one before sign on', async () => {
  const keys = await engine()
  const first = (await keys.current()).kid
  await keys.rotate()
  pass(300)
  const { kid: third } = await keys.rotate()
  pass(599)
  expect((await keys.current()).kid).not.toBe(third)
  pass(61)
  expect((await keys.current()).kid).toBe(third)
  expect(await kids(keys)).toContain(first)
})

test('While the log is away signing fails, and it works again by itself', async () => {
  const keys = await engine()
  log.broken.away = true
  await expect(keys.current()).rejects.toThrow(Unavailable)
  log.broken.away = false
  expect((await keys.current()).kid).toMatch(/^2026-03-02-/)
})
