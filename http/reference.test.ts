import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { openBrowser } from '../demo/testing-browser.ts'
import openApi from '../mobile-contracts/openapi.json' with { type: 'json' }
import { style } from './reference-style.ts'
import { openApi as openEngine } from './testing.ts'

const { app, close } = await openEngine()
afterAll(close)
const response = await app.request('/reference')
const page = await response.text()
const all = (pattern: RegExp): string[] => [...page.matchAll(pattern)].map(([, found = '']) => found)

describe('/openapi.json', () => {
  test('is the document of the contracts', async () => {
    expect(await (await app.request('/openapi.json')).json()).toEqual(openApi)
  })
})

describe('/reference', () => {
  test('has a place for every operation and every schema, once', () => {
    const ids = all(/ id="([^"]+)"/g)
    const operations = Object.values(openApi.paths).flatMap((methods) => Object.values<{ operationId: string }>(methods).map(({ operationId }) => operationId))
    const wanted = [...operations, ...Object.keys(openApi.components.schemas), ...Object.keys(openApi.components.securitySchemes)]
    expect(ids).toEqual(expect.arrayContaining(wanted))
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('has a link in its contents to each of them, and no link that leads nowhere', () => {
    const [contents = ''] = all(/(<nav[\s\S]*<\/nav>)/g)
    const ids = all(/<article id="([^"]+)"/g)
    expect([...contents.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id).toSorted()).toEqual(ids.toSorted())
    expect(all(/href="#([^"]+)"/g).filter((id) => !ids.includes(id))).toEqual([])
  })

  test('says every code of a problem with its meaning, and no value that is missing', () => {
    const explained = new Set(all(/<td><code>(\w+)<\/code><\/td><td>[A-Z]/g))
    expect([...explained].toSorted()).toEqual(openApi.components.schemas.ProblemCode.enum)
    expect(all(/(undefined|\[object|NaN)/g)).toEqual([])
  })

  test('brings its one style and nothing else, and asks for no more', () => {
    const hash = createHash('sha256').update(all(/<style>([\s\S]*?)<\/style>/g)[0] ?? '').digest('base64')
    expect(response.headers.get('content-security-policy')).toBe(`default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'`)
    expect(all(/(<script|<img|<link| style="| on\w+="|https?:)/g)).toEqual([])
    expect(style).not.toMatch(/url\(|@import/)
  })

  test.each([360, 1280])('fits on a screen of %i pixels, and the browser has nothing to complain about', async (width) => {
    const browser = await openBrowser()
    try {
      const tab = await browser.newPage({ viewport: { width, height: 800 } })
      const said: string[] = []
      tab.on('console', (message) => said.push(message.text()))
      await tab.route('**/*', (route) => route.fulfill({ headers: Object.fromEntries(response.headers), body: page }))
      await tab.goto('http://localhost/reference#startSession')
      expect(await tab.evaluate('[document.documentElement.scrollWidth, getComputedStyle(document.body).display]')).toEqual([width, 'grid'])
      expect(said).toEqual([])
    } finally {
      await browser.close()
    }
  })

  // WCAG 2.2, 1.4.3: 4.5 to 1 for text.
  test.each([['light', 0], ['dark', 1]])('can be read by people who see little, in the %s', (_, which) => {
    const colours = Object.fromEntries([...style.matchAll(/--(\w+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, ...pair]) => [name, luminance(pair[which] as string)]))
    for (const ink of ['text', 'quiet', 'accent']) {
      for (const ground of ['ground', 'surface']) {
        const [dark = 0, light = 0] = [colours[ink], colours[ground]].map((value) => value as number).toSorted((a, b) => a - b)
        expect((light + 0.05) / (dark + 0.05), `${ink} on ${ground}`).toBeGreaterThan(4.5)
      }
    }
  })
})

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
