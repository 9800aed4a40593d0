/** The least that an HTTP API can do: one Hono route, which takes a body and answers. */
import { Hono } from 'hono'
import { serve, type Server } from '../serve.ts'
import { answerCalls } from './process.ts'

let server: Server | undefined

async function start(): Promise<string> {
  const app = new Hono().post('/', async (c) => {
    await c.req.json()
    return c.json({})
  })
  server = await serve(app as unknown as Hono, { host: '127.0.0.1', port: 0 })
  return server.url
}

answerCalls({ start }, async () => server?.close())
