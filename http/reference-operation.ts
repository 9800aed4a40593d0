/** One operation of `openapi.json` on the reference page. */
import { html } from 'hono/html'
import openApi from '../mobile-contracts/openapi.json' with { type: 'json' }
import { code, joined, named, nameOf, prose, shape, table, words, type Html, type Schema } from './reference-schema.ts'

type Responses = [status: string, response: Schema][]
export type Operation = {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  security: Record<string, unknown>[]
  parameters?: Schema[]
  requestBody?: { content: { 'application/json': { schema: Schema } } }
  responses: Record<string, Schema>
}

const { parameters: sharedParameters, schemas } = openApi.components as { parameters: Record<string, Schema>; schemas: Record<string, Schema> }
const isProblem = ({ content }: Schema): boolean => content?.['application/problem+json'] !== undefined

export function operationSection({ operationId, method, path, summary, description, ...operation }: Operation & { method: string; path: string }): Html {
  const { security, parameters, requestBody, responses } = operation
  const all = Object.entries(responses)
  return html`<article id="${operationId}">
  <h3><a href="#${operationId}">${summary}</a></h3>
  <p class="request"><b>${method}</b> ${code(path)}</p>
  ${description ? html`<p>${prose(description)}</p>` : ''}
  ${security.length > 0 ? authorization(security) : ''}
  ${parameters ? parametersOf(parameters) : ''}
  ${requestBody ? bodyOf(requestBody.content['application/json'].schema) : ''}
  ${answersOf(all.filter(([, one]) => !isProblem(one)))}
  ${problemsOf(all.filter(([, one]) => isProblem(one)))}
</article>`
}

function authorization(security: Operation['security']): Html {
  const kinds = security.flatMap((one) => (Object.keys(one).length > 0 ? Object.keys(one) : ['none']))
  return html`<p>Authorization: ${joined(kinds.map((kind) => (kind === 'none' ? kind : html`Bearer <a href="#${kind}">${kind}</a>`)), ', or ')}</p>`
}

function parametersOf(parameters: Schema[]): Html {
  const resolved = parameters.map((one) => (one['$ref'] ? (sharedParameters[nameOf(one)] as Schema) : one))
  const rows = resolved.map(({ name, in: place, required = false, schema, description }) => [named(name, required), place, words(schema), prose(description)])
  return html`<h4>Parameters</h4>${table(['Name', 'In', 'Type', 'Meaning'], rows)}`
}

function bodyOf(schema: Schema): Html {
  const fields = schema['$ref'] && schemas[nameOf(schema)]
  return html`<h4>Body</h4><p>${words(schema)}</p>${fields?.properties ? shape(fields) : ''}`
}

function answersOf(answers: Responses): Html {
  const rows = answers.map(([status, { content = {}, headers = {}, description }]) => {
    const bodies = Object.entries<{ schema: Schema }>(content).map(([type, { schema }]) => (type === 'application/json' ? words(schema) : type))
    return [status, bodies, [prose(description), Object.keys(headers).map((name) => html` With ${code(name)}.`)]]
  })
  return html`<h4>Answers</h4>${table(['Status', 'Body', 'Meaning'], rows)}`
}

/** The description of a problem has a paragraph for each code. */
function problemsOf(answers: Responses): Html {
  const rows = answers.flatMap(([status, { description }]) =>
    (description as string).split('\n\n').map((paragraph) => {
      const [, problem, meaning] = /^`(\w+)`: (.*)$/.exec(paragraph) ?? []
      return [status, code(problem), meaning]
    }),
  )
  return html`<details><summary>Problems</summary>${table(['Status', 'Code', 'Meaning'], rows)}</details>`
}
