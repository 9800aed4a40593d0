/** Values that no honest client sends, and values as `openapi.json` describes them. */
import fc from 'fast-check'
import openApi from '../mobile-contracts/openapi.json' with { type: 'json' }

/** Part of what is sent; no error may quote it. */
export const marker = 'hostile-7f3a'

const texts = [
  '', ' ', '\0', 'a\0b', '\ud800', 'x\udfff', '\ufeff', '\u202e', '\r\nSet-Cookie: a=b', '\n{"level":"info"}', '../../etc/passwd', '${jndi:ldap://x}', "'; drop table sessions; --",
  '<script>alert(1)</script>', '%00', '%s%n', '\u0130', '\ufdfa'.repeat(20), 'e\u0301'.repeat(200), '\u{1f469}\u200d\u{1f4bb}'.repeat(30), '__proto__', 'constructor', 'toString', 'null', 'NaN', '1e400',
  '$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAA$AAAA', '$2b$31$' + 'a'.repeat(53), '$scrypt$ln=63,r=8,p=1$AAAA$AAAA', '$pbkdf2-sha256$i=4294967295$AAAA$AAAA',
  'ada@example.com', `${marker}@example.com`, '+43 660 1234567', '+' + '9'.repeat(24), 'a@' + 'b.'.repeat(120) + 'c', 'eyJhbGciOiJub25lIn0.e30.', marker, 'x'.repeat(64), 'x'.repeat(1025), 'x'.repeat(20_000),
]
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...texts) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
)
const numbers = [0, -0, -1, 1, 0.1, 255, 256, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53) - 2, 1e308, 5e-324]
const nested = (depth: number): unknown => (depth === 0 ? [] : depth % 2 === 0 ? [nested(depth - 1)] : { a: nested(depth - 1) })
const own = (key: string, value: unknown): unknown => JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`)

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(...numbers) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { id: null }, { length: 1e9 }, nested(20), nested(40)) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(own('__proto__', { admin: true }), own('constructor', { prototype: { admin: true } }), own('toJSON', 1), own('then', 1), own('__proto__', null)) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(Array(5_000).fill(0), Array(200).fill({}), Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`k${n}`, n]))) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
)

const plainText = fc.string({ maxLength: 64 })

type Schema = { [keyword: string]: any }
const named = openApi.components.schemas as unknown as Record<string, Schema>

/** What the schema allows, and now and then, in a place of it, what it may not. */
export function valueOf(schema: Schema, hostility = 20): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: hostility, arbitrary: honest(schema, hostility) }, { weight: 1, arbitrary: hostileValue })
}

function honest(schema: Schema, hostility: number): fc.Arbitrary<unknown> {
  const { $ref, anyOf, enum: words, type, format, pattern, items, minItems = 0, maxItems = 8, properties = {}, required = [] } = schema
  if ($ref) return honest(named[$ref.split('/').at(-1)] as Schema, hostility)
  if (anyOf) return fc.oneof(...anyOf.map((one: Schema) => honest(one, hostility)))
  if (words) return fc.constantFrom(...words)
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer') return fc.nat(20)
  if (type === 'array') return fc.array(valueOf(items, hostility), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 4) })
  if (type === 'object' && schema['additionalProperties']) return fc.dictionary(fc.oneof(fc.constantFrom('id', 'rawId', 'type', 'response'), hostileText), hostileValue, { maxKeys: 5 })
  if (type === 'object') {
    const fields = Object.entries<Schema>(properties).map(([name, one]) => [name, valueOf(one, hostility)])
    return fc.record(Object.fromEntries(fields), { requiredKeys: required, noNullPrototype: true })
  }
  if (format === 'uuid') return fc.uuid()
  if (pattern) return fc.stringMatching(new RegExp(pattern)).map((text) => text.padEnd(schema['minLength'] ?? 0, 'A').slice(0, schema['maxLength']))
  if (type === 'string') return plainText.map((text) => text.padEnd(schema['minLength'] ?? 0, 'x').slice(0, schema['maxLength']))
  throw new TypeError(`no value is known for ${JSON.stringify(schema)}`)
}

/** How a good body is spoiled; `at` chooses the place. */
export type Mutation = { kind: 'drop' | 'replace' | 'add' | 'swap' | 'wrap' | 'stretch' | 'flip'; at: number; value: unknown; key: string }
export const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom<Mutation['kind']>('drop', 'replace', 'replace', 'add', 'swap', 'wrap', 'stretch', 'flip'),
  at: fc.nat(10_000),
  value: hostileValue,
  key: fc.oneof(fc.constantFrom('__proto__', 'constructor', 'admin', 'account', 'toJSON'), hostileText),
})

type Place = { of: Record<string, unknown>; key: string }

export function mutate(body: unknown, mutations: readonly Mutation[]): unknown {
  const root = { of: structuredClone({ body }) as Record<string, unknown>, key: 'body' }
  for (const { kind, at, value: drawn, key } of mutations) {
    const value: unknown = structuredClone(drawn)
    const places = placesIn(root)
    const { of, key: here } = places[at % places.length] as Place
    const was = of[here]
    if (kind === 'drop') delete of[here]
    else if (kind === 'add' && isContainer(was)) Object.defineProperty(was, Array.isArray(was) ? String(was.length) : key, { value, enumerable: true, configurable: true, writable: true })
    else if (kind === 'wrap') of[here] = at % 2 === 0 ? [was] : { [here]: was }
    else if (kind === 'stretch' && typeof was === 'string') of[here] = was.repeat(1 + (at % 50)) + (at % 3 === 0 ? '=' : '')
    else if (kind === 'flip' && typeof was === 'string' && was.length > 0) of[here] = flipped(was, at)
    else if (kind === 'swap') {
      const other = places[(at * 7 + 3) % places.length] as Place
      of[here] = structuredClone(other.of[other.key])
    } else of[here] = value
  }
  return root.of['body']
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const placesIn = (place: Place): Place[] => {
  const value = place.of[place.key]
  return [place, ...(isContainer(value) ? Object.keys(value).slice(0, 40).flatMap((key) => placesIn({ of: value, key })) : [])]
}
function flipped(text: string, at: number): string {
  const index = at % text.length
  return text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ (1 << at % 6)) + text.slice(index + 1)
}
