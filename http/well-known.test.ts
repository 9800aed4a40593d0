import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { App } from '../engine/apps.ts'
import { associationPaths } from '../engine/associations.ts'
import { openApi } from './testing.ts'
import { wellKnownRoutes } from './well-known.ts'

const apple = '/.well-known/apple-app-site-association'
const google = '/.well-known/assetlinks.json'
const browsers = '/.well-known/webauthn'
const fingerprint = (hex: string): string => Array.from({ length: 32 }, () => hex).join(':')
const shop = App.parse({
  id: 'shop',
  name: 'Northwind Shop',
  rpId: 'shop.example',
  ios: [{ teamId: 'ABCDE12345', bundleId: 'com.example.shop' }],
  android: [{ package: 'com.example.shop', fingerprints: [fingerprint('A1')] }],
  web: ['https://shop.de'],
})
const bank = App.parse({ id: 'bank', name: 'Northwind Bank', rpId: 'bank.example', ios: [{ teamId: 'KLMNO12345', bundleId: 'com.example.bank' }] })

const get = (path: string, host: string | undefined, apps: App[] = [shop, bank], method = 'GET') =>
  new Hono().route('/', wellKnownRoutes({ settings: () => ({ apps }) })).request(path, { method, headers: host === undefined ? {} : { Host: host } })
const bodyOf = async (response: Response | Promise<Response>) => (await response).json()

describe('An association file', () => {
  test.each([
    [apple, '{"webcredentials":{"apps":["ABCDE12345.com.example.shop"]}}'],
    [
      google,
      `[{"relation":["delegate_permission/common.handle_all_urls","delegate_permission/common.get_login_creds"],"target":{"namespace":"android_app","package_name":"com.example.shop","sha256_cert_fingerprints":["${fingerprint('A1')}"]}}]`,
    ],
    [browsers, '{"origins":["https://shop.de"]}'],
  ])('%s is JSON at once, with no way round, and may be kept for five minutes', async (path, golden) => {
    const response = await get(path, 'shop.example')
    expect([response.status, await response.text()]).toEqual([200, golden])
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    expect(response.headers.has('location')).toBe(false)
  })

  test.each(associationPaths)('%s answers HEAD as it answers GET, without the file', async (path) => {
    const response = await get(path, 'shop.example', [shop], 'HEAD')
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control'), await response.text()]).toEqual([200, 'application/json', 'public, max-age=300', ''])
  })

  test('is of the domain that is asked', async () => {
    expect(await bodyOf(get(apple, 'bank.example'))).toEqual({ webcredentials: { apps: ['KLMNO12345.com.example.bank'] } })
    expect(await bodyOf(get(apple, 'SHOP.example:8443'))).toEqual({ webcredentials: { apps: ['ABCDE12345.com.example.shop'] } })
  })

  test.each(['login.shop.example', 'shop.example.evil.example', '127.0.0.1:8787', undefined])('is given to the Host %s where only one domain is registered', async (host) => {
    expect(await bodyOf(get(apple, host, [shop]))).toEqual({ webcredentials: { apps: ['ABCDE12345.com.example.shop'] } })
  })

  test.each(['login.shop.example', 'shop.example.evil.example', '127.0.0.1:8787', undefined])('is not guessed for the Host %s where several are', async (host) => {
    const response = await get(apple, host)
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([404, 'application/problem+json', null])
    expect(await response.json()).toMatchObject({ code: 'not_found', detail: 'several domains are registered, and the Host of this request is none of them' })
  })

  test('in which the domain has nothing to say is not there', async () => {
    for (const path of [google, browsers]) {
      const response = await get(path, 'bank.example')
      expect([response.status, await response.json()]).toEqual([404, expect.objectContaining({ code: 'not_found', detail: 'no app of bank.example needs this file' })])
    }
  })

  test('is of the settings as they are now', async () => {
    const apps = [shop]
    const routes = wellKnownRoutes({ settings: () => ({ apps }) })
    apps[0] = bank
    expect(await bodyOf(routes.request(apple))).toEqual({ webcredentials: { apps: ['KLMNO12345.com.example.bank'] } })
  })
})

test('The engine serves them, where nothing else of it may be kept', async () => {
  const api = await openApi()
  try {
    const response = await api.app.request(apple, { headers: { Host: 'shop.example' } })
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'application/json', 'public, max-age=300'])
    expect(await response.json()).toEqual({ webcredentials: { apps: ['ABCDE12345.example.shop'] } })
    const missing = await api.app.request(google, { headers: { Host: 'shop.example' } })
    expect([missing.status, missing.headers.get('cache-control')]).toEqual([404, 'no-store'])
  } finally {
    api.close()
  }
})
