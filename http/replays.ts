/** `/v1/audit`: logins and people replayed, and what is sealed opened for somebody who may and says why. For auditors. */
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { whoIs, type Access } from '../access/access.ts'
import { actorOf, type Role } from '../access/roles.ts'
import { Because } from '../domain/audit/because.ts'
import type { Engine } from '../engine/engine.ts'
import { Fault } from '../engine/faults.ts'
import type { AccountReplayAnswer, FoundAccountAnswer, LookAnswer, SearchAnswer, SessionReplayAnswer } from '../mobile-contracts/audit.ts'
import * as body from '../mobile-contracts/requests.ts'
import { BadAsOf, readAsOf, type AsOf } from '../replay/as-of.ts'
import type { Replays } from '../replay/replays.ts'
import { BadSearch, readSearch } from '../replay/search-question.ts'
import { BadRequest, bodyOf, sessionOf } from './request.ts'

/** `opens`: the role that may have sealed values opened. */
export type ReplayDependencies = { access: Access; engine: Engine; replays: Replays; opens: Role }

export function replayRoutes({ access, engine, replays, opens }: ReplayDependencies): Hono {
  const auditor = access.requireRole('auditor')
  return new Hono()
    .get('/sessions/:id', auditor, async (c) => {
      const replay = await asked(() => replays.session(sessionOf(c), asOfIn(c)))
      if (!replay) throw new Fault('session_unknown')
      return c.json(replay satisfies z.infer<typeof SessionReplayAnswer>)
    })
    .get('/accounts/:id', auditor, async (c) => {
      const replay = await asked(() => replays.account(accountOf(c), asOfIn(c)))
      if (!replay) throw new Fault('account_unknown')
      return c.json(replay satisfies z.infer<typeof AccountReplayAnswer>)
    })
    .post('/accounts/find', auditor, async (c) => {
      const { identifier, why } = await bodyOf(c, body.FindAccountBody)
      return c.json({ account: await engine.findAudited(actorOf(whoIs(c)), becauseOf(c, why), identifier) } satisfies z.infer<typeof FoundAccountAnswer>)
    })
    .get('/search', auditor, async (c) => {
      const question = await asked(async () => readSearch(new URL(c.req.url).searchParams))
      return c.json((await asked(() => replays.search(question))) satisfies z.infer<typeof SearchAnswer>)
    })
    .post('/looks', auditor, access.requireRole(opens), async (c) => {
      const { why, ...at } = await bodyOf(c, body.LookBody)
      return c.json((await engine.look(actorOf(whoIs(c)), becauseOf(c, why), at)) satisfies z.infer<typeof LookAnswer>)
    })
}

/** Of whoever came through `requireRole`. @throws BadRequest for a reason that says nothing, or who somebody is */
function becauseOf(c: Context, why: string): Because {
  const because = Because.safeParse({ who: whoIs(c).subject, why })
  if (!because.success) throw new BadRequest('malformed', { detail: because.error.issues.map(({ path, message }) => `${path[0] === 'who' ? 'who asks' : 'why'} ${message}`).join('; ') })
  return because.data
}

const asOfIn = (c: Context): AsOf | undefined => {
  const text = c.req.query('asOf')
  return text === undefined || text === '' ? undefined : readAsOf(text)
}

/** What cannot be asked is a fault of the request. @throws BadRequest */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof BadAsOf) throw new BadRequest('malformed', { detail: `asOf ${error.message}` })
    throw error instanceof BadSearch ? new BadRequest('malformed', { detail: `${error.field} ${error.message}` }) : error
  }
}

/** @throws Fault account_unknown for what cannot be the id of an account */
function accountOf(c: Context): string {
  const id = z.uuid().safeParse(c.req.param('id')?.toLowerCase())
  if (!id.success) throw new Fault('account_unknown')
  return id.data
}
