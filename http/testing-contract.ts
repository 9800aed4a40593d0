/** Holds answers against `openapi.json`: nothing may be answered that it does not describe. Every answer of the test suite goes through here. */
import assert from 'node:assert/strict'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Hono } from 'hono'
import { z } from 'zod'
import openApi from '../mobile-contracts/openapi.json' with { type: 'json' }

/** `path`: as it was requested; `body`: parsed, undefined where there was none; `contentType`: null where there was none. */
export type Answered = { method: string; path: string; status: number; body: unknown; contentType: string | null }

type Schema = { [keyword: string]: unknown }
type Described = { content?: Record<string, { schema: Schema }> }
type Operation = { operationId: string; responses: Record<string, Described> }

const patternOf = (template: string): RegExp => new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/{\w+}/g, '[^/]+')}$`)
/** A path that is written out goes before one that has an id in its place. */
const paths = Object.entries(openApi.paths as unknown as Record<string, Record<string, Operation>>)
  .toSorted(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')))
  .map(([template, operations]) => ({ pattern: patternOf(template), operations }))
/** Routes are matched by method and by the path without its escapes. */
const operationOf = (method: string, path: string): Operation | undefined =>
  paths.find(({ pattern, operations }) => method.toLowerCase() in operations && pattern.test(unescaped(path)))?.operations[method.toLowerCase()]
function unescaped(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}

/** An app tolerates fields that it does not know. Here they are faults: somebody forgot to describe them. */
const closed = (_: string, value: unknown): unknown =>
  isObject(value) && value['type'] === 'object' && isObject(value['properties']) ? { additionalProperties: false, ...value } : value
const isObject = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value)

const is = (schema: z.ZodType) => (value: string) => schema.safeParse(value).success
const ajv = new Ajv2020({ allErrors: true, strictTypes: false, formats: { uuid: is(z.uuid()), 'date-time': is(z.iso.datetime()), date: is(z.iso.date()), base64url: is(z.base64url()) } })
const here = (schema: unknown): Schema => JSON.parse(JSON.stringify(schema, closed).replaceAll('#/components/schemas/', 'openapi#/$defs/'))
ajv.addSchema({ $id: 'openapi', $defs: here(openApi.components.schemas) })

const compiled = new WeakMap<Schema, ValidateFunction>()
function validatorOf(schema: Schema): ValidateFunction {
  const validate = compiled.get(schema) ?? ajv.compile(here(schema))
  compiled.set(schema, validate)
  return validate
}

/** What every path and method answers that are not described. */
const notFound: Described = { content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem', properties: { code: { const: 'not_found' } } } } } }

/** @throws AssertionError that says what is not described, and quotes no value */
export function assertDescribed({ method, path, status, body, contentType }: Answered): void {
  const operation = operationOf(method, new URL(path, 'http://localhost').pathname)
  const what = `${operation?.operationId ?? `${method} ${path}`}: ${status}`
  const described = operation ? operation.responses[status] : status === 404 ? notFound : undefined
  assert.ok(described, `${what} is not described`)
  const type = contentType?.split(';')[0] ?? null
  assert.ok(type === null ? !described.content : described.content?.[type], `${what} is not described as ${type ?? 'empty'}`)
  const schema = type === null ? undefined : described.content?.[type]?.schema
  if (!schema) return assert.equal(body, undefined, `${what} has a body`)
  const validate = validatorOf(schema)
  const [fault] = validate(body) ? [] : (validate.errors ?? [])
  assert.ok(!fault, `${what}: ${fault?.instancePath || 'the body'} ${fault?.message} ${JSON.stringify(fault?.params)}`)
  if (type === 'application/problem+json') assert.equal((body as { status: number }).status, status)
}

/** The same app, whose every answer is held against the contract, however it was asked for. */
export function heldToContract(app: Hono): Hono {
  const { fetch } = app
  app.fetch = async (request, ...rest) => {
    const response = await fetch(request, ...rest)
    // What HEAD leaves out cannot be looked at.
    if (request.method === 'HEAD') return response
    const contentType = response.headers.get('content-type')
    const text = await response.clone().text()
    const body = text === '' ? undefined : contentType?.includes('json') ? JSON.parse(text) : text
    assertDescribed({ method: request.method, path: new URL(request.url).pathname, status: response.status, body, contentType })
    return response
  }
  return app
}
