/** `/v1/access`: who asks, as the company's provider says. */
import { Hono } from 'hono'
import type { z } from 'zod'
import { AccessDenied } from '../access/access-denied.ts'
import type { Access } from '../access/access.ts'
import type { AccessAnswer } from '../mobile-contracts/answers.ts'

export function accessRoutes({ identify }: Access): Hono {
  return new Hono().get('/', async (c) => {
    const identity = await identify(c)
    if (!identity) throw new AccessDenied('token_missing')
    const { subject, name, roles } = identity
    return c.json({ subject, name: name ?? null, roles } satisfies z.infer<typeof AccessAnswer>)
  })
}
