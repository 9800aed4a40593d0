/** The HTTP API as one Hono app, the same on Node and on Deno. */
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { Access } from '../access/access.ts'
import type { Role } from '../access/roles.ts'
import type { Replays } from '../replay/replays.ts'
import type { Figures } from '../projections/adoption/adoption.ts'
import { accessRoutes } from './access.ts'
import { accountRoutes } from './accounts.ts'
import { adoptionRoutes } from './adoption.ts'
import { ownAccountRoutes } from './own-account.ts'
import { auditRoutes, type Proofs } from './audit.ts'
import { metricsRoutes, type MetricsSource } from './metrics.ts'
import { observed, type ObserveRequest } from './observed.ts'
import { passkeyRoutes, type PasskeyDependencies } from './passkeys.ts'
import { problem, thrown } from './problems.ts'
import { referenceRoutes } from './reference.ts'
import { replayRoutes } from './replays.ts'
import { BadRequest } from './request.ts'
import { sessionRoutes, type HttpDependencies } from './sessions.ts'
import { wellKnownRoutes } from './well-known.ts'

export type Readiness = { ready: boolean } & Record<string, unknown>

export type AppDependencies = HttpDependencies &
  PasskeyDependencies & {
    access: Access
    proofs: Proofs
    replays: Replays
    /** The role that may have sealed values opened. */
    opens: Role
    /** Figures for analysts. */
    adoption?: Figures
    /** What is served at `/console`. */
    pages?: Hono
    readiness: () => Promise<Readiness>
    onError: (error: unknown) => void
    observe?: ObserveRequest
    metrics?: MetricsSource
  }

export function createApp(dependencies: AppDependencies): Hono {
  const { engine, access, adoption, proofs, replays, opens, pages, readiness, onError, observe, metrics } = dependencies
  const app = new Hono()

  // First, so that what the others do is in it.
  if (observe) app.use(observed(observe))

  app.use(
    secureHeaders({
      strictTransportSecurity: 'max-age=31536000; includeSubDomains',
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      // A page says itself what it needs.
      overwrite: false,
    }),
  )
  app.use(async (c, next) => {
    c.header('Cache-Control', 'no-store')
    await next()
  })

  app.route('/v1/sessions', sessionRoutes(dependencies))
  app.route('/v1/accounts', accountRoutes(engine))
  app.route('/v1/account', ownAccountRoutes(engine))
  app.route('/v1/passkeys', passkeyRoutes(dependencies))
  app.route('/v1/access', accessRoutes(access))
  app.route('/v1/audit', auditRoutes({ access, ledger: engine.ledger, proofs }))
  app.route('/v1/audit', replayRoutes({ access, engine, replays, opens }))
  if (adoption) app.route('/v1/adoption', adoptionRoutes(adoption, access.requireRole('analyst')))
  app.route('/', wellKnownRoutes(engine))
  app.route('/', referenceRoutes())

  // RFC 7517. Verifiers may keep it for a while: a new key is here for longer than that before it signs, and an old one after it did.
  app.get('/.well-known/jwks.json', async (c) => c.json(await engine.signingKeys.jwks(), 200, { 'Cache-Control': 'public, max-age=300' }))

  app.get('/health/live', (c) => c.json({ live: true }))
  app.get('/health/ready', async (c) => {
    const state = await readiness()
    return c.json(state, state.ready ? 200 : 503)
  })

  if (pages) app.route('/console', pages)
  if (metrics) app.route('/', metricsRoutes(metrics))

  app.notFound((c) => problem(c, 'not_found'))
  app.onError((error, c) => (error instanceof BadRequest ? problem(c, error.problem, error.detail) : thrown(c, error, onError)))
  return app
}
