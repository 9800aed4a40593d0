/**
 * The one type behind which facts are kept. Every store passes `contract.ts` whole.
 *
 * A stream is a list of events with revisions 0, 1, 2, ... without gaps. All streams together have one order, the log's; a
 * `position` is a place in that order, opaque to everybody but the store that gave it.
 */
export type EventLog = {
  /**
   * Appends all events or none. Acknowledged means durable. Appending the same event ids again with the same expectation is
   * harmless and gives the first answer, also when other events came after.
   * @throws WrongRevision, Unavailable (nothing was written), OutcomeUnknown (repeat with the same ids), TooLarge, StreamSealed
   */
  append(stream: string, events: readonly NewEvent[], expected: Expected): Promise<Appended>
  /** The stream's events from revision `from` (default 0) on; nothing for a missing or a sealed one. @throws Unavailable */
  read(stream: string, from?: number): AsyncIterable<Recorded>
  /** The stream's last event. @throws Unavailable */
  last(stream: string): Promise<Recorded | undefined>
  /** Everything after `after` (a position; undefined: from the start) up to and with `upTo` (undefined: the present end), in log order. @throws Unavailable */
  readAll(options: { after?: Position | undefined; upTo?: Position | undefined } & Selection): AsyncIterable<Recorded>
  /** Tells for a position which share of the log, as it is now, lies up to it: 0 to 1, for whoever shows progress. @throws Unavailable */
  extent(): Promise<(position: Position) => number>
  /**
   * First what is there, then 'caughtUp', then what comes: without a gap, without a double, and in log order. Resumes by itself when the
   * connection is lost ('caughtUp' then comes again). `{ checkpoint }` is a position before which no matching event is outstanding.
   * Ends only when `signal` aborts or the reader leaves the loop.
   */
  subscribe(options: SubscribeOptions): AsyncIterable<Recorded | { checkpoint: Position } | 'caughtUp'>
  /**
   * For key streams only, and final: the content goes, the name is barred. Repeating it is harmless, also for a stream that never was.
   * @throws TypeError for any other stream; Unavailable, OutcomeUnknown
   */
  seal(stream: string): Promise<void>
  /**
   * For key streams only, and final: of each, the events before the revision go, as if the stream had begun there. Its last event stays in any case.
   * What went is no longer there to be appended again. Repeating it is harmless, also for a sealed stream.
   * @throws TypeError for any other stream; Unavailable, OutcomeUnknown: some of it may be done, repeat it
   */
  truncate(marks: readonly Mark[]): Promise<void>
  close(): Promise<void>
}

/** The revision of the stream's last event as the writer knows it, or 'none' for a stream that must not exist yet. */
export type Expected = number | 'none'
export type Position = string
/** A revision that a stream is to begin with. */
export type Mark = { stream: string; before: number }
export type Appended = { position: Position; revision: number }
export type SubscribeOptions = { after?: Position | undefined; signal?: AbortSignal } & Selection
/** Streams by how their names begin: with one of `prefixes` (left out: any) and with none of `except`. */
export type Selection = { prefixes?: readonly string[]; except?: readonly string[] }

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }
export type JsonObject = { readonly [key: string]: Json | undefined }

/** Written with every event, from the first version on. `$correlationId` and `$causationId` are EventStoreDB's own names. */
export type Metadata = {
  /** The engine's clock (ISO 8601, UTC, milliseconds), never smaller than that of the event before it in the stream. */
  at: string
  /** Who did it: `app:<app>`, `account:<uuid>`, `backend:<id>`, `cli:<name>` (who gave the command), `engine`. */
  actor: string
  /** The session's id, or for facts outside of a login the stream's own. */
  $correlationId: string
  /** The Idempotency-Key of the request, or an id derived from the event that this one follows. */
  $causationId: string
  /** HMAC-SHA-256 of the request, base64url: the same key with another request is told apart. */
  fingerprint?: string
}

export type NewEvent = { id: string; type: string; data: JsonObject; metadata: Metadata }
export type Recorded = NewEvent & { stream: string; revision: number; position: Position }

/** The stream's last event has another revision than the writer expected. Nothing was written. */
export class WrongRevision extends Error {
  readonly code = 'wrong_revision'
  constructor(stream: string, expected: Expected) {
    super(`${stream} is not at revision ${expected}`)
  }
}

/** The store is out of reach. Nothing was written. */
export class Unavailable extends Error {
  readonly code = 'log_unavailable'
}

/** No answer came: the events may have been written. Repeating the append with the same ids is safe. */
export class OutcomeUnknown extends Error {
  readonly code = 'log_outcome_unknown'
}

/** The batch is larger than `maxAppendBytes`. Nothing was written. */
export class TooLarge extends Error {
  readonly code = 'log_too_large'
}

/** The stream was sealed: its content is gone and its name is barred for ever. */
export class StreamSealed extends Error {
  readonly code = 'stream_sealed'
}

/** EventStoreDB's own limit for one append; the embedded store keeps to it, so that what runs on one runs on the other. */
export const maxAppendBytes = 1_048_576
