/** Read, fold, decide, append; and again on a wrong revision. The one place where streams are folded and facts get their metadata. */
import { LRUCache } from 'lru-cache'
import { parseFact, type EventOf, type Fact } from '../domain/event.ts'
import { OutcomeUnknown, WrongRevision, type EventLog, type JsonObject, type NewEvent } from './event-log.ts'
import { createTurns } from './turns.ts'

type Schemas = Parameters<typeof parseFact>[0]

/** What a stream's events are, and what they fold to. */
export type Aggregate<S, T extends Schemas> = {
  events: T
  evolve(state: S | undefined, fact: Fact<EventOf<T>>): S
  /** Every event carries the whole state: the last one is enough. */
  lastOnly?: true
  /** Read whenever it is asked for: it may be sealed, and what it held must not live on in memory; or that is so seldom that it would only take the room of others. */
  neverCached?: true
}

/** A stream as it was when it had `revision`. `keys`: what each Idempotency-Key did here, and the last revision it wrote. */
export type Folded<S> = {
  state: S
  revision: number
  at: string
  keys: Keys
}
type Keys = ReadonlyMap<string, { fingerprint: string | undefined; revision: number }>

/** Who does it, because of what. */
export type Cause = { actor: string; correlationId: string; causationId: string; fingerprint?: string }

export type Decided<E, R> = { events: readonly E[]; result: R }

/** The stream changed again and again while the decision was made. Nothing was written. */
export class Conflict extends Error {
  readonly code = 'conflict'
}

export type Streams = ReturnType<typeof createStreams>

const maxAttempts = 5
/** Sessions and accounts: 2,500 logins at a time, and some 20 MB. Of more the streams are read again. */
const mostCached = 5_000
const maxKeys = 256
/** On average, of a stream that is kept in memory: some have hundreds, and thousands of those would be hundreds of megabytes. */
const keptKeys = 24

export function createStreams(dependencies: { log: EventLog; now: () => Date; newId: () => string; cached?: number; onRetry?: () => void }) {
  const { log, now, newId, cached = mostCached, onRetry = () => {} } = dependencies
  const cache = new LRUCache<string, Folded<unknown>>({ max: cached, maxSize: cached * keptKeys, sizeCalculation: ({ keys }) => 1 + keys.size })
  const inTurn = createTurns()

  async function readFrom<S, T extends Schemas>(aggregate: Aggregate<S, T>, stream: string, known: Folded<S> | undefined): Promise<Folded<S> | undefined> {
    let folded = known
    if (aggregate.lastOnly) {
      const last = await log.last(stream)
      if (last) folded = extend(aggregate, undefined, last)
    } else {
      for await (const recorded of log.read(stream, known ? known.revision + 1 : 0)) folded = extend(aggregate, folded, recorded)
    }
    if (folded) remember(aggregate, stream, folded)
    return folded
  }

  function remember({ neverCached }: { neverCached?: true }, stream: string, folded: Folded<unknown>): void {
    if (neverCached) return
    const newest = cache.get(stream)
    if (!newest || newest.revision < folded.revision) cache.set(stream, folded)
  }

  /** As it was last seen here: good enough where the expected revision checks it. */
  async function peek<S, T extends Schemas>(aggregate: Aggregate<S, T>, stream: string): Promise<Folded<S> | undefined> {
    return (cache.get(stream) as Folded<S> | undefined) ?? readFrom(aggregate, stream, undefined)
  }

  /** As it is in the log now. */
  function load<S, T extends Schemas>(aggregate: Aggregate<S, T>, stream: string): Promise<Folded<S> | undefined> {
    return readFrom(aggregate, stream, cache.get(stream) as Folded<S> | undefined)
  }

  async function attempt<S, T extends Schemas, R>(
    aggregate: Aggregate<S, T>,
    stream: string,
    cause: Cause,
    decide: Decide<S, EventOf<T>, R>,
    assumeNew: boolean,
  ): Promise<{ result: R; folded: Folded<S> | undefined; appended: number }> {
    const known = cache.get(stream) as Folded<S> | undefined
    let fresh = !known && !assumeNew
    let folded = fresh ? await load(aggregate, stream) : known
    for (let attempts = 0; attempts < maxAttempts; attempts += 1) {
      let at = later(now(), folded?.at)
      let { events, result } = await decide(folded, at)
      if (events.length === 0 && !fresh) {
        // What writes nothing was checked by no expected revision: look at the log before saying so.
        folded = await load(aggregate, stream)
        fresh = true
        at = later(now(), folded?.at)
        ;({ events, result } = await decide(folded, at))
      }
      if (events.length === 0) return { result, folded, appended: 0 }
      try {
        folded = await append(aggregate, stream, folded, events, at, cause)
        return { result, folded, appended: events.length }
      } catch (error) {
        if (!(error instanceof WrongRevision)) throw error
        onRetry()
        folded = await load(aggregate, stream)
        fresh = true
      }
    }
    throw new Conflict(`${stream} changed ${maxAttempts} times while a decision was made`)
  }

  async function append<S, T extends Schemas>(
    aggregate: Aggregate<S, T>,
    stream: string,
    before: Folded<S> | undefined,
    events: readonly EventOf<T>[],
    at: string,
    { actor, correlationId, causationId, fingerprint }: Cause,
  ): Promise<Folded<S>> {
    const metadata = { at, actor, $correlationId: correlationId, $causationId: causationId, ...(fingerprint === undefined ? {} : { fingerprint }) }
    // Drawn once per decision, so that a repeat after an unknown outcome is the same append.
    const batch: NewEvent[] = events.map(({ type, data }) => ({ id: newId(), type, data: data as JsonObject, metadata }))
    const expected = before ? before.revision : 'none'
    const { revision } = await log.append(stream, batch, expected).catch((error: unknown) => {
      if (!(error instanceof OutcomeUnknown)) throw error
      return log.append(stream, batch, expected)
    })
    const state = batch.reduce((state: S | undefined, event) => aggregate.evolve(state, parseFact(aggregate.events, event)), before?.state) as S
    const folded = { state, revision, at, keys: withKey(before?.keys, causationId, { fingerprint, revision }) }
    remember(aggregate, stream, folded)
    return folded
  }

  /**
   * One writer at a time per stream in this process; between processes the expected revision decides. `assumeNew`: what is not known here is
   * taken as not there, which saves the read of a stream that this decision most likely begins.
   */
  function transact<S, T extends Schemas, R>(aggregate: Aggregate<S, T>, stream: string, cause: Cause, decide: Decide<S, EventOf<T>, R>, { assumeNew = false } = {}) {
    return inTurn([stream], () => attempt(aggregate, stream, cause, decide, assumeNew))
  }

  return { peek, load, transact, log }
}

type Decide<S, E, R> = (folded: Folded<S> | undefined, at: string) => Decided<E, R> | Promise<Decided<E, R>>

function extend<S, T extends Schemas>(aggregate: Aggregate<S, T>, before: Folded<S> | undefined, recorded: NewEvent & { revision: number }): Folded<S> {
  const fact = parseFact(aggregate.events, recorded)
  const { at, $causationId, fingerprint } = recorded.metadata
  const { revision } = recorded
  return { state: aggregate.evolve(before?.state, fact), revision, at, keys: withKey(before?.keys, $causationId, { fingerprint, revision }) }
}

function withKey(before: Keys | undefined, key: string, did: { fingerprint: string | undefined; revision: number }): Keys {
  const keys = new Map(before).set(key, did)
  if (keys.size > maxKeys) keys.delete(keys.keys().next().value as string)
  return keys
}

/** Facts of one stream never go back in time, whatever the clock does. */
function later(clock: Date, before: string | undefined): string {
  const at = clock.toISOString()
  return before !== undefined && before > at ? before : at
}

