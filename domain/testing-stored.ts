/**
 * What holds for every stored shape, with the golden JSON that lies beside its schema: what one release has written, every later one
 * reads. A golden is never edited: a new shape gets a new name and a golden of its own, and a shape that was given optional fields another
 * golden, `<type>~2.json`, beside the one without them.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseFact, UnknownEvent, type Privacy } from './event.ts'

type Golden = { id: string; type: string; data: Record<string, unknown>; metadata: { at: string } }
type Field = { path: string; privacy: Privacy | undefined; value: unknown }

/** `folder`: holds `<type>.json` for every key of `schemas`. */
export function describeStored(schemas: Record<string, z.ZodObject>, folder: URL): void {
  const names = readdirSync(folder).map((file) => file.replace(/\.json$/, '')).toSorted()
  const typeOf = (name: string): string => name.replace(/~\d+$/, '')
  const read = (name: string): Golden => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Golden

  test('Every stored shape has a golden, and every golden a shape', () => {
    expect([...new Set(names.map(typeOf))].toSorted()).toEqual(Object.keys(schemas).toSorted())
  })

  test.each(names)('%s is read as it was written, nothing left out', (name) => {
    const { type, data, metadata } = read(name)
    const fact = parseFact(schemas, { type, data, metadata })
    expect([fact.type, fact.at]).toEqual([typeOf(name), metadata.at])
    expect(JSON.stringify(fact.data)).toBe(JSON.stringify(data))
  })

  describe.each(Object.entries(schemas))('%s', (type, schema) => {
    const newest = names.findLast((name) => typeOf(name) === type) ?? type
    const golden = read(newest)
    const { data, metadata } = golden
    const parsed = (changed: unknown) => parseFact(schemas, { type, data: changed, metadata })

    test('has a golden with every field', () => {
      expect(Object.keys(data)).toEqual(Object.keys(schema.shape))
    })

    test('is read with fields that a later release added', () => {
      expect(JSON.stringify(parsed({ ...data, addedLater: { deep: [1] } }).data)).toBe(JSON.stringify(data))
    })

    test('is not read in another shape', () => {
      const oneFieldWrong = Object.keys(data).map((field) => ({ ...data, [field]: [[]] }))
      for (const wrong of [null, [], 'text', ...oneFieldWrong]) expect(() => parsed(wrong)).toThrow(UnknownEvent)
    })

    test('is not read as a type that nobody knows', () => {
      for (const unknown of [`${type}.v0`, type.toLowerCase(), 'toString', '__proto__']) {
        expect(() => parseFact(schemas, { ...golden, type: unknown })).toThrow(UnknownEvent)
      }
    })

    test('says what it means, and of every field who can read it', () => {
      expect(schema.description).toMatch(/^[A-Z].{20,}\.$/)
      const readers = { clear: undefined, 'sealed by account': 'a1', 'sealed by period': 'p1' }
      for (const { path, privacy, value } of fieldsOf(schema, data)) {
        expect([path, privacy]).toEqual([path, expect.stringMatching(/^(clear|sealed by (account|period))$/)])
        expect([path, /^[ap]1(?=\.)/.exec(String(value))?.[0]]).toEqual([path, readers[privacy as Privacy]])
      }
    })
  })
}

/** The fields down to the first one that carries a mark: what is inside of it shares its mark. */
function fieldsOf(schema: unknown, value: unknown, path = ''): Field[] {
  const privacy = z.globalRegistry.get(schema as z.ZodType)?.['privacy'] as Privacy | undefined
  if (privacy) return [{ path, privacy, value }]
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return fieldsOf(schema.unwrap(), value, path)
  if (schema instanceof z.ZodArray) return (value as unknown[]).flatMap((one, index) => fieldsOf(schema.element, one, `${path}[${index}]`))
  if (!(schema instanceof z.ZodObject)) return [{ path, privacy, value }]
  return Object.entries(schema.shape).flatMap(([name, field]) => fieldsOf(field, (value as Record<string, unknown>)[name], `${path}.${name}`))
}
