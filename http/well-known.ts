/** The association files of the apps' domains, for whoever routes `https://<rpId>/.well-known/` to the engine. */
import { Hono } from 'hono'
import type { App, Settings } from '../engine/apps.ts'
import { associationPaths, associations, rpIdsOf } from '../engine/associations.ts'
import { problem } from './problems.ts'

/** Seconds. Short: a new signing certificate must not wait. */
const maxAge = 300

export function wellKnownRoutes({ settings }: { settings: () => Pick<Settings, 'apps'> }): Hono {
  const routes = new Hono()
  for (const path of associationPaths) {
    routes.get(path, (c) => {
      const { apps } = settings()
      const rpId = rpIdFor(apps, c.req.header('host'))
      if (rpId === undefined) return problem(c, 'not_found', { detail: 'several domains are registered, and the Host of this request is none of them' })
      const document = associations[path](apps, rpId)
      if (document === undefined) return problem(c, 'not_found', { detail: `no app of ${rpId} needs this file` })
      return c.json(document, 200, { 'Cache-Control': `public, max-age=${maxAge}` })
    })
  }
  return routes
}

/** The Host chooses which public file is shown, and nothing else: what a ceremony is held against comes from the app alone. */
function rpIdFor(apps: readonly App[], host = ''): string | undefined {
  const rpIds = rpIdsOf(apps)
  const name = host.toLowerCase().replace(/:\d+$/, '')
  return rpIds.find((rpId) => rpId === name) ?? (rpIds.length === 1 ? rpIds[0] : undefined)
}
