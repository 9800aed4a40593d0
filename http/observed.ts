/** What is told of every request that was answered: the pattern of its route and never its path, its status, and the code of a problem. */
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { ProblemCode } from './problems.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The code of the problem that is answered. */
    problem: ProblemCode
    /** A session's id, or what has the form of one. */
    session: string
    /** One that is registered. */
    app: string
  }
}

export type Served = { route?: string | undefined; status: number; problem?: ProblemCode | undefined; session?: string | undefined; app?: string | undefined }
/** Stands around every request. */
export type ObserveRequest = (incoming: { method: string; header: (name: string) => string | undefined }, serve: () => Promise<Served>) => Promise<void>

export const observed =
  (observe: ObserveRequest): MiddlewareHandler =>
  (c, next) =>
    observe({ method: c.req.method, header: (name) => c.req.header(name) }, async () => {
      await next()
      const route = routePath(c, -1)
      return {
        // What only the middleware took has no route.
        route: route.endsWith('*') ? undefined : route,
        status: c.res.status,
        problem: c.get('problem'),
        session: c.get('session'),
        app: c.get('app'),
      }
    })
