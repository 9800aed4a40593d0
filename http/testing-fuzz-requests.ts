/**
 * One request to come, as choices: which operation, and what is wrong with its body, key, token, path and headers. Most are right in all but one,
 * so that what stands behind the checks is reached. Ids, tokens and good bodies are put in when it is sent, by whoever it then is.
 */
import fc from 'fast-check'
import openApi from '../mobile-contracts/openapi.json' with { type: 'json' }
import { operations, type Operation } from '../mobile-contracts/operations.ts'
import { hostileText, hostileValue, mutation, valueOf, type Mutation } from './testing-fuzz-values.ts'
import { encoded, wire, type Wire } from './testing-fuzz-wire.ts'

export type Draft = {
  /** `forward`: what the app would do next, rightly; `next`: one of the legal actions; otherwise any operation. */
  operation: 'forward' | 'next' | Operation
  pick: number
  body: { way: 'right' } | { way: 'mutated'; mutations: Mutation[] } | { way: 'value'; value: unknown }
  wire: Wire
  key: 'fresh' | 'used' | 'none' | 'short' | 'long' | 'spaced' | 'quoted' | 'latin' | 'half quoted' | 'listed'
  token: 'right' | 'none' | 'anybody' | 'flow' | 'access' | 'backend' | 'refresh' | 'unsigned' | 'bent' | 'long' | 'twice' | 'basic' | 'lower case' | 'hostile'
  path: 'right' | 'anybody' | 'unknown' | 'upper' | 'hostile' | 'bent'
  method: 'right' | string
  query: string
  contentType: 'right' | 'none' | string
  headers: Record<string, string>
  text: string
}

/** What the sender has. `ids`: by the parameter's name; `any`: of somebody else. */
export type Sender = {
  right: unknown
  ids: Record<string, string>
  query: string
  any: { id: string; token: string }
  tokens: Record<'right' | 'flow' | 'access' | 'backend' | 'refresh', string>
  key: string
  usedKey: string
}

const mostly = <const T>(usual: T, weight: number, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })

const paths = openApi.paths as unknown as Record<string, Record<string, { requestBody?: { content: { 'application/json': { schema: object } } } }>>
const schemaOf = ({ method, path }: Operation): object | undefined => paths[path]?.[method.toLowerCase()]?.requestBody?.content['application/json'].schema

const mutated: fc.Arbitrary<Draft['body']> = fc.array(mutation, { minLength: 1, maxLength: 3 }).map((mutations) => ({ way: 'mutated', mutations }))
const right: fc.Arbitrary<Draft['body']> = fc.constant({ way: 'right' })
const made = (schema: object | undefined): fc.Arbitrary<Draft['body']> => (schema ? valueOf(schema) : hostileValue).map((value) => ({ way: 'value', value }))

const types = [
  'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'application/json; charset=utf-16', 'APPLICATION/JSON',
  'application/json;', ' application/json', 'application/json, text/html', 'none', '', 'application/json; charset="',
]
const latin = (text: string): string => text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').trim()
const many = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-h${n}`, 'v']))
const headers: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 14, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Record<string, string>>(
      many(300), { 'user-agent': 'x'.repeat(20_000) }, { 'user-agent': '\xff\xfe\t"' }, { 'x-forwarded-for': '192.0.2.7, ::1, <script>' }, { 'forwarded': 'for="_x";host=evil.example' },
      { 'host': 'evil.example' }, { 'origin': 'https://evil.example' }, { 'x-http-method-override': 'DELETE' }, { 'content-encoding': 'gzip' }, { 'content-encoding': 'br, br, br' },
      { 'content-length': '0' }, { 'content-length': '-1' }, { 'content-length': '1e9' }, { 'content-length': '99999999999999999999' }, { 'content-length': '3' }, { 'content-length': 'x' },
      { 'transfer-encoding': 'chunked', 'content-length': '5' }, { 'expect': 'x' }, { 'range': 'bytes=0-1' }, { 'if-none-match': '*' }, { 'accept': 'text/html;q=9' }, { 'cookie': 'a=b; '.repeat(2_000) },
      { 'traceparent': '00-' + 'f'.repeat(32) + '-zz' }, { 'upgrade': 'websocket', 'connection': 'upgrade' }, { 'access-control-request-method': 'POST', 'origin': 'null' },
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('user-agent', 'x-forwarded-for', 'accept-language', 'x-request-id', 'traceparent', 'host'), hostileText).map(([name, text]) => ({ [name]: latin(text) })) },
)
const queries = [
  'revision=0', 'revision=3', 'revision=-1', 'revision=9007199254740993', 'revision=NaN', 'revision=1e308', 'revision=0x5', 'revision=', 'revision=1&revision=2', 'revision[]=1', 'everywhere=true',
  'everywhere=1', '%00=%ff', '__proto__[x]=1', 'a='.repeat(2_000), '?', '%', 'revision=%E0%A4%A',
]

const choices = (schema: object | undefined, wayRight: number) => ({
  pick: fc.nat(1_000_000),
  body: fc.oneof({ weight: wayRight, arbitrary: right }, { weight: 6, arbitrary: mutated }, { weight: 3, arbitrary: made(schema) }, { weight: 1, arbitrary: hostileValue.map((value) => ({ way: 'value', value }) as const) }),
  wire,
  key: mostly<Draft['key']>('fresh', 30, 'used', 'used', 'none', 'short', 'long', 'spaced', 'quoted', 'latin', 'half quoted', 'listed'),
  token: mostly<Draft['token']>('right', 25, 'none', 'anybody', 'flow', 'access', 'backend', 'refresh', 'unsigned', 'bent', 'long', 'twice', 'basic', 'lower case', 'hostile'),
  path: mostly<Draft['path']>('right', 25, 'anybody', 'unknown', 'upper', 'hostile', 'bent'),
  method: mostly<string>('right', 40, 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'QUERY', 'x'),
  query: mostly<string>('', 20, ...queries),
  contentType: mostly<string>('right', 40, ...types),
  headers,
  text: hostileText,
})
const draftOf = (operation: Draft['operation'], schema?: object): fc.Arbitrary<Draft> => fc.record({ operation: fc.constant(operation), ...choices(schema, 4) })
const forward: fc.Arbitrary<Draft> = fc.record({
  operation: fc.constant('forward'), ...choices(undefined, 1),
  body: right, wire: fc.record({ kind: fc.constant('plain'), at: fc.constant(0), bytes: fc.constant(new Uint8Array()) }), key: fc.constant('fresh'), token: fc.constant('right'), path: fc.constant('right'),
  method: fc.constant('right'), query: fc.constant(''), contentType: fc.constant('right'), headers: fc.constant({}),
})

/** Documents are long, and the same for everybody. */
const weightOf = ({ id }: Operation): number => (id === 'getOpenApi' || id === 'getReference' ? 6 : 20)

export const drafts: fc.Arbitrary<Draft> = fc.oneof(
  { weight: 35, arbitrary: forward },
  { weight: 25, arbitrary: draftOf('next') },
  { weight: 40, arbitrary: fc.oneof(...operations.map((operation) => ({ weight: weightOf(operation), arbitrary: draftOf(operation, schemaOf(operation)) }))) },
)

const tokenOf = ({ token, pick, text }: Draft, { tokens, any }: Sender): string | undefined => {
  const bearer = (value: string): string => `Bearer ${value}`
  switch (token) {
    case 'right': case 'flow': case 'access': case 'backend': case 'refresh': return bearer(tokens[token])
    case 'none': return undefined
    case 'anybody': return bearer(any.token)
    case 'unsigned': return bearer(`${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${tokens.access.split('.')[1] ?? 'e30'}.`)
    case 'bent': return bearer(tokens.right.slice(0, pick % (tokens.right.length + 1)) + 'A' + tokens.right.slice(1 + (pick % (tokens.right.length + 1))))
    case 'long': return bearer('x'.repeat(pick % 2 === 0 ? 4_096 : 4_097))
    case 'twice': return `${bearer(tokens.right)}, ${bearer(tokens.right)}`
    case 'basic': return `Basic ${tokens.right}`
    case 'lower case': return `bearer ${tokens.right}`
    case 'hostile': return latin(bearer(text))
  }
}

const keyOf = ({ key, pick }: Draft, sender: Sender): string | undefined => {
  switch (key) {
    case 'fresh': return sender.key
    case 'used': return sender.usedKey
    case 'none': return undefined
    case 'short': return sender.key.slice(0, pick % 22)
    case 'long': return sender.key.padEnd(129, 'x')
    case 'spaced': return `${sender.key} ${sender.key}`
    case 'quoted': return `"${sender.key}"`
    case 'latin': return `${sender.key}\xe9`
    case 'half quoted': return `"${sender.key}`
    case 'listed': return `${sender.key}, ${sender.key}`
  }
}

const bent = ['..%2F..%2Fkey-1', '%2e%2e', '%00', '%E0%A4%A', '%F0%9F%98%80', '__proto__', 'constructor', 'x'.repeat(5_000), '%0d%0aSet-Cookie:%20a=b', ';', '%25', '*', ':id', 'null', '%5c', ' ', '', '%2F']
function pathOf({ path, pick, text, query: other }: Draft, operation: Operation, { ids, query: usual, any }: Sender): string {
  const query = other === '' ? usual : other
  const right = operation.path.replaceAll(/{(\w+)}/g, (_, name: string) => {
    const id = ids[name] ?? 'x'
    if (path === 'anybody') return any.id
    if (path === 'unknown') return `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`
    if (path === 'upper') return id.toUpperCase()
    if (path === 'bent') return bent[pick % bent.length] as string
    return path === 'hostile' ? encodeURIComponent(text.toWellFormed()) : id
  })
  const spoiled = path !== 'bent' || operation.path.includes('{') ? right : [`${right}/`, `/${right}`, `${right}%00`, `${right}/..`, right.replace('v1', 'V1'), right.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`)][pick % 6]
  return query === '' ? (spoiled as string) : `${spoiled}?${query}`
}

/** `body`: as it was meant, before it became bytes. */
export type Fuzzed = { operation: Operation; request: Request; body: unknown }

export function requestOf(draft: Draft, operation: Operation, body: unknown, sender: Sender): Fuzzed {
  const [token, key] = [tokenOf(draft, sender), keyOf(draft, sender)]
  const method = draft.method === 'right' ? operation.method : draft.method
  const bytes = method === 'GET' || method === 'HEAD' ? undefined : encoded(body, draft.wire)
  const type = draft.contentType === 'right' ? (bytes && 'application/json') : draft.contentType === 'none' ? undefined : draft.contentType
  const headers = {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(key === undefined || (!operation.keyed && draft.key === 'fresh') ? {} : { 'idempotency-key': key }),
    ...(token === undefined ? {} : { authorization: token }),
    ...draft.headers,
  }
  const request = new Request(`http://localhost${pathOf(draft, operation, sender)}`, { method, headers, ...(bytes === undefined ? {} : { body: bytes, duplex: 'half' }) })
  return { operation, request, body }
}
