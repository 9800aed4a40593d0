/** What the reference page says of a JSON Schema (draft 2020-12), as far as `openapi.json` uses it. */
import { html } from 'hono/html'

export type Html = ReturnType<typeof html>
export type Schema = { [keyword: string]: any }

export const code = (text: unknown): Html => html`<code>${text}</code>`
/** Only backticks mean something in a description. */
export const prose = (text = ''): Html[] => text.split('`').map((part, index) => (index % 2 === 1 ? code(part) : html`${part}`))
export const joined = (items: readonly unknown[], between: string): unknown[] => items.flatMap((item, index) => (index > 0 ? [between, item] : [item]))
export const nameOf = ({ $ref }: Schema): string => $ref.slice($ref.lastIndexOf('/') + 1)

/** The first cell of a row is what it is about. */
export const table = (heads: readonly string[], rows: readonly (readonly unknown[])[]): Html => html`<table>
  <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
  <tbody>${rows.map(([about, ...cells]) => html`<tr><th scope="row">${about}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table>`

/** In a few words, with links to the schemas that have a name. */
export function words(schema: Schema): unknown {
  const { $ref, anyOf, enum: some, type, items } = schema
  if ($ref) return html`<a href="#${nameOf(schema)}">${nameOf(schema)}</a>`
  if (anyOf) return joined(anyOf.map(words), ' or ')
  if (some) return joined(some.map(code), ', ')
  if ('const' in schema) return code(JSON.stringify(schema['const']))
  if (type === 'array') return ['list of ', words(items)]
  return joined([[type].flat().join(' or '), ...limits(schema)], ', ')
}

function limits({ format, minLength = 0, maxLength, minimum, pattern }: Schema): unknown[] {
  return [
    ...(format ? [format] : []),
    ...(maxLength === undefined ? [] : [minLength === maxLength ? `${maxLength} characters` : `${minLength} to ${maxLength} characters`]),
    ...(minimum === undefined ? [] : [`at least ${minimum}`]),
    // A format says it better.
    ...(pattern && !format ? [code(pattern)] : []),
  ]
}

const optional = html` <small>optional</small>`
export const named = (name: unknown, required: boolean): Html => html`<code>${name}</code>${required ? '' : optional}`

/** Those of an object within an object stand with it, after a dot. */
const rowsOf = ({ properties = {}, required = [] }: Schema, before = ''): unknown[][] =>
  Object.entries<Schema>(properties).flatMap(([name, schema]) => {
    const { default: usual, description } = schema
    const type = usual === undefined ? words(schema) : [words(schema), '; ', code(usual), ' if left out']
    const within = schema['type'] === 'array' ? rowsOf(schema['items'], `${before}${name}[].`) : rowsOf(schema, `${before}${name}.`)
    return [[named(html`${before}<wbr>${name}`, required.includes(name)), type, prose(description)], ...within]
  })

export const shape = (schema: Schema): Html =>
  schema['properties'] ? table(['Field', 'Type', 'Meaning'], rowsOf(schema)) : html`<p>${words(schema)}</p>`
