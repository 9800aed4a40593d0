/** `/openapi.json`, and `/reference`: the same for people, as one page without a script. */
import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { html, raw } from 'hono/html'
import openApi from '../mobile-contracts/openapi.json' with { type: 'json' }
import { operationSection, type Operation } from './reference-operation.ts'
import { prose, shape, type Html, type Schema } from './reference-schema.ts'
import { style } from './reference-style.ts'

/** The page has one style and nothing else (Content Security Policy Level 3, 2.3.1: hash-source). */
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'`

export function referenceRoutes(): Hono {
  let page: Html | undefined
  return new Hono()
    .get('/openapi.json', (c) => c.json(openApi))
    .get('/reference', (c) => c.html((page ??= referencePage()), 200, { 'Content-Security-Policy': policy }))
}

function referencePage(): Html {
  const { info, tags, components } = openApi
  const operations = Object.entries(openApi.paths as unknown as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
  )
  const groups = tags.map(({ name, description }) => ({ title: description, operations: operations.filter((one) => one.tags.includes(name)) }))
  const schemas = Object.entries<Schema>(components.schemas)
  const kinds = Object.entries(components.securitySchemes)

  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${info.title}: HTTP API</title>
  <style>${raw(style)}</style>
</head>
<body>
<header>
  <h1>${info.title}: HTTP API</h1>
  <p>${prose(info.description)} The same for machines: <a href="/openapi.json">openapi.json</a>.</p>
</header>
<nav aria-label="Contents">
  ${groups.map(({ title, operations }, index) => contents(title, operations.map(({ operationId, summary }) => [operationId, summary]), index === 0))}
  ${contents('Authorization', kinds.map(([name]) => [name, name]))}
  ${contents('Schemas', schemas.map(([name]) => [name, name]))}
</nav>
<main>
  ${groups.map(({ title, operations }) => html`<section><h2>${title}</h2>${operations.map(operationSection)}</section>`)}
  <section><h2>Authorization</h2>${kinds.map(([name, { description }]) => article(name, description))}</section>
  <section><h2>Schemas</h2>${schemas.map(([name, schema]) => article(name, schema['description'], shape(schema)))}</section>
</main>
</body>
</html>`
}

const contents = (title: string, entries: readonly (readonly [id: string, text: string])[], open = false): Html => html`<details${open ? raw(' open') : ''}>
  <summary>${title}</summary>
  <ul>${entries.map(([id, text]) => html`<li><a href="#${id}">${text}</a></li>`)}</ul>
</details>`

const article = (name: string, description?: string, rest?: Html): Html => html`<article id="${name}">
  <h3><a href="#${name}">${name}</a></h3>
  ${description ? html`<p>${prose(description)}</p>` : ''}
  ${rest}
</article>`
