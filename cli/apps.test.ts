import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { App } from '../engine/apps.ts'
import { associationPaths, associations, type AssociationPath } from '../engine/associations.ts'
import { wellKnownRoutes } from '../http/well-known.ts'
import { checkApps } from './apps.ts'
import { openFolder } from './testing.ts'

const apple = '/.well-known/apple-app-site-association'
const google = '/.well-known/assetlinks.json'
const browsers = '/.well-known/webauthn'
const certificate = Array.from({ length: 32 }, () => 'A1').join(':')
const shop = App.parse({
  id: 'shop',
  name: 'Northwind Shop',
  rpId: 'shop.example',
  ios: [{ teamId: 'ABCDE12345', bundleId: 'com.example.shop' }],
  android: [{ package: 'com.example.shop', fingerprints: [certificate] }],
  web: ['https://shop.de'],
})
const bank = App.parse({ id: 'bank', name: 'Northwind Bank', rpId: 'bank.example', ios: [{ teamId: 'KLMNO12345', bundleId: 'com.example.bank' }] })
const page = App.parse({ id: 'page', name: 'Northwind', rpId: 'page.example', web: ['https://page.example'] })

type Published = { status?: number; type?: string; location?: string; body: string | Buffer }
/** In order, of this app. */
const bodyOf = (path: AssociationPath, app = shop): string => JSON.stringify(associations[path]([app], app.rpId) ?? null)
const inOrder = (app: App): Record<string, Published> => Object.fromEntries(associationPaths.map((path) => [path, { body: bodyOf(path, app) }]))

const servers: Server[] = []
afterEach(() => void servers.splice(0).forEach((server) => server.close()))

/** A domain that publishes this. @returns where it is reached */
async function publish(files: Record<string, Published>): Promise<string> {
  const server = createServer((request, response) => {
    const { status = 200, type = 'application/json', location, body } = files[request.url ?? ''] ?? { status: 404, type: 'text/html', body: 'not here' }
    response.writeHead(status, { ...(type === '' ? {} : { 'Content-Type': type }), ...(location === undefined ? {} : { Location: location }) }).end(body)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function check(apps: App[], domains: Record<string, Record<string, Published>>): Promise<{ code: number; lines: string[] }> {
  const addresses = new Map<string, string>()
  for (const [rpId, files] of Object.entries(domains)) addresses.set(rpId, await publish(files))
  const lines: string[] = []
  const code = await checkApps({ apps }, { addressOf: (rpId) => addresses.get(rpId) ?? '', print: (line: string) => void lines.push(line) })
  return { code, lines }
}

/** What is said of one file, where the others are in order. */
async function saidOf(path: string, published: Published): Promise<string[]> {
  const { code, lines } = await check([shop], { 'shop.example': { ...inOrder(shop), [path]: published } })
  const said = lines.filter((line) => line.startsWith(`https://shop.example${path}: `)).map((line) => line.slice(line.indexOf(': ') + 2))
  const others = lines.filter((line) => line.startsWith('https:') && !line.includes(`${path}: `))
  expect(others.every((line) => line.endsWith(': as registered'))).toBe(true)
  expect(code).toBe(said.includes('as registered') ? 0 : 2)
  return said
}

describe('`apps check`', () => {
  test('says of every domain and file that it is as registered, where Apple’s copy stands, and ends well', async () => {
    expect(await check([shop, bank, page], { 'shop.example': inOrder(shop), 'bank.example': inOrder(bank) })).toEqual({
      code: 0,
      lines: [
        `https://shop.example${apple}: as registered`,
        "  Devices are given Apple's copy, which may be a day older: https://app-site-association.cdn-apple.com/a/v1/shop.example",
        `https://shop.example${google}: as registered`,
        `https://shop.example${browsers}: as registered`,
        `https://bank.example${apple}: as registered`,
        "  Devices are given Apple's copy, which may be a day older: https://app-site-association.cdn-apple.com/a/v1/bank.example",
        `https://bank.example${google}: not needed`,
        `https://bank.example${browsers}: not needed`,
        ...associationPaths.map((path) => `https://page.example${path}: not needed`),
      ],
    })
  })

  test('is content with the files as the engine serves them', async () => {
    const routes = wellKnownRoutes({ settings: () => ({ apps: [shop] }) })
    const served: Record<string, Published> = {}
    for (const path of associationPaths) {
      const response = await routes.request(path)
      served[path] = { status: response.status, type: response.headers.get('content-type') ?? '', body: await response.text() }
    }
    expect((await check([shop], { 'shop.example': served })).code).toBe(0)
  })

  test('names what is wrong with every file, and the trouble of one domain does not hide that of another', async () => {
    expect(await check([shop, bank], { 'shop.example': {}, 'bank.example': inOrder(shop) })).toMatchObject({
      code: 2,
      lines: expect.arrayContaining([
        `https://shop.example${apple}: answers 404, must be 200`,
        `https://shop.example${google}: answers 404, must be 200`,
        `https://shop.example${browsers}: answers 404, must be 200`,
        `https://bank.example${apple}: lacks webcredentials for KLMNO12345.com.example.bank`,
      ]),
    })
  })

  test('reads them by https, from the domain itself', async () => {
    // No port of a real server can be 443 here.
    const asked = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed'))
    await checkApps({ apps: [shop] }, { print: () => {} }).finally(() => vi.restoreAllMocks())
    expect(asked.mock.calls.map(([url]) => url)).toEqual(associationPaths.map((path) => `https://shop.example${path}`))
  })

  test('is a command, which ends with 2 where a domain cannot be reached', async () => {
    const folder = openFolder()
    try {
      const config = folder.file('keyledger.json', JSON.stringify({ apps: [{ ...shop, rpId: 'localhost', web: [] }] }))
      const { code, out, err } = await folder.start(['apps', 'check'], '', { KEYLEDGER_CONFIG: config }).ended
      expect([code, err]).toEqual([2, ''])
      expect(out).toMatch(/^https:\/\/localhost\/\.well-known\/apple-app-site-association: cannot be read: /)
      expect(out).toContain('https://localhost/.well-known/webauthn: not needed\n')
    } finally {
      folder.remove()
    }
  })
})

describe('A published file', () => {
  const wanted = associations[google]([shop], 'shop.example')?.[0]
  const statement = (change: object) => JSON.stringify([{ ...wanted, ...change }])
  const [handle, share] = ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds']

  test.each<[string, string, string]>([
    [apple, 'entries of other apps and services', '{"applinks":{"details":[]},"webcredentials":{"apps":["ZZZZZ12345.other","ABCDE12345.com.example.shop"]}}'],
    [google, 'websites, other files, other apps', JSON.stringify([{ include: 'https://other.example/x.json' }, { relation: [share], target: { namespace: 'web', site: 'https://a.example' } }, wanted, { relation: 7 }])],
    [google, 'its relations one by one', JSON.stringify([{ ...wanted, relation: [handle] }, { ...wanted, relation: [share] }])],
    [browsers, 'other pages, and ours with a slash', '{"origins":["https://other.example","https://shop.de/"]}'],
  ])('%s may have %s', async (path, _, body) => expect(await saidOf(path, { body })).toEqual(['as registered']))

  test.each<[string, string, string, string]>([
    [apple, 'is for links alone', '{"applinks":{"details":[]}}', 'lacks webcredentials for ABCDE12345.com.example.shop'],
    [apple, 'names the app in other letters', '{"webcredentials":{"apps":["ABCDE12345.com.example.Shop"]}}', 'lacks webcredentials for ABCDE12345.com.example.shop'],
    [google, 'is for links alone', statement({ relation: [handle] }), `lacks ${share} for com.example.shop signed with ${certificate}`],
    [google, 'is for passwords alone', statement({ relation: [share] }), `lacks ${handle} for com.example.shop signed with ${certificate}`],
    [browsers, 'names the domain alone', '{"origins":["https://shop.example"]}', 'lacks https://shop.de'],
  ])('%s that %s lacks something', async (path, _, body, said) => expect(await saidOf(path, { body })).toEqual([said]))

  test.each<[string, object]>([
    ['of another package', { target: { ...wanted?.target, package_name: 'com.example.other' } }],
    ['of another certificate', { target: { ...wanted?.target, sha256_cert_fingerprints: [certificate.replace('A1', 'A2')] } }],
    ['of ours in lower case', { target: { ...wanted?.target, sha256_cert_fingerprints: [certificate.toLowerCase()] } }],
    ['of a website', { target: { ...wanted?.target, namespace: 'web' } }],
  ])('with a statement %s lacks both relations of ours', async (_, change) => {
    expect(await saidOf(google, { body: statement(change) })).toEqual([handle, share].map((relation) => `lacks ${relation} for com.example.shop signed with ${certificate}`))
  })

  test.each(associationPaths)('%s must be answered where it is', async (path) => {
    const body = bodyOf(path)
    for (const status of [301, 302, 307, 308]) {
      expect(await saidOf(path, { status, location: 'https://www.shop.example/x', body })).toEqual([`redirects to https://www.shop.example/x (${status}), must be answered here`])
    }
    for (const status of [204, 403, 404, 500]) expect(await saidOf(path, { status, body })).toEqual([`answers ${status}, must be 200`])
  })

  test.each(associationPaths)('%s must be JSON, of that type', async (path) => {
    const body = bodyOf(path)
    expect(await saidOf(path, { type: 'Application/JSON; charset=utf-8', body })).toEqual(['as registered'])
    expect(await saidOf(path, { type: 'text/plain', body })).toEqual(['is text/plain, must be application/json'])
    expect(await saidOf(path, { type: 'application/jsonp', body })).toEqual(['is application/jsonp, must be application/json'])
    expect(await saidOf(path, { type: '', body })).toEqual(['is of no content type, must be application/json'])
    expect(await saidOf(path, { body: `${body}}` })).toEqual(['is not JSON in UTF-8'])
    expect(await saidOf(path, { body: Buffer.from(body.replace('exa', 'éxa').replace('shop', 'shöp'), 'latin1') })).toEqual(['is not JSON in UTF-8'])
    expect(await saidOf(path, { type: 'text/html', body: '<html>' })).toEqual(['is text/html, must be application/json', 'is not JSON in UTF-8'])
    for (const other of ['null', '7', '{"origins":"https://shop.de","webcredentials":[]}']) expect(await saidOf(path, { body: other })).toEqual(['does not have the form of such a file'])
  })

  test.each<[AssociationPath, number]>([
    [apple, 128 * 1024],
    [google, 1024 * 1024],
    [browsers, 256 * 1024],
  ])('%s must not be larger than %i bytes', async (path, limit) => {
    const body = bodyOf(path)
    expect(await saidOf(path, { body: body.padEnd(limit) })).toEqual(['as registered'])
    expect(await saidOf(path, { body: body.padEnd(limit + 1) })).toEqual([`is larger than ${limit / 1024} KiB`])
  })
})
