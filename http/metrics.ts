/** `GET /metrics`, in the text format of Prometheus. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { problem } from './problems.ts'
import { bearerOf } from './request.ts'

/** `token`: undefined where anybody may read them who can reach the listener. */
export type MetricsSource = { text: () => Promise<string>; contentType: string; token: string | undefined }

export function metricsRoutes({ text, contentType, token }: MetricsSource): Hono {
  return new Hono().get('/metrics', async (c) => {
    if (token !== undefined && !matches(bearerOf(c), token)) return problem(c, 'token_missing', { detail: 'the token of the metrics' })
    return c.body(await text(), 200, { 'Content-Type': contentType })
  })
}

/** Hashed first: `timingSafeEqual` takes equal lengths only, and the length is told to nobody either. */
function matches(given: string, token: string): boolean {
  const [a, b] = [given, token].map((one) => createHash('sha256').update(one).digest()) as [Buffer, Buffer]
  return timingSafeEqual(a, b)
}
