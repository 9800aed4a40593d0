/** The API as an OpenAPI 3.1 document, made of the schemas that `http/` parses with. `npm run openapi` writes it to `openapi.json`. */
import { z } from 'zod'
import * as vocabulary from '../domain/session/vocabulary.ts'
import * as adoption from './adoption.ts'
import * as answers from './answers.ts'
import * as audit from './audit.ts'
import { operations, type Answer, type Authorization, type Operation } from './operations.ts'
import * as published from './published.ts'
import * as requests from './requests.ts'

/** Status and title of each problem code. */
export type Problems = Readonly<Record<string, readonly [status: number, title: string]>>
type Json = { [key: string]: any }
type Io = 'input' | 'output'

/** Every schema that is exported has its name in the document. */
const named = z.registry<{ id: string }>()
for (const [name, schema] of [vocabulary, answers, adoption, audit, published, requests].flatMap((module) => Object.entries<unknown>(module))) {
  if (schema instanceof z.ZodType) named.add(schema, { id: name })
}

export function openApiDocument(problems: Problems) {
  const paths: Record<string, Json> = {}
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method.toLowerCase()] = operationObject(operation, problems)
  return {
    openapi: '3.1.1',
    info: {
      title: 'Keyledger',
      version: '1',
      summary: 'Leads the users of native apps from passwords to passkeys',
      description:
        'An app follows `next` of each answer and keeps no flow of its own. ' +
        'Later releases may answer fields, actions, reasons and codes that are not described here: tolerate them.',
    },
    servers: [{ url: '/', description: 'The engine that serves this document' }],
    tags: [
      { name: 'app', description: 'For native apps' },
      { name: 'backend', description: "For the company's backends" },
      { name: 'analyst', description: 'For whoever looks at how passkeys are taken' },
      { name: 'operator', description: 'For whoever runs the engine, and for the platforms' },
    ],
    paths,
    components: { securitySchemes, parameters: { IdempotencyKey: idempotencyKey }, headers, schemas: schemasOf(paths, problems) },
  }
}

function operationObject({ id, tag, path, summary, description, authorization, keyed, query = [], body, ...operation }: Operation, problems: Problems): Json {
  const inPath = [...path.matchAll(/{(\w+)}/g)].map(([, name]) => {
    const collection = path.split('/').find((_, n, all) => all[n + 1] === `{${name}}`)
    const description = `Of the ${name === 'id' ? collection?.slice(0, -1) : name}.`
    return { name, in: 'path', required: true, description, schema: { type: 'string' } }
  })
  const inQuery = query.map(({ schema, ...rest }) => ({ ...rest, in: 'query', schema: schemaOf(schema, 'input') }))
  const parameters = [...inPath, ...inQuery, ...(keyed ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : [])]
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    security: authorization.filter((kind) => kind !== 'refreshToken').map((kind) => (kind === 'none' ? {} : { [kind]: [] })),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: !body.safeParse({}).success, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      ...Object.fromEntries(Object.entries(operation.answers).map(([status, answer]) => [status, answerObject(answer)])),
      ...problemObjects(operation.problems, problems),
    },
  }
}

function answerObject({ description, schema, type, headers = [] }: Answer): Json {
  const content = (schema || type) && { ...(schema && { 'application/json': { schema: schemaOf(schema, 'output') } }), ...(type && { [type]: { schema: { type: 'string' } } }) }
  return { description, ...(headers.length > 0 && { headers: headersOf(headers) }), ...(content && { content }) }
}

/** @throws RangeError for a code that has no status */
function problemObjects(codes: readonly string[], problems: Problems): Json {
  const statusOf = (code: string): number => {
    if (!problems[code]) throw new RangeError(`${code} has no status`)
    return problems[code][0]
  }
  return Object.fromEntries([...Map.groupBy(codes.toSorted(), statusOf)].map(([status, some]) => {
    const headers = status === 401 ? ['WWW-Authenticate'] : status === 429 || status === 503 ? ['Retry-After'] : []
    const description = some.map((code) => `\`${code}\`: ${problems[code]?.[1]}.`).join('\n\n')
    const content = { 'application/problem+json': { schema: { $ref: uri('Problem'), properties: { code: { enum: some } } } } }
    return [status, { description, ...(headers.length > 0 && { headers: headersOf(headers) }), content }]
  }))
}

const headersOf = (names: readonly string[]): Json => Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

const uri = (name: string): string => `#/components/schemas/${name}`
const conversion = (io: Io) => ({ io, target: 'draft-2020-12', uri, override: ({ jsonSchema }: { jsonSchema: Json }) => plain(jsonSchema) }) as const

/** What says nothing to a reader is left out; and an answer may get new fields, which an app tolerates. */
function plain(schema: Json): void {
  if (schema['format'] === 'date-time' || schema['format'] === 'uuid') delete schema['pattern']
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum']
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum']
  if (schema['additionalProperties'] === false) delete schema['additionalProperties']
}

/** A reference where the schema has a name. */
function schemaOf(schema: z.ZodType, io: Io): Json {
  const name = named.get(schema)?.id
  if (name !== undefined) return { $ref: uri(name) }
  if (schema instanceof z.ZodUnion) return { anyOf: schema.options.map((one) => schemaOf(one as z.ZodType, io)) }
  const { $schema: _, ...made } = z.toJSONSchema(schema, conversion(io)) as Json
  return made
}

/** Those that the paths refer to, directly or through others. */
function schemasOf(paths: Json, problems: Problems): Record<string, Json> {
  const asOf = (io: Io): Record<string, Json> => z.toJSONSchema(named, conversion(io)).schemas
  const sent = Object.entries(asOf('input')).filter(([name]) => name in requests)
  const all: Record<string, Json> = { ...asOf('output'), ...Object.fromEntries(sent), ProblemCode: { type: 'string', enum: Object.keys(problems).toSorted() } }
  const { properties } = all['Problem'] as Json
  properties.code = { $ref: uri('ProblemCode'), description: properties.code.description }

  const reached: Record<string, Json> = {}
  const look = (at: Json): void => {
    for (const [, name = ''] of JSON.stringify(at).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (name in reached) continue
      const { $schema: _, $id: __, ...schema } = all[name] as Json
      look((reached[name] = schema))
    }
  }
  look(paths)
  return Object.fromEntries(Object.entries(reached).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const securitySchemes: Record<Exclude<Authorization, 'none' | 'refreshToken'>, Json> = {
  flowToken: { type: 'http', scheme: 'bearer', description: "The app's secret of one login: 32 random bytes, base64url. Its SHA-256 was given at the start (as in PKCE, RFC 7636)." },
  accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Given at the end of a login (RFC 9068).' },
  backendKey: { type: 'http', scheme: 'bearer', description: "The key of one of the company's backends." },
  operatorToken: {
    type: 'http',
    scheme: 'bearer',
    description: "An access token of the company's OpenID provider (RFC 9068), with a role; on the embedded default the console key. In a browser the cookie of the console will do.",
  },
}

const idempotencyKey: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  description: 'Random, new for each new request. The same key with the same body gives the same answer again; with another body it is `key_reused`.',
  schema: { type: 'string', minLength: 22, maxLength: 128 },
}

const headers: Record<string, Json> = {
  'Location': { description: 'Where it is from now on.', required: true, schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds after which the request may be sent again; left out where that would not help.', schema: { type: 'integer' } },
  'WWW-Authenticate': { description: 'RFC 6750, 3; for `insufficient_user_authentication` RFC 9470, 3.', required: true, schema: { type: 'string' } },
}
