import { once } from 'node:events'
import { connect } from 'node:net'
import { Hono } from 'hono'
import { afterEach, expect, test } from 'vitest'
import { createAddressOf, serve, type Server } from './serve.ts'

let server: Server | undefined
afterEach(() => server?.close())

const listen = async (app: Hono): Promise<Server> => (server = await serve(app, { host: '127.0.0.1', port: 0 }))

test('The app answers under the address that the server names, and knows where requests come from', async () => {
  const { url } = await listen(new Hono().get('/', (c) => c.text(createAddressOf({ trustedHops: 0 })(c) ?? 'nowhere')))
  const answer = await fetch(url)
  expect([answer.status, await answer.text()]).toEqual([200, '127.0.0.1'])
})

test('Behind a proxy that is trusted it knows whom the proxy was talking to', async () => {
  const { url } = await listen(new Hono().get('/', (c) => c.text(createAddressOf({ trustedHops: 1 })(c) ?? 'nowhere')))
  const asked = async (headers: [string, string][]): Promise<string> => (await fetch(url, { headers })).text()
  expect(await asked([])).toBe('127.0.0.1')
  // As two headers, which a proxy may leave as they are (RFC 9110, 5.3).
  expect(await asked([['x-forwarded-for', '198.51.100.1'], ['x-forwarded-for', '192.0.2.9']])).toBe('192.0.2.9')
  expect(await asked([['forwarded', 'for=192.0.2.9']])).toBe('127.0.0.1')
})

test('To close is to finish what runs and to take nothing new, also on a connection that is there', async () => {
  const [begun, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { url, close } = await listen(new Hono().get('/slow', async (c) => (begun.resolve(), await finish.promise, c.text('done'))).get('/', (c) => c.text('fast')))
  await (await fetch(url)).text()
  const slow = fetch(`${url}/slow`)
  await begun.promise

  let closed = false
  const closing = close().then(() => (closed = true))
  await expect(fetch(url)).rejects.toThrow()
  expect(closed).toBe(false)
  finish.resolve()
  const answer = await slow
  expect([answer.status, await answer.text(), answer.headers.get('connection')]).toEqual([200, 'done', 'close'])
  await closing
  server = undefined
})

test('A port that is taken is an error at the start', async () => {
  const { url } = await listen(new Hono())
  await expect(serve(new Hono(), { host: '127.0.0.1', port: Number(new URL(url).port) })).rejects.toThrow('EADDRINUSE')
})

test('What is no HTTP is answered and cut off', async () => {
  const { url } = await listen(new Hono())
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end('GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /)
  await once(socket, 'close')
})
