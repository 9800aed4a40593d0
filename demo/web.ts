/** `npm run demo:web`: the app's screens in a browser, the real API behind them, and every event beside them as it is written. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { readConfig } from '../config.ts'
import type { Carrier, Message } from '../delivery/delivery.ts'
import { Policy } from '../domain/policy.ts'
import { App } from '../engine/apps.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { palette } from '../http/palette.ts'
import { startKeyledger } from '../main.ts'
import { serve } from '../serve.ts'
import { page } from './page.ts'

export type Demo = { url: string; close(): Promise<void> }

/** What the page lets one choose from, by name. */
const policies: Record<string, Policy> = {
  usual: Policy.parse({}),
  'offer opens by itself': Policy.parse({ append: { mode: 'automatic' } }),
  'code first, passkey without a prompt': Policy.parse({ order: ['otp', 'append', 'pin', 'biometrics'], append: { conditional: true } }),
}
export const person = { email: 'ada@example.com', password: 'correct horse battery staple' }

/** An engine of its own behind a page of its own; what it writes goes when it is closed. */
export async function startDemo({ port = 8788, print = (_: string): void => {} } = {}): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-demo-'))
  const inboxes = new Set<(message: Message) => void>()
  const deliver: Carrier = async (message) => {
    for (const show of inboxes) show(message)
    return { delivered: true }
  }

  // The origin of the ceremonies is that of the page, so the page is there first.
  const site = new Hono()
  const server = await serve(site, { host: '127.0.0.1', port })
  const { port: taken } = new URL(server.url)
  const origin = `http://localhost:${taken}`
  const app = App.parse({ id: 'demo', name: 'Northwind', rpId: 'localhost', web: [origin], recoverUrl: `${origin}/#recover` })
  const config = { ...readConfig({ PORT: '0', KEYLEDGER_DATA: folder }), apps: [app], issuer: origin, sweepMs: 1_000 }
  const keyledger = await startKeyledger(config, { deliver, print, patience: 20_000 })
  const { engine, log } = keyledger
  await engine.accounts.register({ source: 'added', identifiers: [person.email], password: { plain: person.password } }, 'cli:demo')

  site.get('/', (c) => {
    c.header('Content-Security-Policy', `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'`)
    return c.html(page({ person, policies: Object.keys(policies) }))
  })
  const read = (file: string): string => readFileSync(join(import.meta.dirname, file), 'utf8')
  site.get('/app.js', (c) => c.body(read('app.js'), 200, { 'Content-Type': 'text/javascript; charset=utf-8' }))
  site.get('/style.css', (c) => c.body(`${palette}\n${read('style.css')}`, 200, { 'Content-Type': 'text/css; charset=utf-8' }))
  site.post('/demo/policy', async (c) => {
    const { name } = (await c.req.json()) as { name: string }
    const policy = Object.hasOwn(policies, name) ? policies[name] : undefined
    if (policy) Object.assign(engine.settings(), { policy })
    return c.json({ name }, policy ? 200 : 400)
  })
  /** Somebody new, so that a first login can be seen again. */
  site.post('/demo/person', async (c) => {
    const email = `ada.${randomBytes(3).toString('hex')}@example.com`
    await engine.accounts.register({ source: 'added', identifiers: [email], password: { plain: person.password } }, 'cli:demo')
    return c.json({ email, password: person.password })
  })
  site.get('/demo/events', (c) =>
    streamSSE(c, async (stream) => {
      const left = new AbortController()
      const show = (message: Message): void => void stream.writeSSE({ event: 'message', data: JSON.stringify(message) })
      inboxes.add(show)
      stream.onAbort(() => {
        inboxes.delete(show)
        left.abort()
      })
      // What happens from now on: a page begins empty.
      let live = false
      for await (const event of log.subscribe({ prefixes: ['session-', 'account-', 'tokens-'], signal: left.signal })) {
        if (event === 'caughtUp') live = true
        else if (live && 'type' in event) await stream.writeSSE({ event: 'event', data: JSON.stringify(shown(event)) })
      }
    }))
  // As a proxy stands before the engine in production.
  site.all('/v1/*', async (c) => {
    const { pathname, search } = new URL(c.req.url)
    const body = ['GET', 'HEAD'].includes(c.req.method) ? undefined : await c.req.arrayBuffer()
    const answer = await fetch(`${keyledger.url}${pathname}${search}`, { method: c.req.method, headers: c.req.raw.headers, ...(body && { body }) })
    return new Response(answer.body, { status: answer.status, headers: answer.headers })
  })
  await keyledger.ready

  return {
    url: origin,
    async close() {
      await keyledger.close()
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const shown = ({ stream, revision, type, data, metadata }: Recorded) => ({ stream, revision, type, data, metadata })

if (import.meta.main) {
  const demo = await startDemo({ port: Number(process.argv[2] ?? 8788) })
  console.log(`Open ${demo.url} in a browser that knows passkeys. ${person.email} is there, with the password: ${person.password}`)
  console.log('What it writes goes when this ends (Ctrl-C).')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void demo.close().then(() => process.exit(0)))
}
