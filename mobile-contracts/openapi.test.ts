import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { problems } from '../http/problems.ts'
import { backendKey, consoleKey, newKey, off, openApi } from '../http/testing.ts'
import { requestOf } from './actions.ts'
import { openApiDocument } from './openapi.ts'
import { operations, type Operation } from './operations.ts'

const root = join(import.meta.dirname, '..')
const made = openApiDocument(problems)
const api = await openApi({ policy: { withPasskey: off, withoutPasskey: off } })
afterAll(() => api.close())

const described = Object.entries(made.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
)
const find = (method: string, path: string) => described.find((one) => one.method === method && one.path === path)?.operation

describe('openapi.json', () => {
  test('is current; else run: npm run openapi', () => {
    const committed = JSON.parse(readFileSync(join(import.meta.dirname, 'openapi.json'), 'utf8'))
    expect(JSON.stringify(made) === JSON.stringify(committed), 'npm run openapi').toBe(true)
  })

  test('has nothing that a linter would say', async () => {
    const environment = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
    const command = [join(root, 'node_modules/@redocly/cli/bin/cli.js'), 'lint', 'mobile-contracts/openapi.json', '--format=json']
    const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: root, env: environment })
    expect(JSON.parse(stdout)).toMatchObject({ totals: { errors: 0, warnings: 0, ignored: 0 }, problems: [] })
  })

  test('has every route of the API, and no other', () => {
    const routes = api.app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    expect(described.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([...new Set(routes)].toSorted())
  })

  test('has every code of a problem, under its status', () => {
    const codes = new Map<string, Set<string>>()
    for (const { operation } of described) {
      for (const [status, { content = {} }] of Object.entries<any>(operation.responses)) {
        const { enum: some = [] } = content['application/problem+json']?.schema.properties.code ?? {}
        for (const code of some) codes.set(code, (codes.get(code) ?? new Set()).add(status))
      }
    }
    const known = Object.entries(problems).map(([code, [status]]) => [code, new Set([String(status)])] as const)
    expect([...codes].toSorted()).toEqual(known.toSorted())
  })

  test('has one name for each operation', () => {
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length)
    expect(operations.filter(({ id }) => !/^[a-z][A-Za-z]*$/.test(id))).toEqual([])
  })

  test.each(Object.entries(requestOf))('has the action %s, and what it needs', (_, { method, path, needs }) => {
    const operation = find(method, `/v1/sessions/{id}${path}`)
    expect(operation?.tags).toEqual(['app'])
    const { $ref = '' } = operation?.requestBody?.content['application/json'].schema ?? {}
    const body = made.components.schemas[$ref.split('/').at(-1) ?? '']
    expect(body?.required ?? []).toEqual(needs)
  })
})

describe('A request that openapi.json describes', () => {
  let path: (operation: Operation) => string
  let token: (operation: Operation) => string
  beforeAll(async () => {
    const account = await api.register()
    const { id, tokens } = await api.signedIn()
    path = ({ path }) => path.replace('{id}', path.startsWith('/v1/sessions') ? id : account).replaceAll(/{\w+}/g, 'x')
    token = ({ tag }) => (tag === 'backend' ? backendKey : tag === 'operator' ? consoleKey : tokens.accessToken)
  })
  // What it did would be in the way of the others.
  const changes = operations.filter(({ id, method, path }) => path.startsWith('/v1/') && method !== 'GET' && id !== 'signOut')
  const send = async (operation: Operation, body: unknown, key?: string): Promise<string | undefined> =>
    (await api.call(operation.method, path(operation), { token: token(operation), body, key })).body.code

  // What an auditor asks is a fact each time that it is asked.
  test.each(changes.filter(({ tag }) => tag !== 'operator'))('takes a key: $id', async (operation) => {
    expect(operation.keyed).toBe(true)
    expect(await send(operation, operation.body && sample(schemaOf(operation)))).toBe('idempotency_key_missing')
  })

  test.each(changes.filter(({ body }) => body))('takes the body that is described, and none that lacks a field: $id', async (operation) => {
    const schema = schemaOf(operation)
    const body = sample(schema) as Record<string, unknown>
    expect(await send(operation, body)).not.toBe('malformed')
    for (const field of resolved(schema).required ?? []) expect(await send(operation, { ...body, [field]: undefined }, newKey())).toBe('malformed')
  })
})

type Schema = { [keyword: string]: any }
const schemaOf = ({ method, path }: Operation): Schema => find(method, path)?.requestBody.content['application/json'].schema
const resolved = (schema: Schema): Schema => {
  const named = schema['anyOf']?.[0] ?? (schema['$ref'] ? made.components.schemas[schema['$ref'].split('/').at(-1)] : undefined)
  return named ? resolved(named) : schema
}

/** Something that the schema allows. */
function sample(schema: Schema): unknown {
  const { type, format, enum: words, items, minItems = 0, minLength = 1, properties, required = [] } = resolved(schema)
  if (words) return words[0]
  if (type === 'integer') return 0
  if (format === 'uuid') return '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60'
  if (type === 'array') return Array.from({ length: minItems }, () => sample(items))
  if (type === 'object') return Object.fromEntries(required.map((name: string) => [name, sample(properties[name])]))
  return type === 'boolean' ? true : 'x'.repeat(minLength)
}
