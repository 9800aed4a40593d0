/** What EventStoreDB 23.10 does with appends and deletes, in memory. Each rule was seen at a real node: `stand-in.test.ts` runs against both. */
export type Expected = number | 'none' | 'any'
export type Proposed = { id: string; type: string; contentType: string; data: string; metadata: string }
export type Stored = Proposed & { stream: string; revision: bigint; position: number; created: number }
export type Entry =
  | { op: 'append'; stream: string; events: Proposed[]; at: number }
  | { op: 'delete'; stream: string; at: number }
  | { op: 'tombstone'; stream: string; at: number }

export type Refusal =
  | { refused: 'wrong-expected-version'; current: number | 'none' }
  | { refused: 'stream-deleted' }
  | { refused: 'maximum-append-size-exceeded' }
export type Written = { revision: number; position: number | undefined }

/** The default of a node (MaxAppendSize). It counts the bytes of the data, and neither metadata nor types. */
export const maxAppendSize = 1_048_576
/** The revision of the mark that a tombstone leaves (the largest int64). */
const tombstone = 9_223_372_036_854_775_807n

type Stream = { events: Stored[]; firstVisible: number; softDeleted: boolean; tombstoned: boolean }

export type Store = ReturnType<typeof createStore>

/** `journal` is handed every change before it is answered; `past` are the changes that an earlier store has journalled. */
export const createStore = (past: readonly Entry[], journal: (entry: Entry) => void) => {
  const streams = new Map<string, Stream>()
  const all: Stored[] = []
  const waiting = new Set<() => void>()

  const streamOf = (name: string): Stream => {
    let stream = streams.get(name)
    if (!stream) streams.set(name, (stream = { events: [], firstVisible: 0, softDeleted: false, tombstoned: false }))
    return stream
  }

  const put = (name: string, event: Proposed, created: number, revision?: bigint) => {
    const { events } = streamOf(name)
    // Positions are places in a file: they grow, but not by one.
    const stored = { ...event, stream: name, revision: revision ?? BigInt(events.length), position: 100 * (all.length + 1), created }
    if (revision === undefined) events.push(stored)
    all.push(stored)
    return stored
  }
  const putMark = (name: string, type: string, json: string, at: number, revision?: bigint) => {
    const data = Buffer.from(json).toString('base64')
    return put(name, { id: crypto.randomUUID(), type, contentType: 'application/json', data, metadata: '' }, at, revision)
  }

  const apply = (entry: Entry): Stored | undefined => {
    const stream = streamOf(entry.stream)
    if (entry.op === 'tombstone') {
      stream.tombstoned = true
      return putMark(entry.stream, '$streamDeleted', '{}', entry.at, tombstone)
    }
    if (entry.op === 'delete') {
      stream.softDeleted = true
      return putMark(`$$${entry.stream}`, '$metadata', '{"$tb":9223372036854775807}', entry.at)
    }
    if (stream.softDeleted) stream.firstVisible = stream.events.length
    const last = entry.events.map(event => put(entry.stream, event, entry.at)).at(-1)
    if (entry.stream.startsWith('$$')) truncate(entry.stream.slice(2), entry.events)
    if (stream.softDeleted) putMark(`$$${entry.stream}`, '$metadata', `{"$tb":${stream.firstVisible}}`, entry.at)
    stream.softDeleted = false
    return last
  }

  /** Of a stream's metadata the `$tb`: reads begin there. */
  const truncate = (name: string, [metadata]: readonly Proposed[]) => {
    const { $tb } = JSON.parse(Buffer.from(metadata?.data ?? '', 'base64').toString() || '{}') as { $tb?: number }
    if ($tb !== undefined) streamOf(name).firstVisible = $tb
  }

  const commit = (entry: Entry): Stored | undefined => {
    journal(entry)
    const last = apply(entry)
    for (const wake of waiting) wake()
    return last
  }

  /** The first answer again, where all events are there already: where this append would have put them, or for 'any' somewhere. */
  const repeated = (stream: Stream, events: readonly Proposed[], expected: Expected): Written | 'new' | 'in part' => {
    const first = expected === 'none' ? 0 : Number(expected) + 1
    const found = events.map(({ id }, index) => {
      const there = expected === 'any' ? stream.events.find(event => event.id === id) : stream.events[first + index]
      return there?.id === id ? there : undefined
    })
    if (!found[0]) return 'new'
    const last = found.at(-1)
    if (!last || found.includes(undefined)) return 'in part'
    return { revision: Number(last.revision), position: stream.softDeleted ? undefined : last.position }
  }

  const append = (name: string, events: Proposed[], expected: Expected): Written | Refusal => {
    const stream = streamOf(name)
    if (stream.tombstoned) return { refused: 'stream-deleted' }
    const bytes = events.reduce((sum, { data }) => sum + Buffer.byteLength(data, 'base64'), 0)
    if (bytes > maxAppendSize) return { refused: 'maximum-append-size-exceeded' }
    const head = stream.events.length - 1
    const wrong: Refusal = { refused: 'wrong-expected-version', current: head === -1 ? 'none' : head }
    const after = expected === 'none' ? -1 : expected === 'any' ? head : expected
    if (after > head) return wrong
    // Expecting the head, nobody looks at the ids: the same events again are written again.
    if (after < head || expected === 'any') {
      const before = repeated(stream, events, expected)
      if (typeof before === 'object') return before
      if (before === 'in part' || (after < head && !(expected === 'none' && stream.softDeleted))) return wrong
    }
    // An empty batch is answered as if it had one event.
    if (events.length === 0) return { revision: 0, position: 100 * (all.length + 1) }
    const last = commit({ op: 'append', stream: name, events, at: Date.now() })!
    return { revision: Number(last.revision), position: last.position }
  }

  /** Expecting any revision, as the client does by default. */
  const remove = (op: 'delete' | 'tombstone', name: string): Written | Refusal => {
    const stream = streamOf(name)
    if (stream.tombstoned) return { refused: 'stream-deleted' }
    if (op === 'delete' && stream.events.length === 0) return { refused: 'wrong-expected-version', current: 'none' }
    return { revision: stream.events.length - 1, position: commit({ op, stream: name, at: Date.now() })!.position }
  }

  putMark('$$$scavenges', '$metadata', '{}', 0)
  past.forEach(apply)

  return {
    all: all as readonly Stored[],
    append,
    remove,
    /** A stream's visible events; undefined where a read finds no stream. */
    read: (name: string): readonly Stored[] | 'stream-deleted' | undefined => {
      const stream = streamOf(name)
      if (stream.tombstoned) return 'stream-deleted'
      return stream.softDeleted || stream.events.length === 0 ? undefined : stream.events.slice(stream.firstVisible)
    },
    /** Calls `wake` at every change, until the function that it returns is called. */
    onChange: (wake: () => void) => {
      waiting.add(wake)
      return () => void waiting.delete(wake)
    },
  }
}
