/** Moves a log into another store: every event in its place, and the same names barred. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { OutcomeUnknown, Unavailable, type EventLog, type Expected, type NewEvent, type Recorded } from './event-log.ts'

/** The target has something that is not the source's, or has it in another place. Nothing more was written. */
export class NotThisLog extends Error {
  readonly code = 'not_this_log'
}

/** What goes into one append: far below what a node takes. */
const most = { events: 200, bytes: 256 * 1024 }
/** ms. A node that is restarted, or a leader that is elected, is there again by then. */
const patience: readonly number[] = [200, 1_000, 3_000, 10_000]

type Copy = {
  from: EventLog
  to: EventLog
  /** Streams of `from` that are sealed. */
  sealed: readonly string[]
  onProgress?: (events: number) => void
  pauses?: readonly number[]
}

/**
 * It may be broken off and begun again at any point: where it left is where the target ends. Nobody else may write to either.
 * @returns the events of the whole log, and how many of them were written now
 * @throws NotThisLog; Unavailable and OutcomeUnknown: begin again
 */
export async function copyLog({ from, to, sealed, onProgress = () => {}, pauses = patience }: Copy): Promise<{ events: number; written: number }> {
  const there = visible(to, new Set(sealed))
  const heads = new Map<string, number>()
  let batch: Recorded[] = []
  let bytes = 0
  let [events, written] = [0, 0]
  let isThere = true

  const flush = async (): Promise<void> => {
    const [first] = batch
    if (!first) return
    const expected: Expected = heads.get(first.stream) ?? 'none'
    const { revision } = await patiently(pauses, () => to.append(first.stream, batch.map(bare), expected))
    heads.set(first.stream, revision)
    written += batch.length
    onProgress(events)
    batch = []
    bytes = 0
  }

  for await (const event of from.readAll({})) {
    if (isThere) {
      const next = await there.next()
      if (next.done) isThere = false
      else {
        if (!isSame(event, next.value)) throw new NotThisLog(`the target has ${placeOf(next.value)} where this log has ${placeOf(event)}: it must be empty, or have the beginning of this log`)
        heads.set(event.stream, next.value.revision)
        events += 1
        if (events % 1_000 === 0) onProgress(events)
        continue
      }
    }
    // One append has events of one stream, and the order of all streams is kept: so what follows one another in a stream goes together, and no more.
    const size = sizeOf(event)
    if (batch.length > 0 && (batch[0]?.stream !== event.stream || batch.length === most.events || bytes + size > most.bytes)) await flush()
    batch.push(event)
    bytes += size
    events += 1
  }
  await flush()
  const more = isThere ? await there.next() : undefined
  if (more && !more.done) throw new NotThisLog(`the target has ${placeOf(more.value)}, which this log does not have`)
  // Last: an append to a name that is barred is refused.
  for (const stream of sealed) await patiently(pauses, () => to.seal(stream))
  return { events, written }
}

/** What was sealed since an earlier attempt still stands there, until that is barred too. */
async function* visible(log: EventLog, sealed: ReadonlySet<string>): AsyncGenerator<Recorded> {
  for await (const event of log.readAll({})) if (!sealed.has(event.stream)) yield event
}

const bare = ({ id, type, data, metadata }: Recorded): NewEvent => ({ id, type, data, metadata })
const placeOf = ({ stream, revision, id }: Recorded): string => `${stream}, revision ${revision} (${id})`
const sizeOf = ({ data, metadata }: Recorded): number => Buffer.byteLength(JSON.stringify(data)) + Buffer.byteLength(JSON.stringify(metadata))

/** A key stream may begin later here than in the log, where what came before has gone. */
const isSame = (a: Recorded, b: Recorded): boolean =>
  a.stream === b.stream && (a.revision === b.revision || a.stream.startsWith('key-')) && isDeepStrictEqual(bare(a), bare(b))

async function patiently<T>(pauses: readonly number[], work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      const pause = pauses[tries]
      // The same ids again: what was written, and not answered, is not written twice.
      if (pause === undefined || !(error instanceof Unavailable || error instanceof OutcomeUnknown)) throw error
      await sleep(pause)
    }
  }
}
