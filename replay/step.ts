/** One step of a timeline: what was written, what it means, and what the domain's own fold makes of it. */
import { meaningOf, sealedIn, type EventType, type SealedPlace } from '../domain/all-events.ts'
import type { Fact } from '../domain/event.ts'
import type { EventLog, JsonObject, Metadata, Recorded } from '../eventlog/event-log.ts'
import { changesBetween, type Changed } from './changes.ts'
import { tell, type Told } from './tellings.ts'

/** As it was stored: what stands here is the leaf of the ledger, to the letter. */
export type StoredEvent = { stream: string; revision: number; id: string; type: string; data: JsonObject; metadata: Metadata }
export type State = Record<string, unknown>

export type Step = Told & {
  /** ISO 8601, by the engine's clock. */
  at: string
  actor: string
  /** What the event means, and what it does not imply. */
  meaning: string
  /** Of the stream that the event is of, sealed values hidden; `before` is null where the stream begins. */
  before: State | null
  after: State
  changed: Changed[]
  /** What was legal next in the login. Null for the step of an account: it has no order. */
  next: string[] | null
  sealed: SealedPlace[]
  event: StoredEvent
}

/** What a stream's events are folded by, and what is legal after each. */
export type Folding<S extends object, E> = { evolve(state: S | undefined, fact: Fact<E>): S; parse(recorded: Recorded): Fact<E>; next?(state: S, at: string): string[] }

/** The steps of one stream, with the state that each led to. @throws UnknownEvent, Unavailable */
export async function* stepsOf<S extends object, E>(log: EventLog, stream: string, { evolve, parse, next }: Folding<S, E>): AsyncGenerator<{ step: Step; state: S }> {
  const hidden = new Set<string>()
  let state: S | undefined
  let before: State | null = null
  for await (const recorded of log.read(stream)) {
    state = evolve(state, parse(recorded))
    const sealed = sealedIn(recorded)
    for (const { value } of sealed) hidden.add(value)
    const after = hide(state, hidden) as State
    const { revision, id, type, data, metadata } = recorded
    const step: Step = {
      at: metadata.at,
      actor: metadata.actor,
      ...tell(recorded),
      meaning: meaningOf(type as EventType),
      before,
      after,
      // Of an account's state: which event this is says as much.
      changed: before === null ? [] : changesBetween(before, after).filter(({ field }) => field !== 'revision'),
      next: next?.(state, metadata.at) ?? null,
      sealed: sealed.map(({ field, under, opens }) => ({ field, under, opens })),
      event: { stream, revision, id, type, data, metadata },
    }
    yield { step, state }
    before = after
  }
}

/** The values that the stream has sealed are known from its schemas: what is clear and looks like one stays. */
export function hide(state: unknown, sealed: ReadonlySet<string>): unknown {
  if (typeof state === 'string') return sealed.has(state) ? 'sealed' : state
  if (Array.isArray(state)) return state.map((one) => hide(one, sealed))
  if (typeof state !== 'object' || state === null) return state
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [name, hide(value, sealed)]))
}
