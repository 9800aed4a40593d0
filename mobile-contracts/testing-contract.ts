/** What `openapi.json` tells an app, taken apart so that a test can hold a client in another language against it. */
import { readFileSync } from 'node:fs'

type Json = Record<string, any>

export type ContractOperation = {
  id: string
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  /** It takes an Idempotency-Key. */
  keyed: boolean
  /** Names of the query's parameters. */
  query: string[]
  /** Name of the body's schema. */
  body: string | undefined
  /** Names of the schemas of its answers, but for problems. */
  answers: string[]
}
/**
 * `optional`: it may be left out, or null. `type`: a JSON type, the name of an object or of a list of words, or either with `[]` after it.
 * What has no name of its own in the document is called by its place, such as `CreationOptions.rp`.
 */
export type ContractField = { name: string; optional: boolean; type: string }
export type Contract = {
  operations: ContractOperation[]
  /** Fields of each object that an app sends or is answered. */
  objects: Record<string, ContractField[]>
  /** The words of each list of words; `Action` has all that may stand in `next`. */
  words: Record<string, string[]>
  /** Codes that an app may be answered. */
  problemCodes: string[]
}

export const readOpenApi = (): Json => JSON.parse(readFileSync(new URL('./openapi.json', import.meta.url), 'utf8'))

/** Of the operations that are tagged `app`. */
export function contractOf(document: Json = readOpenApi()): Contract {
  const schemas = document['components'].schemas as Json
  const tagged = Object.entries(document['paths'] as Json).flatMap(([path, methods]) =>
    Object.entries(methods as Json).flatMap(([method, operation]) => ((operation as Json)['tags'].includes('app') ? [{ path, method, operation: operation as Json }] : [])),
  )
  const reached = new Set<string>()
  const look = (at: unknown): void => {
    for (const name of namesIn(at)) {
      if (reached.has(name)) continue
      reached.add(name)
      look(schemas[name])
    }
  }
  look(tagged)

  // What an app may be told to do is one list on the wire, whichever part of the flow it is in.
  const mayFollow = schemas['NextAction'].properties.action.anyOf as Json[]
  const actions = mayFollow.flatMap((some) => (some['const'] === undefined ? (schemas[nameOf(some) as string].enum as string[]) : [some['const'] as string]))
  const lists: Lists = { objects: {}, words: { Action: actions } }
  for (const name of reached) if (!['ProblemCode', 'Action', 'SignedInAction'].includes(name)) enter(lists, name, schemas[name])

  // The state that a problem carries is an answer of its own.
  const ofState = new Set(lists.objects['SessionAnswer']?.map(({ name }) => name))
  lists.objects['Problem'] = lists.objects['Problem']?.filter(({ name }) => !ofState.has(name) && !toldToBackends.includes(name)) ?? []

  return {
    operations: tagged.map(({ path, method, operation }) => ({
      id: operation['operationId'],
      method: method.toUpperCase() as ContractOperation['method'],
      path,
      keyed: (operation['parameters'] ?? []).some(({ $ref }: Json) => $ref?.endsWith('/IdempotencyKey')),
      query: (operation['parameters'] ?? []).flatMap((one: Json) => (one['in'] === 'query' ? [one['name']] : [])),
      body: namesIn(operation['requestBody'])[0],
      answers: namesIn(Object.entries(operation['responses']).filter(([status]) => Number(status) < 300)),
    })),
    objects: lists.objects,
    words: lists.words,
    problemCodes: [...new Set(tagged.flatMap(({ operation }) => codesIn(operation)))].toSorted(),
  }
}

/** Fields of a problem. */
const toldToBackends = ['account']

type Lists = Pick<Contract, 'objects' | 'words'>

/** A schema under its name, with those inside it that have none. Answers its type. */
function enter(lists: Lists, name: string, schema: Json): string {
  const [known = {}, ...more] = ((schema['anyOf'] as Json[] | undefined) ?? [schema]).filter(({ type }) => type !== 'null')
  // The one choice that there is: what may be told to do, which is one list.
  if (more.length > 0) return 'Action'
  const type = [known['type']].flat().find((one) => one !== 'null') as string
  if (nameOf(known)) return nameOf(known) as string
  if (type === 'array') return `${enter(lists, name, known['items'])}[]`
  if (known['enum']) lists.words[name] = known['enum']
  if (known['properties']) {
    lists.objects[name] = Object.entries(known['properties'] as Json).map(([field, inner]) => ({
      name: field,
      optional: !(known['required'] ?? []).includes(field) || mayBeNull(inner),
      type: enter(lists, `${name}.${field}`, inner),
    }))
  }
  return known['enum'] || known['properties'] ? name : type
}

const mayBeNull = ({ type, anyOf = [] }: Json): boolean => [type].flat().includes('null') || anyOf.some((one: Json) => one['type'] === 'null')
const nameOf = ({ $ref }: Json): string | undefined => ($ref as string | undefined)?.split('/').at(-1)
const namesIn = (at: unknown): string[] => [...(JSON.stringify(at) ?? '').matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name = '']) => name)
const codesIn = ({ responses }: Json): string[] =>
  Object.values(responses as Json).flatMap((response) => (response as Json)['content']?.['application/problem+json']?.schema.properties.code.enum ?? [])
