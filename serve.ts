/** The same app on Node and on Deno, through `node:http` on both: its limits and timeouts are what stands between the engine and slow or broken clients. */
import type { Server as NodeServer, ServerResponse } from 'node:http'
import { serve as serveNode } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import { clientAddress } from './client-address.ts'

export type Server = { url: string; close(): Promise<void> }

/**
 * ms. How long a client may take for the head of a request, for the whole of it, and for taking in a byte of the answer. `check`: how often
 * it is looked at whether somebody has run out of time.
 */
export type Timeouts = { head: number; request: number; idle: number; check: number }
const defaultTimeouts: Timeouts = { head: 10_000, request: 30_000, idle: 60_000, check: 5_000 }
/** ms. What runs at shutdown may take this long; then its connection is cut. */
const closeTimeout = 10_000

/** `close` takes no more requests, finishes those that run, and resolves. @throws Error when the port is taken */
export async function serve(app: Hono, { host, port, timeouts = defaultTimeouts }: { host: string; port: number; timeouts?: Timeouts }): Promise<Server> {
  const url = (actual: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${actual}`
  const serverOptions = { headersTimeout: timeouts.head, requestTimeout: timeouts.request, connectionsCheckingInterval: timeouts.check }
  return new Promise((resolve, reject) => {
    const running = new Set<ServerResponse>()
    const server = serveNode({ fetch: app.fetch, hostname: host, port, serverOptions }, (info) => {
      resolve({
        url: url(info.port),
        close: () =>
          new Promise((closed) => {
            const cut = setTimeout(() => server.closeAllConnections(), closeTimeout)
            server.close(() => {
              clearTimeout(cut)
              closed()
            })
            server.closeIdleConnections()
            // Otherwise their connections would be kept for a next request, which nobody takes, until they time out.
            for (const response of running) response.shouldKeepAlive = false
          }),
      })
    }) as NodeServer
    server.setTimeout(timeouts.idle)
    server.once('error', reject)
    server.on('request', (_, response) => {
      running.add(response)
      response.once('close', () => running.delete(response))
    })
  })
}

/** The address that a request comes from: of the peer as the listener saw it, or of who is before the trusted proxies. */
export const createAddressOf =
  ({ trustedHops }: { trustedHops: number }) =>
  (c: Context): string | undefined =>
    clientAddress((c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming?.socket?.remoteAddress, c.req.header('x-forwarded-for'), trustedHops)
