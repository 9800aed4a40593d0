/** What the pages load, from here alone: each file at an address that has its hash, so that browsers may keep it for good. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Hono } from 'hono'
import { palette } from '../http/palette.ts'

const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' }
const here = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')
const ofPackage = (specifier: string): string => readFileSync(fileURLToPath(import.meta.resolve(specifier)), 'utf8')

const files = {
  'console.css': `${palette}\n${here('console.css')}`,
  'audit.css': here('audit.css'),
  'console.js': here('console.js'),
  'charts.js': here('charts.js'),
  'sign-in.js': here('sign-in.js'),
  'theme.js': here('theme.js'),
  'uplot.js': ofPackage('uplot/dist/uPlot.iife.min.js'),
  'uplot.css': ofPackage('uplot/dist/uPlot.min.css'),
}
export type Asset = keyof typeof files

const served = Object.entries(files).map(([name, text]) => {
  const [stem, extension] = name.split('.') as [string, keyof typeof types]
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 16)
  return { name, path: `${stem}.${hash}.${extension}`, text, type: types[extension] }
})
const pathOf = new Map(served.map(({ name, path }) => [name, `/console/assets/${path}`]))

export const asset = (name: Asset): string => pathOf.get(name) ?? ''

export function assetRoutes(): Hono {
  const routes = new Hono()
  // RFC 8246: not even a reload asks again.
  for (const { path, text, type } of served) routes.get(`/${path}`, (c) => c.body(text, 200, { 'Content-Type': type, 'Cache-Control': 'public, max-age=31536000, immutable' }))
  return routes
}
