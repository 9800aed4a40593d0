/**
 * What a listener must stand, byte by byte, on Node and on Deno: requests that are none, that never end, that lie about their length, that hide
 * others, and clients that go away or never listen. While it lasts others are answered; afterwards nothing is left open.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { createAccess } from '../access/access.ts'
import { Policy } from '../domain/policy.ts'
import { noOffers } from '../domain/policy/history.ts'
import { actions } from '../domain/session/vocabulary.ts'
import { App } from '../engine/apps.ts'
import { createEngine } from '../engine/engine.ts'
import { openTestFile } from '../eventlog/testing.ts'
import { createHashGate } from '../factors/hash-gate.ts'
import { createPasswords } from '../factors/password.ts'
import { createApp } from '../http/app.ts'
import { createReplays } from '../replay/replays.ts'
import { createAddressOf, serve } from '../serve.ts'

export type Test = readonly [sentence: string, run: () => Promise<void>]

/** ms. Long enough for a busy machine to send a whole request, short enough to wait for. */
const timeouts = { head: 600, request: 1_200, idle: 1_500, check: 50 }

async function openListener() {
  const file = openTestFile()
  const log = file.open()
  const errors: unknown[] = []
  const onError = (error: unknown): void => void errors.push(error)
  const apps = [App.parse({ id: 'shop', name: 'Northwind Shop', rpId: 'shop.example' })]
  const engine = await createEngine({
    log,
    masterKeys: [createHash('sha256').update('a master key for tests').digest()],
    passwords: createPasswords({ gate: createHashGate({ atOnce: 2, queue: 16 }), argon2: { memoryCost: 1024, timeCost: 1, parallelism: 1 } }),
    deliver: async () => ({ delivered: true }),
    reachable: new Set(['email']),
    settings: () => ({ issuer: 'https://login.shop.example', apps, policy: Policy.parse({}), flowSeconds: 900, backends: [] }),
    history: async () => noOffers,
    now: () => new Date(),
    newId: randomUUID,
    randomBytes,
    onBackgroundError: onError,
  })
  const app = createApp({ engine, access: createAccess({ consoleUrl: 'http://localhost:8787', secret: engine.vault.secret('console'), now: () => new Date() }), proofs: { inclusion: async () => undefined, consistency: async () => undefined }, replays: createReplays({ log, now: () => new Date(), coverageOf: async () => undefined, sessionsOf: async () => 'unavailable', findLogins: async () => 'unavailable' }), opens: 'admin', readSession: async () => undefined, lastUses: async () => new Map(), readiness: async () => ({ ready: true }), now: () => new Date(), addressOf: createAddressOf({ trustedHops: 0 }), onError })
  const server = await serve(app, { host: '127.0.0.1', port: 0, timeouts })
  return {
    port: Number(new URL(server.url).port),
    errors,
    async logins(): Promise<number> {
      let count = 0
      for await (const _ of log.readAll({ prefixes: ['session-'] })) count += 1
      return count
    },
    async close(): Promise<void> {
      await server.close()
      await engine.settled()
      await file.remove()
    },
  }
}

const head = (method: string, path: string, ...lines: string[]): string => [`${method} ${path} HTTP/1.1`, 'Host: login.shop.example', ...lines, '', ''].join('\r\n')
const alive = head('GET', '/health/live', 'Connection: close')
/** The start of a login, whole. */
function start({ padding = '' } = {}): string {
  const flowChallenge = createHash('sha256').update(randomBytes(32)).digest('base64url')
  const body = JSON.stringify({ app: 'shop', installation: randomUUID(), flowChallenge, supports: actions, identifier: 'ada@example.com', device: { platform: 'ios' }, padding })
  return head('POST', '/v1/sessions', 'Content-Type: application/json', `Idempotency-Key: ${randomUUID()}`, `Content-Length: ${Buffer.byteLength(body)}`) + body
}
const statuses = (answer: string): number[] => Array.from(answer.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status))
/** Files and sockets of this process, those of the listener and of its clients alike. */
const open = (): number => readdirSync('/dev/fd').length
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < 600; looks += 1) {
    if (await holds()) return
    await sleep(20)
  }
  assert.fail(what)
}

/** `many`: how many spoiled requests are sent. */
export function hostileSockets({ many, seed }: { many: number; seed: number }): { tests: Test[]; close(): Promise<void> } {
  let opened: ReturnType<typeof openListener> | undefined
  const listener = () => (opened ??= openListener())

  async function dial(): Promise<Socket & { got: () => string; ended: Promise<unknown> }> {
    const socket = connect((await listener()).port, '127.0.0.1')
    let got = ''
    socket.on('data', (bytes: Buffer) => (got += bytes.toString('latin1')))
    socket.on('error', () => {})
    const ended = new Promise((resolve) => socket.once('close', resolve))
    await once(socket, 'connect')
    return Object.assign(socket, { got: () => got, ended })
  }
  /** Everything that comes back until the listener closes the connection. */
  async function answerTo(...pieces: (string | Uint8Array)[]): Promise<string> {
    const socket = await dial()
    for (const piece of pieces) socket.write(piece)
    await socket.ended
    return socket.got()
  }
  const othersAreAnswered = async (): Promise<void> => assert.deepEqual(statuses(await answerTo(alive)), [200])

  /** The case, and what holds after each: the listener goes on, said nothing of an error, and left nothing open. */
  const standing = (sentence: string, run: () => Promise<void>): Test => [
    sentence,
    async () => {
      const { errors } = await listener()
      await othersAreAnswered()
      // The listener's end of that goes a moment later.
      await sleep(50)
      const before = open()
      await run()
      await othersAreAnswered()
      assert.deepEqual(errors, [])
      await until(`${before} files were open before, and now there are more`, () => open() <= before)
    },
  ]
  /** It sends a piece at a time until the connection is closed. */
  async function trickle(first: string, piece: string): Promise<string> {
    const socket = await dial()
    socket.write(first)
    let over = false
    void socket.ended.then(() => (over = true))
    while (!over) {
      socket.write(piece)
      await sleep(20)
    }
    return socket.got()
  }

  const refusedWith = (status: number, what: string, bytes: string): Test =>
    standing(`${what} is answered ${status} and closed`, async () => assert.deepEqual(statuses(await answerTo(bytes)), [status]))

  const tests: Test[] = [
    standing('A connection on which nothing comes is closed, and 500 of them keep nobody out', async () => {
      const sockets = await Promise.all(Array.from({ length: 500 }, dial))
      await othersAreAnswered()
      await Promise.all(sockets.map(({ ended }) => ended))
    }),
    standing('A head that comes a line at a time is cut off', async () => assert.deepEqual(statuses(await trickle('GET /health/live HTTP/1.1\r\nHost: x\r\n', 'x-a: b\r\n')), [408])),
    standing('A body that comes a byte at a time is cut off', async () => {
      const slow = trickle(head('POST', '/v1/sessions', 'Content-Type: application/json', `Idempotency-Key: ${randomUUID()}`, 'Content-Length: 60000'), ' ')
      await othersAreAnswered()
      assert.deepEqual(statuses(await slow), [408])
    }),
    standing('A body that is declared and never comes is cut off', async () => {
      assert.deepEqual(statuses(await answerTo(head('POST', '/v1/sessions', `Idempotency-Key: ${randomUUID()}`, 'Content-Length: 10'), '{')), [408])
    }),
    refusedWith(400, 'A negative length', head('POST', '/v1/sessions', 'Content-Length: -1')),
    refusedWith(400, 'A length that is no number', head('POST', '/v1/sessions', 'Content-Length: 0x10')),
    refusedWith(400, 'A length beyond all numbers', head('POST', '/v1/sessions', 'Content-Length: 99999999999999999999999')),
    refusedWith(400, 'Two lengths', head('POST', '/v1/sessions', 'Content-Length: 1', 'Content-Length: 2')),
    refusedWith(400, 'A chunk without a size', `${head('POST', '/v1/sessions', 'Transfer-Encoding: chunked')}zz\r\nhello\r\n0\r\n\r\n`),
    refusedWith(400, 'An encoding that is not the last one', head('POST', '/v1/sessions', 'Transfer-Encoding: chunked, identity')),
    refusedWith(400, 'A header with a space before its colon', head('GET', '/health/live', 'Content-Length : 0')),
    refusedWith(400, 'A header with a NUL', head('GET', '/health/live', 'x-a: a\0b')),
    refusedWith(400, 'A header with a bare line feed', 'GET /health/live HTTP/1.1\nHost: x\n\n'),
    refusedWith(400, 'A request without a host', 'GET /health/live HTTP/1.1\r\n\r\n'),
    refusedWith(400, 'What is HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    refusedWith(400, 'What is TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
    refusedWith(431, 'A path of 1 MB', head('GET', `/${'x'.repeat(1_000_000)}`)),
    refusedWith(431, 'A head of 10,000 lines', head('GET', '/health/live', ...Array.from({ length: 10_000 }, (_, n) => `x-${n}: ${n}`))),
    standing('A request with two lengths of its body does not smuggle another one in', async () => {
      const { logins } = await listener()
      const before = await logins()
      for (const lie of ['Content-Length: 4\r\nTransfer-Encoding: chunked', 'Transfer-Encoding: chunked\r\nContent-Length: 4', 'Transfer-Encoding: xchunked\r\nContent-Length: 4']) {
        assert.deepEqual(statuses(await answerTo(`${head('POST', '/v1/sessions', lie)}0\r\n\r\n${start()}`)), [400])
      }
      assert.equal(await logins(), before)
    }),
    standing('A length that is too short starts nothing', async () => {
      const body = '{"app":"shop"}'
      const answer = await answerTo(head('POST', '/v1/sessions', `Idempotency-Key: ${randomUUID()}`, 'Content-Type: application/json', 'Content-Length: 5') + body)
      // The first is malformed; for the rest, which is none, there is a second answer or just the end.
      assert.ok(statuses(answer).length > 0 && statuses(answer).every((status) => status === 400))
    }),
    standing('Requests in one write are answered each, in their order', async () => {
      const { logins } = await listener()
      const before = await logins()
      const requests = Array.from({ length: 30 }, (_, n) => (n % 3 === 0 ? head('GET', '/nowhere') : n % 3 === 1 ? start() : head('POST', '/v1/sessions', 'Content-Length: 0')))
      assert.deepEqual(statuses(await answerTo([...requests, alive].join(''))), [...Array.from({ length: 30 }, (_, n) => [404, 201, 400][n % 3]), 200])
      assert.equal(await logins(), before + 10)
    }),
    standing('A body of 1 GB is refused before it comes, and whoever sends it all the same is cut off', async () => {
      const socket = await dial()
      socket.write(head('POST', '/v1/sessions', `Idempotency-Key: ${randomUUID()}`, 'Content-Type: application/json', 'Content-Length: 1000000000'))
      const block = Buffer.alloc(65_536, ' ')
      let [sent, over] = [0, false]
      void socket.ended.then(() => (over = true))
      while (!over && sent < 1_000_000_000) {
        const room = socket.write(block)
        sent += block.length
        if (!room) await Promise.race([once(socket, 'drain').catch(() => {}), socket.ended])
      }
      await socket.ended
      assert.ok(sent < 1_000_000_000)
      // The answer may be lost with the connection, since the client does not stop to read it.
      assert.ok(statuses(socket.got()).every((status) => status === 413))
      assert.deepEqual(statuses(await answerTo(head('POST', '/v1/sessions', `Idempotency-Key: ${randomUUID()}`, 'Content-Length: 1000000000'))), [413])
    }),
    standing('Chunks without an end are refused at 64 KiB', async () => {
      const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`
      const answer = await answerTo(head('POST', '/v1/sessions', `Idempotency-Key: ${randomUUID()}`, 'Content-Type: application/json', 'Transfer-Encoding: chunked'), ...Array<string>(6).fill(chunk))
      assert.deepEqual(statuses(answer), [413])
    }),
    standing('A start that is padded to its limit is still a start', async () => {
      assert.deepEqual(statuses(await answerTo(start({ padding: 'x'.repeat(60_000) }) + alive)), [201, 200])
    }),
    standing('Clients that go away in the middle are forgotten', async () => {
      const request = start()
      const cuts = Array.from({ length: 60 }, (_, n) => Math.floor((n / 60) * request.length))
      await Promise.all(cuts.map(async (cut) => {
        const socket = await dial()
        socket.write(request.slice(0, cut))
        await sleep(5)
        socket.resetAndDestroy()
        await socket.ended
      }))
    }),
    standing('A client that asks and never listens is cut off', async () => {
      const before = open()
      const socket = await dial()
      socket.pause()
      socket.write(head('GET', '/openapi.json').repeat(400))
      // Both ends are of this process: one of them goes.
      await until('the connection is kept', () => open() <= before + 1)
      socket.destroy()
      await socket.ended
    }),
    standing('CONNECT, TRACE, upgrades and expectations that nobody meets open nothing', async () => {
      const asked = [
        head('GET', '/health/live', 'Upgrade: websocket', 'Connection: Upgrade'), head('GET', '/health/live', 'Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABk'),
        head('GET', '/health/live', 'Expect: magic', 'Connection: close'), head('CONNECT', '/health/live', 'Connection: close'), head('TRACE', '/health/live', 'Connection: close'),
      ]
      for (const [index, request] of asked.entries()) {
        const socket = await dial()
        socket.write(request)
        await Promise.race([once(socket, 'data'), socket.ended])
        // Who asked for another protocol is answered in this one.
        assert.ok(statuses(socket.got()).every((status) => (index < 2 ? status === 200 : status >= 400 && status < 500)), socket.got())
        socket.destroy()
        await socket.ended
      }
    }),
    standing(`${many} requests with bytes that were changed, lost or put in are never an error of ours`, async () => {
      const { logins } = await listener()
      const before = await logins()
      const spoiling = fc.record({ at: fc.nat(10_000), kind: fc.constantFrom('flip', 'cut', 'insert', 'double'), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) })
      const plans = fc.sample(fc.array(spoiling, { minLength: 1, maxLength: 3 }), { numRuns: many, seed })
      let good = 0
      const one = async (): Promise<void> => {
        for (let plan = plans.pop(); plan; plan = plans.pop()) {
          let bytes = Buffer.from(start({ padding: 'x'.repeat(1_000) }))
          for (const { at, kind, bytes: other } of plan) {
            const place = at % bytes.length
            const [a, b] = [bytes.subarray(0, place), bytes.subarray(place)]
            bytes = Buffer.concat(kind === 'cut' ? [a] : kind === 'insert' ? [a, other, b] : kind === 'double' ? [a, b, b] : [a, Buffer.of((bytes[place] as number) ^ (other[0] as number)), b.subarray(1)])
            if (bytes.length === 0) bytes = Buffer.from(other)
          }
          const socket = await dial()
          // What is waited for comes out of the requests behind it, and the last one of them ends the connection.
          socket.write(Buffer.concat([bytes, Buffer.from(head('GET', '/health/live').repeat(8) + alive)]))
          await socket.ended
          const answered = statuses(socket.got())
          assert.ok(answered.every((status) => status < 500), `${answered} to ${bytes.toString('base64')}`)
          good += answered.filter((status) => status === 201).length
        }
      }
      await Promise.all(Array.from({ length: 64 }, one))
      // What was changed may still be good. Its answer is lost where rubbish came behind it.
      const written = (await logins()) - before
      assert.ok(good > 0 && written >= good && written < many, `${written} logins, of which ${good} were answered`)
    }),
  ]
  return { tests, close: async () => (await opened)?.close() }
}
