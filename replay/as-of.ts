/** A moment in the past that is looked back from: a revision of the stream, or a time. */
export type AsOf = { revision: number } | { time: string }

/** There is no such moment. */
export class BadAsOf extends Error {
  readonly code = 'bad_as_of'
}

/** @throws BadAsOf */
export function readAsOf(text: string): AsOf {
  if (/^\d{1,9}$/.test(text)) return { revision: Number(text) }
  const time = new Date(text)
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text) || Number.isNaN(time.getTime())) {
    throw new BadAsOf('must be a revision such as 7, a day such as 2026-11-02 or a moment such as 2026-11-02T08:00:00Z')
  }
  // A day is looked back from at its end.
  return { time: text.includes('T') ? time.toISOString() : `${text}T23:59:59.999Z` }
}

/** Whether the step had been taken by then. */
export const isBy = (asOf: AsOf | undefined, { revision, at }: { revision: number; at: string }): boolean =>
  asOf === undefined || ('revision' in asOf ? revision <= asOf.revision : at <= asOf.time)
