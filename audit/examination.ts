/** What must hold of every event, whatever was signed of it: it can be read, its stream goes on from where it was, and time does not go back in it. */
import type { z } from 'zod'
import type { Leaf } from './canonical.ts'

export type Schemas = Readonly<Record<string, z.ZodObject>>
/** An event whose data its schema has parsed. */
export type Examined = { event: Leaf; schema: z.ZodObject; data: unknown }
/** The first of so many. */
export type Fault = { stream: string; revision: number; reason: string }

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/**
 * Takes events in log order. It keeps a place and a time for each stream, and nothing for an event.
 * @param schemasOf undefined for a stream of no kind that is known
 */
export function createExamination(schemasOf: (stream: string) => Schemas | undefined, onGood: (examined: Examined) => void = () => {}) {
  const heads = new Map<string, { revision: number; at: string }>()
  const types = new Map<string, number>()
  let first: Fault | undefined
  let faults = 0
  let events = 0

  const found = ({ stream, revision }: Leaf, reason: string): void => {
    first ??= { stream, revision, reason }
    faults += 1
  }

  return {
    look(event: Leaf): void {
      const { stream, revision, type, data, metadata } = event
      events += 1
      types.set(type, (types.get(type) ?? 0) + 1)
      const { at } = metadata
      if (typeof at !== 'string' || !instant.test(at)) return found(event, 'it does not say when it was written')
      const head = heads.get(stream)
      if (head === undefined) heads.set(stream, { revision, at })
      // What was wrapped under an older master key may be gone from a key's stream, so it may begin later; no other does.
      if (head === undefined ? revision !== 0 && !stream.startsWith('key-') : revision !== head.revision + 1) found(event, 'the revisions of the stream have a gap here')
      if (head !== undefined) {
        if (at < head.at) found(event, `it was written at ${at}, before the event that precedes it in its stream (${head.at})`)
        head.revision = revision
        if (at > head.at) head.at = at
      }
      const schemas = schemasOf(stream)
      if (schemas === undefined) return found(event, 'no stream of this name is known: a newer release has written it, or somebody else')
      const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined
      if (schema === undefined) return found(event, `its type, ${type}, is not known: a newer release has written it, or somebody else`)
      const parsed = schema.safeParse(data)
      if (!parsed.success) return found(event, `it is no ${type}: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
      onGood({ event, schema, data: parsed.data })
    },
    /** Something that is not seen at one event alone. */
    found: (fault: Fault): void => {
      first ??= fault
      faults += 1
    },
    result: () => ({ events, streams: heads.size, faults, first, types }),
  }
}
