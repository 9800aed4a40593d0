/** What must hold of every event, whatever was signed of it: it can be read, its stream goes on from where it was, and time does not go back in it. */
import type { z } from 'zod'
import type { Leaf } from './canonical.ts'

export type Schemas = Readonly<Record<string, z.ZodObject>>
/** An event whose data its schema has parsed. */
export type Parsed = { schema: z.ZodObject; data: unknown }
export type Fault = { stream: string; revision: number; reason: string }

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** What can be said of the event alone: parsed, or why it is not. @param schemas undefined for a stream of no kind that is known */
export function parseStored(schemas: Schemas | undefined, { type, data, metadata: { at } }: Leaf): Parsed | string {
  if (typeof at !== 'string' || !instant.test(at)) return 'it does not say when it was written'
  if (schemas === undefined) return 'no stream of this name is known: a newer release has written it, or somebody else'
  const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined
  if (schema === undefined) return `its type, ${type}, is not known: a newer release has written it, or somebody else`
  const parsed = schema.safeParse(data)
  if (!parsed.success) return `it is no ${type}: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`
  return { schema, data: parsed.data }
}

type Looked = { stream: string; revision: number; metadata: { at: string }; reason: string | undefined }

/** Takes events in log order, each with what is wrong with it alone. It keeps a place and a time for each stream, and nothing for an event. */
export function createExamination() {
  const heads = new Map<string, { revision: number; at: string }>()
  let first: Fault | undefined
  let faults = 0
  let events = 0

  const found = (fault: Fault): void => {
    first ??= fault
    faults += 1
  }

  return {
    look({ stream, revision, metadata: { at }, reason }: Looked): void {
      events += 1
      const head = heads.get(stream)
      // What was wrapped under an older master key may be gone from a key's stream, so it may begin later; no other does.
      if (head === undefined ? revision !== 0 && !stream.startsWith('key-') : revision !== head.revision + 1) found({ stream, revision, reason: 'the revisions of the stream have a gap here' })
      if (head === undefined) heads.set(stream, { revision, at })
      else {
        head.revision = revision
        if (at >= head.at) head.at = at
        else found({ stream, revision, reason: `it was written at ${at}, before the event that precedes it in its stream (${head.at})` })
      }
      if (reason !== undefined) found({ stream, revision, reason })
    },
    /** Something that is not seen at one event alone. */
    found,
    /** `first`: of so many faults, in the order in which they were seen. */
    result: () => ({ events, streams: heads.size, faults, first }),
  }
}
