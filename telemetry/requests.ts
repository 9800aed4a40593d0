/** Every request that was answered: one span, one measurement, one line. */
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { fails, inServerSpan, tell, traceIdOf, type Header } from './traces.ts'

/** `method` as it was sent. */
export type Incoming = { method: string; header: Header }
/** `route`: the pattern, not the path; `problem`: the code of what was refused; `app`: one that is registered. */
export type Served = { route?: string | undefined; status: number; problem?: string | undefined; session?: string | undefined; app?: string | undefined }
export type ObserveRequest = (incoming: Incoming, serve: () => Promise<Served>) => Promise<void>

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'])
/** Asked for every few seconds, by machines. */
const polled = /^\/(health|metrics)/

export function createRequestObserver({ metrics, logger, clock }: { metrics: Metrics; logger: Logger; clock: () => number }): ObserveRequest {
  return (incoming, serve) => {
    const began = clock()
    // Anybody may invent a method: as the semantic conventions have it (http.request.method).
    const method = methods.has(incoming.method) ? incoming.method : '_OTHER'
    return inServerSpan(method, incoming.header, async (span) => {
      const { route, status, problem, session, app } = await serve()
      const seconds = (clock() - began) / 1000
      metrics.requests.observe({ http_request_method: method, http_route: route ?? '', http_response_status_code: String(status) }, seconds)
      if (problem !== undefined) metrics.problems.inc({ code: problem })
      if (route !== undefined) span.updateName(`${method} ${route}`)
      tell(span, () => ({ 'http.route': route, 'http.response.status_code': status, 'session.id': session, 'keyledger.app': app, 'keyledger.problem': problem }))
      if (status >= 500) fails(span, problem ?? String(status))
      // What was announced and comes back by itself is a warning.
      const level = status >= 500 ? (status === 503 ? 'warn' : 'error') : polled.test(route ?? '') ? 'debug' : 'info'
      logger(level, 'request', { method, route, status, code: problem, ms: Math.round(seconds * 10_000) / 10, session, trace: traceIdOf(span, incoming.header), app })
    })
  }
}
