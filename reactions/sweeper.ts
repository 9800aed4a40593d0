/**
 * Writes down what time alone brought about: logins that ran out of time, and passkeys that a login left pending when it was over.
 * It reads from projections what may be due, and the log decides whether it is: late, twice or by two engines at once it does no harm.
 */
import { decideUnfinished } from '../domain/account/passkeys.ts'
import { decideExpiry } from '../domain/session/end.ts'
import { accountStream, accounts } from '../engine/people.ts'
import { sessions, sessionStream } from '../engine/step.ts'
import type { Cause, Streams } from '../eventlog/transact.ts'
import { createApart, createRounds } from './rounds.ts'

export type Due = {
  overdueSessions: (now: Date, limit: number) => Promise<string[]>
  pendingPasskeys: (limit: number) => Promise<{ account: string; session: string }[]>
}

/** At most so many of each a round. */
const atOnce = 500

export type Sweeper = ReturnType<typeof createSweeper>

export function createSweeper(dependencies: { streams: Streams; due: Due; now: () => Date; everyMs: number; onError: (error: unknown) => void }) {
  const { streams, due, now, everyMs, onError } = dependencies
  const because = (session: string, what: string): Cause => ({ actor: 'engine', correlationId: session, causationId: `${session}/${what}` })
  const apart = createApart(onError)

  async function sweep(): Promise<{ expired: number; revoked: number }> {
    const counts = { expired: 0, revoked: 0 }
    for (const session of await due.overdueSessions(now(), atOnce)) counts.expired += await apart(expire(session))
    for (const { account, session } of await due.pendingPasskeys(atOnce)) counts.revoked += await apart(revokeUnfinished(account, session))
    return counts
  }

  async function expire(session: string): Promise<number> {
    const { appended } = await streams.transact(sessions, sessionStream(session), because(session, 'expiry'), (folded, at) => ({
      events: folded ? decideExpiry(folded.state, at).events : [],
      result: undefined,
    }))
    return appended
  }

  async function revokeUnfinished(account: string, session: string): Promise<number> {
    const login = await streams.load(sessions, sessionStream(session))
    if (!login || login.state.view.status === 'running') return 0
    const { appended } = await streams.transact(accounts, accountStream(account), because(session, 'unfinished'), (folded) => ({
      events: folded ? decideUnfinished(folded.state, session).events : [],
      result: undefined,
    }))
    return appended
  }

  return { sweep, ...createRounds({ round: sweep, everyMs, onError }) }
}
