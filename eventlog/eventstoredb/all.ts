import { START, STREAM_NAME, type AllStreamResolvedEvent, type EventStoreDBClient } from '@eventstore/db-client'
import type { Position, Recorded, Selection } from '../event-log.ts'
import { formatPosition, isAfter, parsePosition, recorded } from './recorded.ts'
import { drain, type Bounds } from './stream.ts'

type Mark = { checkpoint: Position } | 'caughtUp'
type Wanted = { after?: Position | undefined } & Selection

// How many events the node looks at between two checkpoints. They also tell a long search without a match from a node that hangs.
const searchWindow = 1_000

/** The node takes prefixes or an expression. An empty list of prefixes chooses nothing. */
const expressionOf = (prefixes: readonly string[] | undefined, except: readonly string[]): string => {
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return `^(?!${['\\$', ...except.map(literal)].join('|')})${prefixes ? `(${prefixes.map(literal).join('|') || '(?!)'})` : ''}`
}

/**
 * Everything after a position, then 'caughtUp', then what comes, until the connection is lost. It serves plain reads of $all too: those have
 * no filter in this client, and would move a whole log to find a few streams. 'caughtUp' needs EventStoreDB 23.10 or later.
 * @param beginningOf is asked for events of key streams: in $all those of a tombstoned or truncated stream remain until the node scavenges
 */
export async function* followAll(
  client: EventStoreDBClient, { after, prefixes, except = [] }: Wanted, beginningOf: (stream: string) => Promise<number | undefined>, bounds: Bounds,
): AsyncGenerator<Recorded | Mark> {
  const start = after === undefined ? undefined : parsePosition(after)
  const subscription = client.subscribeToAll({
    fromPosition: start ?? START,
    filter: {
      ...(prefixes && except.length === 0 ? { prefixes: [...prefixes] } : { regex: expressionOf(prefixes, except) }),
      filterOn: STREAM_NAME,
      maxSearchWindow: searchWindow,
      checkpointInterval: 1,
      checkpointReached: (_, position) => void subscription.push({ checkpoint: formatPosition(position) }),
    },
    requiresLeader: true,
  })
  // Pushed into the stream, so that marks keep their place among the events.
  subscription.on('caughtUp', () => subscription.push('caughtUp'))

  for await (const item of drain<AllStreamResolvedEvent | Mark>(subscription, bounds)) {
    if (item === 'caughtUp' || 'checkpoint' in item) {
      yield item
      continue
    }
    const { event } = item
    // The node's own streams, and the marks that it leaves in ours ($streamDeleted).
    if (!event || event.streamId.startsWith('$') || event.type.startsWith('$')) continue
    if (start && !isAfter(event.position, start)) continue
    const found = recorded(event)
    if (event.streamId.startsWith('key-') && !(found.revision >= ((await beginningOf(event.streamId)) ?? Infinity))) continue
    yield found
  }
}
