/** All that an auditor reads, over one log. */
import type { EventLog } from '../eventlog/event-log.ts'
import { replayAccount, type AccountReplay, type SessionsOf } from './account-replay.ts'
import type { AsOf } from './as-of.ts'
import type { CoverageOf } from './coverage.ts'
import { search, type FindLogins, type SearchAnswer } from './search.ts'
import type { SearchQuestion } from './search-question.ts'
import { replaySession, type SessionReplay } from './session-replay.ts'

export type Replays = ReturnType<typeof createReplays>

/** `sessionsOf`, `findLogins`: of the rows, while they are there. */
export function createReplays(dependencies: { log: EventLog; coverageOf: CoverageOf; sessionsOf: SessionsOf; findLogins: FindLogins; now: () => Date }) {
  return {
    /** @throws BadAsOf, UnknownEvent, Unavailable */
    session: (id: string, asOf?: AsOf): Promise<SessionReplay | undefined> => replaySession(dependencies, id, asOf),
    /** @throws BadAsOf, UnknownEvent, Unavailable */
    account: (id: string, asOf?: AsOf): Promise<AccountReplay | undefined> => replayAccount(dependencies, id, asOf),
    /** @throws BadSearch, SearchUnavailable, UnknownEvent, Unavailable */
    search: (question: SearchQuestion): Promise<SearchAnswer> => search(dependencies, question),
  }
}
