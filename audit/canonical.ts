/** The one way to write a JSON value down (RFC 8785, JSON Canonicalization Scheme): what is hashed must be the same bytes for everybody. */
import type { Json, Recorded } from '../eventlog/event-log.ts'

/** A value that has no canonical form: a number that JSON cannot write, or half a character. */
export class NotCanonical extends Error {
  readonly code = 'not_canonical'
}

/** @throws NotCanonical */
export function canonical(value: Json | undefined): string {
  // Strings and numbers are written by RFC 8785 as ECMAScript's JSON.stringify writes them (3.2.2.2, 3.2.2.3).
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'number':
      if (!Number.isFinite(value)) throw new NotCanonical(`${value} is no number of JSON`)
      return JSON.stringify(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? `[${value.map(canonical).join(',')}]` : record(value as Record<string, Json | undefined>)
    default:
      throw new NotCanonical(`a ${typeof value} is no value of JSON`)
  }
}

function text(value: string): string {
  // JSON.stringify would escape half a surrogate pair; RFC 8785, 3.2.2.2, has it refused.
  if (!value.isWellFormed()) throw new NotCanonical('a string with half a character')
  return JSON.stringify(value)
}

function record(value: Readonly<Record<string, Json | undefined>>): string {
  let written = ''
  // `sort` compares UTF-16 code units, as 3.2.3 wants it.
  for (const name of Object.keys(value).sort()) {
    const one = value[name]
    if (one !== undefined) written += `${written === '' ? '' : ','}${text(name)}:${canonical(one)}`
  }
  return `{${written}}`
}

/** Streams that are no leaves: keys, whose content goes when a person is forgotten, and the ledger's own. */
export const noLeaves = ['key-', 'ledger-'] as const

/** An event without what is the store's own: its position, its clock. */
export type Leaf = Omit<Recorded, 'position'>

/** The canonical form of a leaf: the line that a bundle has of it. @throws NotCanonical */
export const leafOf = ({ stream, revision, id, type, data, metadata }: Leaf): string =>
  // The names in their order, written out: this is done for every event that there is.
  `{"data":${record(data)},"id":${text(id)},"metadata":${record(metadata)},"revision":${canonical(revision)},"stream":${text(stream)},"type":${text(type)}}`
