/** How stored events are described: one schema per stored shape, a sentence that says what it means, and for every field who can read it. */
import { z } from 'zod'

/** A value that only the vault can open. The rules carry it and never look inside. */
export const Sealed = z.string().brand<'Sealed'>()
export type Sealed = z.infer<typeof Sealed>

export type Privacy = 'clear' | 'sealed by account' | 'sealed by period'

/** Readable by whoever reads the log: says nothing about who the person is. */
export const clear = <S extends z.ZodType>(schema: S): S => schema.meta({ privacy: 'clear' satisfies Privacy })
/** Gone when the person is forgotten. */
export const sealedByAccount = Sealed.meta({ privacy: 'sealed by account' satisfies Privacy })
/** Gone when the period's key is dropped, or the person is forgotten, whichever comes first. */
export const sealedByPeriod = Sealed.meta({ privacy: 'sealed by period' satisfies Privacy })

/** One stored shape. `meaning` says what the event means, and what it does not imply. */
export const event = <S extends z.ZodRawShape>(meaning: string, fields: S) => z.object(fields).describe(meaning)

export const Instant = z.iso.datetime()
export const Base64Url = z.base64url()

type Schemas = Record<string, z.ZodObject>
export type EventOf<S extends Schemas> = { [T in keyof S & string]: { type: T; data: z.infer<S[T]> } }[keyof S & string]
/** An event with the time at which it became a fact (ISO 8601). */
export type Fact<E> = E & { at: string }

/** A stored event of a type, or in a shape, that this release does not know: the stream stops, the engine goes on. */
export class UnknownEvent extends Error {
  readonly code = 'unknown_event'
}

/** Every stored event is parsed on read. @throws UnknownEvent */
export function parseFact<S extends Schemas>(schemas: S, stored: { type: string; data: unknown; metadata: { at: string } }): Fact<EventOf<S>> {
  const schema = Object.hasOwn(schemas, stored.type) ? schemas[stored.type] : undefined
  if (!schema) throw new UnknownEvent(`unknown event type ${stored.type}`)
  const parsed = schema.safeParse(stored.data)
  if (!parsed.success) throw new UnknownEvent(`${stored.type} has an unknown shape: ${z.prettifyError(parsed.error)}`)
  return { type: stored.type, data: parsed.data, at: stored.metadata.at } as Fact<EventOf<S>>
}
