import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { App, originsOf } from './apps.ts'
import { associations, rpIdsOf } from './associations.ts'

const appleFile = associations['/.well-known/apple-app-site-association']
const assetLinks = associations['/.well-known/assetlinks.json']
const webauthnFile = associations['/.well-known/webauthn']

const byte = (hex: string): string => Array.from({ length: 32 }, () => hex).join(':')
const relation = ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds']

const registry = [
  App.parse({
    id: 'shop',
    name: 'Northwind Shop',
    rpId: 'shop.example',
    ios: [{ teamId: 'ABCDE12345', bundleId: 'com.example.shop' }, { teamId: 'ABCDE12345', bundleId: 'com.example.shop.beta' }],
    android: [{ package: 'com.example.shop', fingerprints: [byte('a1'), byte('b2')] }],
    web: ['https://shop.example', 'https://www.shop.example', 'https://shop.de', 'https://notshop.example'],
  }),
  App.parse({
    id: 'courier',
    name: 'Northwind Courier',
    rpId: 'shop.example',
    ios: [{ teamId: 'FGHIJ67890', bundleId: 'com.example.courier' }, { teamId: 'ABCDE12345', bundleId: 'com.example.shop' }],
    android: [
      { package: 'com.example.courier', fingerprints: [byte('c3')] },
      { package: 'com.example.shop', fingerprints: [byte('b2'), byte('d4')] },
    ],
    web: ['https://courier.example:8443', 'https://shop.de'],
  }),
  App.parse({ id: 'bank', name: 'Northwind Bank', rpId: 'bank.example', ios: [{ teamId: 'KLMNO12345', bundleId: 'com.example.bank' }], web: ['https://my.bank.example'] }),
]

describe('Of the registered apps', () => {
  test('Apple is told the iOS apps of the domain, each once, for its credentials and nothing else', () => {
    expect(JSON.stringify(appleFile(registry, 'shop.example'))).toBe(
      '{"webcredentials":{"apps":["ABCDE12345.com.example.shop","ABCDE12345.com.example.shop.beta","FGHIJ67890.com.example.courier"]}}',
    )
    expect(appleFile(registry, 'bank.example')).toEqual({ webcredentials: { apps: ['KLMNO12345.com.example.bank'] } })
  })

  test('Google is told every package of the domain once, with both relations and all its certificates', () => {
    expect(assetLinks(registry, 'shop.example')).toEqual([
      { relation, target: { namespace: 'android_app', package_name: 'com.example.shop', sha256_cert_fingerprints: [byte('A1'), byte('B2'), byte('D4')] } },
      { relation, target: { namespace: 'android_app', package_name: 'com.example.courier', sha256_cert_fingerprints: [byte('C3')] } },
    ])
  })

  test('browsers are told the pages of other domains, each once and in the order of the registry', () => {
    expect(webauthnFile(registry, 'shop.example')).toEqual({ origins: ['https://shop.de', 'https://notshop.example', 'https://courier.example:8443'] })
  })

  test('a file in which a domain has nothing to say is not there', () => {
    expect([assetLinks(registry, 'bank.example'), webauthnFile(registry, 'bank.example')]).toEqual([undefined, undefined])
    expect(Object.values(associations).map((documentOf) => documentOf(registry, 'example'))).toEqual([undefined, undefined, undefined])
    expect(appleFile([App.parse({ id: 'web', name: 'Web', rpId: 'shop.example' })], 'shop.example')).toBeUndefined()
  })

  test('every domain is named once', () => expect(rpIdsOf(registry)).toEqual(['shop.example', 'bank.example']))
})

const rpId = fc.constantFrom('shop.example', 'bank.example', 'de.shop.example')
const certificate = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const written = fc.tuple(certificate, fc.boolean()).map(([bytes, hex]) => (hex ? bytes.toString('hex').replace(/..(?!$)/g, '$&:') : bytes.toString('base64url')))
const packages = fc.array(fc.record({ package: fc.constantFrom('com.example.shop', 'com.example.bank'), fingerprints: fc.array(written, { minLength: 1, maxLength: 3 }) }), { maxLength: 3 })
const pages = fc.uniqueArray(fc.constantFrom('https://shop.example', 'https://www.shop.example', 'https://bank.example:8443', 'https://shop.de'))
const apps = fc
  .array(fc.record({ rpId, android: packages, web: pages }), { maxLength: 4 })
  .map((list) => list.map((one, at) => App.parse({ id: `app${at}`, name: 'App', ...one })))

const bytesOfOrigin = (origin: string): string => Buffer.from(origin.replace('android:apk-key-hash:', ''), 'base64url').toString('hex')
const bytesOfStatement = (fingerprint: string): string => Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('hex')
const isAndroid = (origin: string): boolean => origin.startsWith('android:')

describe('Whatever is registered', () => {
  test('the certificates that a domain publishes are those of its apps’ origins, byte for byte', () => {
    fc.assert(
      fc.property(apps, rpId, (list, domain) => {
        const published = (assetLinks(list, domain) ?? []).flatMap(({ target }) => target.sha256_cert_fingerprints)
        const origins = list.filter((app) => app.rpId === domain).flatMap(originsOf).filter(isAndroid)
        for (const fingerprint of published) expect(fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
        expect(new Set(published.map(bytesOfStatement))).toEqual(new Set(origins.map(bytesOfOrigin)))
      }),
      { seed: 5, numRuns: 200 },
    )
  })

  test('a page that ceremonies are accepted from is of the domain, or published as related to it', () => {
    fc.assert(
      fc.property(apps, rpId, (list, domain) => {
        const related = webauthnFile(list, domain)?.origins ?? []
        const accepted = list.filter((app) => app.rpId === domain).flatMap(({ web }) => web)
        for (const origin of accepted) expect(related.includes(origin)).toBe(!`.${new URL(origin).hostname}`.endsWith(`.${domain}`))
        expect(accepted).toEqual(expect.arrayContaining(related))
      }),
      { seed: 5, numRuns: 200 },
    )
  })
})
