/** Holds an event against the part of OCSF's schema that lies beside: no attribute that it does not have, none missing that it requires, every number one that it knows. */
import { readFileSync } from 'node:fs'

type Attribute = { type?: string; object?: string; array?: true; required?: true; enum?: Record<string, string> }
type Shape = { attributes: Record<string, Attribute>; constraints?: { at_least_one?: string[] } }
type Schema = { version: string; types: Record<string, { type?: string; regex?: string; max_len?: number; range?: [number, number] }>; classes: Record<string, Shape & { uid: number; caption: string }>; objects: Record<string, Shape> }

const schema = JSON.parse(readFileSync(new URL('./ocsf-1.8.0.json', import.meta.url), 'utf8')) as Schema

const kinds: Record<string, (value: unknown) => boolean> = {
  boolean_t: (value) => typeof value === 'boolean',
  integer_t: (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
  long_t: (value) => Number.isSafeInteger(value),
  string_t: (value) => typeof value === 'string',
}

/** What is wrong, by path; empty where nothing is. */
export function faultsOf(event: Record<string, unknown>): string[] {
  const shape = Object.values(schema.classes).find(({ uid }) => uid === event['class_uid'])
  if (!shape) return ['class_uid: no class of the feed']
  const faults = objectFaults(event, shape, '')
  if (event['type_uid'] !== shape.uid * 100 + Number(event['activity_id'])) faults.push('type_uid: not that of class and activity')
  if ((event['metadata'] as Record<string, unknown> | undefined)?.['version'] !== schema.version) faults.push('metadata.version: another one')
  // Siblings: the caption of the number, unless it is 99, which has its own.
  for (const [id, name] of [['activity_id', 'activity_name'], ['status_id', 'status'], ['severity_id', 'severity']] as const) {
    const caption = shape.attributes[id]?.enum?.[String(event[id])]
    if (event[id] !== 99 && event[name] !== caption) faults.push(`${name}: ${String(event[name])} is not ${caption}`)
  }
  return faults
}

function objectFaults(value: Record<string, unknown>, { attributes, constraints }: Shape, path: string): string[] {
  const unknown = Object.keys(value).flatMap((name) => (name in attributes ? [] : [`${path}${name}: not an attribute`]))
  const missing = Object.entries(attributes).flatMap(([name, { required }]) => (required && value[name] === undefined ? [`${path}${name}: is required`] : []))
  const anyOf = constraints?.at_least_one
  const lacking = anyOf && !anyOf.some((name) => value[name] !== undefined) ? [`${path}: one of ${anyOf.join(', ')}`] : []
  const wrong = Object.entries(value).flatMap(([name, one]) => (attributes[name] ? valueFaults(one, attributes[name], `${path}${name}`) : []))
  return [...unknown, ...missing, ...lacking, ...wrong]
}

function valueFaults(value: unknown, attribute: Attribute, path: string): string[] {
  if (attribute.array) return Array.isArray(value) ? value.flatMap((one, n) => valueFaults(one, { ...attribute, array: undefined as never }, `${path}[${n}]`)) : [`${path}: not a list`]
  if (attribute.object !== undefined) {
    const shape = schema.objects[attribute.object]
    if (!shape) return [`${path}: ${attribute.object} is not in the part of the schema that lies here`]
    return typeof value === 'object' && value !== null ? objectFaults(value as Record<string, unknown>, shape, `${path}.`) : [`${path}: not an object`]
  }
  const { type: name = '', enum: numbers } = attribute
  const { type: base = name, regex, max_len: longest = Infinity, range = [-Infinity, Infinity] } = schema.types[name] ?? {}
  if (!kinds[base]?.(value)) return [`${path}: not a ${name}`]
  if (numbers && !(String(value) in numbers)) return [`${path}: ${String(value)} is not known`]
  if (typeof value === 'string' && (value.length > longest || (regex !== undefined && !new RegExp(regex).test(value)))) return [`${path}: no ${name}`]
  return typeof value === 'number' && (value < range[0] || value > range[1]) ? [`${path}: out of range`] : []
}
