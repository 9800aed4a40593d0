/** The same app on Node and on Deno. */
import type { Server as NodeServer, ServerResponse } from 'node:http'
import { serve as serveNode } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import { clientAddress } from './client-address.ts'

export type Server = { url: string; close(): Promise<void> }

type DenoServer = { addr: { port: number }; shutdown(): Promise<void> }
type DenoRuntime = {
  serve(
    options: { hostname: string; port: number; onListen: () => void },
    handler: (request: Request, info: { remoteAddr: { hostname: string } }) => Response | Promise<Response>,
  ): DenoServer
}

/** ms. A client that is slower than this in sending a request is cut off. */
const requestTimeout = 30_000
/** ms. What runs at shutdown may take this long; then its connection is cut. */
const closeTimeout = 10_000

/** `close` takes no more requests, finishes those that run, and resolves. @throws Error when the port is taken */
export async function serve(app: Hono, { host, port }: { host: string; port: number }): Promise<Server> {
  const deno = (globalThis as { Deno?: DenoRuntime }).Deno
  const url = (actual: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${actual}`
  if (deno) {
    const server = deno.serve({ hostname: host, port, onListen: () => {} }, (request, info) => app.fetch(request, { address: info.remoteAddr.hostname }))
    return { url: url(server.addr.port), close: () => server.shutdown() }
  }
  return new Promise((resolve, reject) => {
    const running = new Set<ServerResponse>()
    const server = serveNode({ fetch: app.fetch, hostname: host, port, serverOptions: { requestTimeout, headersTimeout: requestTimeout / 3 } }, (info) => {
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
  (c: Context): string | undefined => {
    const env = c.env as { address?: string; incoming?: { socket?: { remoteAddress?: string } } } | undefined
    return clientAddress(env?.address ?? env?.incoming?.socket?.remoteAddress, c.req.header('x-forwarded-for'), trustedHops)
  }
