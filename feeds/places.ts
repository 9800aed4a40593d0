/** Where an event of a login happened: its first events say so, and most of them are read just before. */
import { LRUCache } from 'lru-cache'
import { parseFact } from '../domain/event.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { tokensEvents } from '../domain/session/tokens.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import type { Place } from './ocsf.ts'

/** Logins at a time: some megabytes. Of more the streams are read again. */
const kept = 5_000
const nowhere: Place = { account: null, app: null, platform: null, installation: null, settings: false }

export function createPlaces(log: EventLog) {
  const known = new LRUCache<string, { place: Place; revision: number }>({ max: kept })

  function follow(stream: string, before: Place, recorded: Recorded): Place {
    const place = { ...before, ...learnt(recorded) }
    known.set(stream, { place, revision: recorded.revision })
    return place
  }

  return {
    /** As it was known when the event was written. @throws UnknownEvent, Unavailable */
    async of(recorded: Recorded): Promise<Place> {
      const { stream, revision } = recorded
      if (stream.startsWith('account-')) return { ...nowhere, account: stream.slice('account-'.length) }
      if (stream.startsWith('tokens-')) {
        const { data: { account, app, installation } } = parseFact(tokensEvents, recorded)
        // The tokens do not say on which platform the login was: the login does.
        return { ...nowhere, account, app, installation }
      }
      const last = known.get(stream)
      if (last ? last.revision === revision - 1 : revision === 0) return follow(stream, last?.place ?? nowhere, recorded)
      let place = nowhere
      for await (const one of log.read(stream)) {
        if (one.revision > revision) break
        place = follow(stream, place, one)
      }
      return place
    },
  }
}

function learnt(recorded: Recorded): Partial<Place> {
  const fact = parseFact(sessionEvents, recorded)
  switch (fact.type) {
    case 'IdentifierEntered':
    case 'UsernamelessLoginStarted':
    case 'SettingsEntered': {
      const { app, platform, installation } = fact.data
      return { app, platform, installation, account: 'account' in fact.data ? fact.data.account : null, settings: fact.type === 'SettingsEntered' }
    }
    case 'PasskeyVerified':
      return { account: fact.data.account }
    default:
      return {}
  }
}
