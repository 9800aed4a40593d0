/** Given these events, then this row: for the tests of projections that are one fold. */
import type { Recorded } from '../eventlog/event-log.ts'
import type { Projection } from './projection.ts'

type Event = { type: string; data: object }

/** The time of the n-th event. */
export const at = (n: number): string => new Date(Date.parse('2026-03-02T08:00:00.000Z') + n * 1000).toISOString()

export const recorded = (stream: string, events: readonly Event[]): Recorded[] =>
  events.map(({ type, data }, revision) => ({
    id: '00000000-0000-4000-8000-000000000000',
    stream,
    revision,
    position: String(revision),
    type,
    data: data as Recorded['data'],
    metadata: { at: at(revision), actor: 'engine', $correlationId: 'x', $causationId: 'x' },
  }))

/** Through JSON after each event, as between two batches. */
export const rowOf = <Row extends object>(projection: Projection<Row>, stream: string, ...events: Event[]): Row =>
  recorded(stream, events).reduce<Row>((row, event) => JSON.parse(JSON.stringify(projection.evolve(row, event))), projection.initial(stream))
