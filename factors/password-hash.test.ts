import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dummyHash, formatOf, parseHash, verifyHash } from './password-hash.ts'
import type { ParsedHash } from './password-hash.ts'

const read = (stored: string): ParsedHash => {
  const parsed = parseHash(stored)
  if ('unusable' in parsed) throw new Error(parsed.unusable)
  return parsed
}
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
const fromHex = (hex: string) => base64(Buffer.from(hex, 'hex'))

const published: [source: string, password: string, stored: string][] = [
  // The test file of the reference implementation of Argon2.
  ['argon2id', 'password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
  ['argon2id, little memory', 'password', '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'],
  ['argon2id, two lanes', 'password', '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc'],
  ['argon2id, another password', 'differentpassword', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94'],
  ['argon2id, another salt', 'password', '$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw'],
  // The test vectors of jBCrypt, of crypt_blowfish, and of passlib for bytes above 127.
  ['bcrypt, no password', '', '$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.'],
  ['bcrypt', 'abcdefghijklmnopqrstuvwxyz', '$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC'],
  ['bcrypt $2a$', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['bcrypt $2b$', 'U*U', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['bcrypt $2y$', '\u0451', '$2y$05$6bNw2HLQYeqHYyBfLMsv/OUcZd0LKP39b87nBw3.S2tVZSqiQX6eu'],
  [
    'bcrypt, more than 72 bytes',
    '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored',
    '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui',
  ],
  // RFC 7914, section 12, as PHC strings, and the example of passlib's manual.
  ['scrypt, p = 16', 'password', `$scrypt$ln=10,r=8,p=16$${base64('NaCl')}$${fromHex(
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640')}`],
  ['scrypt, p = 1', 'pleaseletmein', `$scrypt$ln=14,r=8,p=1$${base64('SodiumChloride')}$${fromHex(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887')}`],
  ['scrypt of passlib', 'password', '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E'],
  // RFC 7914, section 11, as PHC strings.
  ['PBKDF2, one iteration', 'passwd', `$pbkdf2-sha256$i=1,l=64$${base64('salt')}$${fromHex(
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783')}`],
  ['PBKDF2, 80000 iterations', 'Password', `$pbkdf2-sha256$i=80000,l=64$${base64('NaCl')}$${fromHex(
    '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d')}`],
  // Made with Python's hashlib, written as the two libraries do; the salt of passlib's has all of its '.' and '/'.
  ['PBKDF2 with SHA-512', 'pass', '$pbkdf2-sha512$i=1000,l=64$++/+Pg8aKzxNXm9wgZKjtA$'
    + 'WQ7P52Rkdabo0/K4XOf0CpkeamxJAQIt1EfgGaMt/WPUDknt/CPJhyHuu4W0/WIUCXT1NkAs/zpzezSxmLtX6Q'],
  ['PBKDF2 of passlib', 'contrase\u00f1a', '$pbkdf2-sha256$29000$../.Pg8aKzxNXm9wgZKjtA$YYEvd3uA1LzTKFIKRJ1242jGRRs8mO5kmgvpIbtFocE'],
  ['PBKDF2 of passlib with SHA-512', 'contrase\u00f1a', '$pbkdf2-sha512$29000$../.Pg8aKzxNXm9wgZKjtA$'
    + 'YqD6GSz/s68LHaVRCEw8kIpVHC5cvL15SArDYIJsWzpD/N7viRHroVoMoANRAQiafr0ZKfIqbFNndfMuz41SqA'],
  ['PBKDF2 of Django', 'correct horse battery staple', 'pbkdf2_sha256$20000$Xq3mZ0yT7sLkP2vR9wBnA4$gXbANQlIJdOwGWYe3dhzIbGDS1q2r/O48f6eFaUzllk='],
]

describe('a stored hash', () => {
  test.each(published)('of %s is right for its password alone', async (_, password, stored) => {
    const parsed = read(stored)
    expect(await verifyHash(parsed, password)).toBe(true)
    expect(await verifyHash(parsed, `x${password}`)).toBe(false)
    expect(await verifyHash(parsed, '')).toBe(password === '')
  })

  test('of bcrypt may have unused bits set, as old libraries left them', async () => {
    expect(await verifyHash(read('$2a$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeX'), 'U*U')).toBe(true)
  })

  test('is wrong when a bit of its hash is another', async () => {
    for (const [, password, stored] of published.filter(([, , text]) => read(text).scheme !== 'scrypt')) {
      const parsed = read(stored)
      parsed.hash[parsed.hash.length - 1]! ^= 1
      expect(await verifyHash(parsed, password)).toBe(false)
    }
  })

  test('gives its parameters as one text, however it is spelled', () => {
    const formats = published.map(([, , stored]) => formatOf(read(stored)))
    expect(new Set(formats)).toEqual(new Set([
      '$argon2id$v=19$m=65536,t=2,p=1', '$argon2id$v=19$m=256,t=2,p=1', '$argon2id$v=19$m=256,t=2,p=2', '$2b$05', '$2b$06',
      '$scrypt$ln=10,r=8,p=16', '$scrypt$ln=14,r=8,p=1', '$scrypt$ln=16,r=8,p=1',
      '$pbkdf2-sha256$i=1,l=64', '$pbkdf2-sha256$i=80000,l=64', '$pbkdf2-sha256$i=29000,l=32', '$pbkdf2-sha256$i=20000,l=32',
      '$pbkdf2-sha512$i=1000,l=64', '$pbkdf2-sha512$i=29000,l=64',
    ]))
  })
})

const salt = base64('sixteen bytes :)')
const hash = base64('thirty-two bytes of some hash ..')
const bcrypt53 = 'CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'

describe('what cannot be used', () => {
  test.each([
    ['nothing', ''],
    ['a password', 'correct horse battery staple'],
    ['dollars', '$$$$$$$$'],
    ['1 MB', '$'.repeat(1_000_000)],
    ['a 1 MB salt', `$argon2id$v=19$m=64,t=1,p=1$${'A'.repeat(1_000_000)}$${hash}`],
    ['argon2i', `$argon2i$v=19$m=64,t=1,p=1$${salt}$${hash}`],
    ['argon2d', `$argon2d$v=19$m=64,t=1,p=1$${salt}$${hash}`],
    ['argon2 without version', `$argon2id$m=64,t=1,p=1$${salt}$${hash}`],
    ['argon2 1.0', `$argon2id$v=16$m=64,t=1,p=1$${salt}$${hash}`],
    ['argon2 with a key', `$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA$${salt}$${hash}`],
    ['argon2 in another order', `$argon2id$v=19$t=1,m=64,p=1$${salt}$${hash}`],
    ['argon2 without hash', `$argon2id$v=19$m=64,t=1,p=1$${salt}`],
    ['argon2 with an empty hash', `$argon2id$v=19$m=64,t=1,p=1$${salt}$`],
    ['argon2 with a short salt', `$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAA$${hash}`],
    ['argon2 with no passes', `$argon2id$v=19$m=64,t=0,p=1$${salt}$${hash}`],
    ['argon2 with no lanes', `$argon2id$v=19$m=64,t=1,p=0$${salt}$${hash}`],
    ['argon2 with too little memory', `$argon2id$v=19$m=31,t=1,p=4$${salt}$${hash}`],
    ['argon2 with more', `$argon2id$v=19$m=64,t=1,p=1$${salt}$${hash}$AAAA`],
    ['bcrypt $2x$', `$2x$05$${bcrypt53}`],
    ['bcrypt $2$', `$2$05$${bcrypt53}`],
    ['bcrypt cut off', `$2b$05$${bcrypt53.slice(1)}`],
    ['bcrypt and more', `$2b$05$${bcrypt53}A`],
    ['bcrypt with a line end', `$2b$05$${bcrypt53}\n`],
    ['bcrypt with a cost of one digit', `$2b$5$${bcrypt53}`],
    ['bcrypt with too low a cost', `$2b$03$${bcrypt53}`],
    ['scrypt with r = 0', `$scrypt$ln=4,r=0,p=1$${salt}$${hash}`],
    ['scrypt with N = 1', `$scrypt$ln=0,r=8,p=1$${salt}$${hash}`],
    ['scrypt with N too large for r', `$scrypt$ln=16,r=1,p=1$${salt}$${hash}`],
    ['another scrypt', `$s0$e0801$${salt}$${hash}`],
    ['PBKDF2 with SHA-1', `$pbkdf2$29000$${salt}$${hash}`],
    ['PBKDF2 without iterations', `$pbkdf2-sha256$0$${salt}$${hash}`],
    ['PBKDF2 with another length', `$pbkdf2-sha256$i=1,l=31$${salt}$${hash}`],
    ['PBKDF2 with padding', `$pbkdf2-sha256$1$${salt}==$${hash}=`],
    ['Django without padding', `pbkdf2_sha256$1$salt$${hash}`],
    ['Django without salt', `pbkdf2_sha256$1$$${hash}=`],
    ['broken base64', `$scrypt$ln=4,r=8,p=1$${salt}$${hash.slice(0, -2)}!!`],
    ['base64url', `$scrypt$ln=4,r=8,p=1$${salt}$${'_'.repeat(43)}`],
    ['half a byte of base64', `$scrypt$ln=4,r=8,p=1$${salt}$${hash}AA`],
    ['a hash of 15 bytes', `$scrypt$ln=4,r=8,p=1$${salt}$${'A'.repeat(20)}`],
    ['a hash of 65 bytes', `$scrypt$ln=4,r=8,p=1$${salt}$${base64(new Uint8Array(65))}`],
  ])('%s is refused with a reason', (_, stored) => {
    expect(parseHash(stored)).toEqual({ unusable: expect.stringMatching(/\w{3}/) })
  })

  test.each([
    ['argon2id memory', (m: number) => `$argon2id$v=19$m=${m},t=4,p=1$${salt}$${hash}`, 1_048_576],
    ['argon2id passes', (t: number) => `$argon2id$v=19$m=65536,t=${t},p=1$${salt}$${hash}`, 64],
    ['argon2id lanes', (p: number) => `$argon2id$v=19$m=65536,t=1,p=${p}$${salt}$${hash}`, 255],
    ['bcrypt cost', (cost: number) => `$2b$${cost}$${bcrypt53}`, 16],
    ['scrypt N', (ln: number) => `$scrypt$ln=${ln},r=8,p=1$${salt}$${hash}`, 20],
    ['scrypt p', (p: number) => `$scrypt$ln=19,r=8,p=${p}$${salt}$${hash}`, 2],
    ['PBKDF2 iterations', (i: number) => `$pbkdf2-sha256$i=${i},l=32$${salt}$${hash}`, 5_000_000],
    ['PBKDF2 iterations of two blocks', (i: number) => `$pbkdf2-sha256$${i}$${salt}$${base64(new Uint8Array(64))}`, 2_500_000],
    ['Django iterations', (i: number) => `pbkdf2_sha256$${i}$salt$${hash}=`, 5_000_000],
  ])('%s has a bound', (_, stored, most) => {
    expect(parseHash(stored(most))).not.toHaveProperty('unusable')
    for (const value of [most + 1, most * 1000, 999_999_999, 1e20, -1]) expect(parseHash(stored(value))).toHaveProperty('unusable')
  })

  test('is never quoted in the reason, and never thrown over', () => {
    const starts = fc.constantFrom('', '$', ...published.map(([, , stored]) => stored))
    const start = fc.tuple(starts, fc.nat(100)).map(([stored, end]) => stored.slice(0, end))
    fc.assert(fc.property(start, fc.string({ unit: 'binary', minLength: 4 }), (text, secret) => {
      const parsed = parseHash(text + secret)
      if ('unusable' in parsed) expect(parsed.unusable).not.toContain(secret)
    }), { seed: 31, numRuns: 2000 })
  })

  test('does not include what `parseHash` lets through: such a hash can always be verified', async () => {
    const small = (most: number) => fc.integer({ min: 0, max: most })
    const parameters = fc.oneof(
      fc.tuple(small(80), small(2), small(4)).map(([m, t, p]) => `$argon2id$v=19$m=${m},t=${t},p=${p}`),
      fc.tuple(small(5), small(3), small(3)).map(([ln, r, p]) => `$scrypt$ln=${ln},r=${r},p=${p}`),
      fc.tuple(fc.constantFrom('256', '512'), small(3)).map(([digest, i]) => `$pbkdf2-sha${digest}$${i}`),
    )
    const bytes = fc.uint8Array({ maxLength: 70, size: 'max' })
    let usable = 0
    await fc.assert(fc.asyncProperty(parameters, bytes, bytes, fc.string(), async (text, someSalt, someHash, password) => {
      const parsed = parseHash([text, base64(someSalt), base64(someHash)].join('$'))
      if ('unusable' in parsed) return
      usable++
      expect(await verifyHash(parsed, password)).toBe(false)
    }), { seed: 32, numRuns: 500 })
    expect(usable).toBeGreaterThan(100)
  })
})

describe('a dummy hash', () => {
  const bytes = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 73 + size) % 256)

  test.each([
    '$argon2id$v=19$m=64,t=1,p=1', '$2b$04', '$scrypt$ln=4,r=8,p=1',
    '$pbkdf2-sha256$i=1000,l=32', '$pbkdf2-sha256$i=1000,l=64', '$pbkdf2-sha512$i=1000,l=64',
  ])('has the parameters %s, and is wrong for a password', async (format) => {
    const parsed = read(dummyHash(format, bytes))
    expect(formatOf(parsed)).toBe(format)
    expect(Buffer.from(parsed.salt)).toEqual(Buffer.from(bytes(16)))
    expect(await verifyHash(parsed, 'password')).toBe(false)
  })

  test.each([
    '', '$2b$', '$2y$12', '$2b$99', '$argon2id', '$argon2id$v=19$m=99999999,t=1,p=1', '$pbkdf2-sha256$29000', '$scrypt$ln=4,r=8,p=1$AAAA',
  ])('does not exist for %j', (format) => {
    expect(() => dummyHash(format, bytes)).toThrow(TypeError)
  })
})
