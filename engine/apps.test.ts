import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { App, originsOf } from './apps.ts'

const certificate = Buffer.from('146DE983C5730650D8EEB9952F34FC6416A08342E61DBEA88A0496B23FCF44E5', 'hex')
const colonHex = '14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5'
const shop = { id: 'shop', name: 'Northwind Shop', rpId: 'shop.example' }
const android = (fingerprint: string, name = 'com.example.shop') => ({ android: [{ package: name, fingerprints: [fingerprint] }] })
const ios = (teamId: string, bundleId: string) => ({ ios: [{ teamId, bundleId }] })

/** What is said of a registration, each with its place. */
const problemsOf = (registration: object): string[] => {
  const { error } = App.safeParse({ ...shop, ...registration })
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('A registered app', () => {
  test('may say as little as its name and its domain', () => expect(App.parse(shop)).toEqual({ ...shop, ios: [], android: [], web: [], locale: 'en' }))

  test('has the origins of iOS, of every certificate and of every web page, and no other', () => {
    const app = App.parse({ ...shop, ...ios('ABCDE12345', 'com.example.shop'), ...android(colonHex), web: ['https://shop.example', 'https://shop.de:8443'] })
    expect(originsOf(app)).toEqual([
      'https://shop.example', 'android:apk-key-hash:FG3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU', 'https://shop.example', 'https://shop.de:8443',
    ])
    expect(originsOf(App.parse({ ...shop, ...android(colonHex) }))).toEqual(['android:apk-key-hash:FG3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU'])
  })

  test.each<[string, object]>([
    ['a domain below another', { rpId: 'login.shop.example' }],
    ['a domain of another script, in its ASCII form', { rpId: 'xn--mnchen-3ya.xn--p1ai' }],
    ['localhost, with its pages', { rpId: 'localhost', web: ['http://localhost:8787', 'https://localhost'] }],
    ['a bundle id of one name', ios('0123456789', 'shop-App')],
    ['a package with digits, underscores and capitals', android(colonHex, 'a1.B_2.c3')],
    ['a page of another domain and port', { web: ['https://shop.de:8443'] }],
    ['a page to recover a password on', { recoverUrl: 'https://shop.example/recover?from=app' }],
    ['a deep link to recover a password by', { recoverUrl: 'com.example.shop://recover' }],
  ])('may have %s', (_, registration) => expect(problemsOf(registration)).toEqual([]))
})

describe('A certificate', () => {
  test.each([
    ['colon hex in upper case', colonHex],
    ['colon hex in lower case', colonHex.toLowerCase()],
    ['base64url', certificate.toString('base64url')],
  ])('is taken as %s, and is the same one', (_, fingerprint) => {
    expect(App.parse({ ...shop, ...android(fingerprint) }).android[0]?.fingerprints).toEqual([certificate.toString('base64url')])
  })

  test.each([
    ['a SHA-1', colonHex.slice(0, 59)],
    ['a byte too many', `${colonHex}:00`],
    ['hex without colons', certificate.toString('hex')],
    ['a letter that is no hex', `${colonHex.slice(0, -1)}G`],
    ['base64', certificate.toString('base64')],
    ['base64url with a slip in it', `${certificate.toString('base64url').slice(0, 20)}!${certificate.toString('base64url').slice(20)}`],
    ['base64url with bits left over', `${certificate.toString('base64url').slice(0, -1)}V`],
    ['31 bytes', randomBytes(31).toString('base64url')],
    ['nothing', ''],
  ])('is refused as %s', (_, fingerprint) => {
    expect(problemsOf(android(fingerprint))).toEqual(['android.0.fingerprints.0: must be the SHA-256 of a certificate: 32 bytes as colon hex or base64url'])
  })

  test('is needed for an Android app', () => expect(problemsOf({ android: [{ package: 'com.example.shop', fingerprints: [] }] })).toHaveLength(1))
})

describe('A slip in the registry is told at start', () => {
  const ofDomain = 'rpId: must be a domain in lower case, such as example.com: no address, port or path'
  test.each([
    ['https://shop.example'], ['shop.example:443'], ['shop.example/login'], ['Shop.example'], ['shop.example.'], ['.shop.example'], ['shop..example'], ['münchen.example'],
    ['127.0.0.1'], ['127.1'], ['0x7f.1'], ['[::1]'], ['::1'], ['com'], ['shop_example.com'], ['-shop.example'], [`${'a'.repeat(64)}.example`], [`${'abc.'.repeat(63)}example`], [''],
  ])('the rpId %o', (rpId) => expect(problemsOf({ rpId })).toEqual([ofDomain]))

  test.each([['ABCDE1234'], ['ABCDE123456'], ['abcde12345'], ['ABCDE-1234'], ['']])('the team id %o', (teamId) => {
    expect(problemsOf(ios(teamId, 'com.example.shop'))).toEqual(['ios.0.teamId: must be 10 of A-Z and 0-9'])
  })

  test.each([['com.example.*'], ['com..example'], ['com.example.'], ['com.example shop'], ['com.exämple'], ['']])('the bundle id %o', (bundleId) => {
    expect(problemsOf(ios('ABCDE12345', bundleId))).toEqual([expect.stringMatching(/^ios\.0\.bundleId: must be of letters, digits and "-"/)])
  })

  test.each([['shop'], ['com.example.1shop'], ['com.example-shop'], ['com.example.'], ['com.example shop'], ['']])('the package %o', (name) => {
    expect(problemsOf(android(colonHex, name))).toEqual([expect.stringMatching(/^android\.0\.package: must be two or more names/)])
  })

  test.each([['https://shop.example/'], ['https://shop.example/login'], ['https://Shop.example'], ['https://shop.example:443'], ['shop.example'], ['android:apk-key-hash:x'], ['']])('the page %o, which is no origin', (page) => {
    expect(problemsOf({ web: [page] })).toEqual(['web.0: must be an origin: scheme, host and port alone'])
  })

  test.each([['http://shop.example'], ['http://127.0.0.1:8787'], ['https://127.0.0.1'], ['https://[::1]'], ['https://shop'], ['ftp://shop.example']])('the page %o, on which no passkey works', (page) => {
    expect(problemsOf({ web: [page] })).toEqual(['web.0: must be https on a domain; http on localhost alone'])
  })

  test('a page of this machine that would use the passkeys of a domain', () => {
    expect(problemsOf({ web: ['https://shop.example', 'http://localhost:3000'] })).toEqual(['web: must not be on localhost unless the rpId is'])
  })

  test.each([['/recover'], ['shop.example/recover'], ['']])('the place to recover a password %o', (recoverUrl) => {
    expect(problemsOf({ recoverUrl })).toEqual([expect.stringMatching(/^recoverUrl: /)])
  })
})
