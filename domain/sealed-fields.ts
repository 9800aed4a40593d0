/** Which fields of a stored event only the vault can open, by the marks of its schema: what a clear field holds may look like a sealed value. */
import { z } from 'zod'
import type { Privacy, Sealed } from './event.ts'

/** `path`: names of fields and places in lists, from the event's data on. */
export type SealedField = { path: readonly (string | number)[]; privacy: Exclude<Privacy, 'clear'>; value: Sealed }

/** Of data that the schema has parsed. */
export function sealedFields(schema: z.ZodType, data: unknown, path: readonly (string | number)[] = []): SealedField[] {
  if (data === undefined || data === null) return []
  const privacy = z.globalRegistry.get(schema)?.['privacy'] as Privacy | undefined
  if (privacy === 'clear') return []
  if (privacy) return [{ path, privacy, value: data as Sealed }]
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return sealedFields(schema.unwrap() as z.ZodType, data, path)
  if (schema instanceof z.ZodArray) return (data as unknown[]).flatMap((one, index) => sealedFields(schema.element as z.ZodType, one, [...path, index]))
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape).flatMap(([name, field]) => sealedFields(field as z.ZodType, (data as Record<string, unknown>)[name], [...path, name]))
}
