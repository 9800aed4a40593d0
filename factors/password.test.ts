import { createHash } from 'node:crypto'
import { hash as argon2id } from '@node-rs/argon2'
import { describe, expect, test } from 'vitest'
import { createHashGate } from './hash-gate.ts'
import { formatOf, parseHash } from './password-hash.ts'
import { createBlocklist } from './password-blocklist.ts'
import { createPasswords } from './password.ts'
import type { PasswordOptions } from './password.ts'

const light = { memoryCost: 64, timeCost: 1, parallelism: 1 }
const passwordsWith = (options: Partial<PasswordOptions> = {}) =>
  createPasswords({ gate: createHashGate({ atOnce: 2, queue: 100 }), argon2: light, ...options })
const passwords = passwordsWith()

const format = (stored: string) => {
  const parsed = parseHash(stored)
  return 'unusable' in parsed ? parsed.unusable : formatOf(parsed)
}

describe('a password', () => {
  test('is right against the hash made of it, and no other is', async () => {
    const stored = await passwords.hash('correct horse battery staple')
    expect(await passwords.verify(stored, 'correct horse battery staple')).toEqual({ verdict: 'right', rehash: false })
    for (const other of ['', 'correct horse battery', 'Correct horse battery staple', 'correct horse battery staple ']) {
      expect(await passwords.verify(stored, other)).toEqual({ verdict: 'wrong' })
    }
  })

  test('is hashed with argon2id, 19 MiB and two passes unless told otherwise, and never twice alike', async () => {
    const usual = passwordsWith({ argon2: undefined })
    const [one, two] = [await usual.hash('12345678'), await usual.hash('12345678')]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(two).not.toBe(one)
  })

  test('is the same password in every Unicode form in which it may be typed', async () => {
    const stored = await passwords.hash('contrase\u00f1a \ufb01n \uff11')
    for (const typed of ['contrase\u00f1a \ufb01n \uff11', 'contrasen\u0303a fin 1', 'contrase\u00f1a fin 1']) {
      expect(await passwords.verify(stored, typed)).toMatchObject({ verdict: 'right' })
    }
  })

  test('that was hashed elsewhere, unnormalized, goes on to be right as it is typed', async () => {
    const imported = await argon2id('contrasen\u0303a \ufb01n \uff11', light)
    expect(await passwords.verify(imported, 'contrasen\u0303a \ufb01n \uff11')).toMatchObject({ verdict: 'right' })
    expect(await passwords.verify(imported, 'contrasen\u0303a fin 1')).toEqual({ verdict: 'wrong' })
  })

  test('asks for a new hash when the stored one is not argon2id or weaker than today, but only when it was right', async () => {
    const stronger = passwordsWith({ argon2: { memoryCost: 128, timeCost: 2, parallelism: 1 } })
    const old = [
      '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
      await passwordsWith({ argon2: { memoryCost: 64, timeCost: 2, parallelism: 1 } }).hash('U*U'),
      await passwordsWith({ argon2: { memoryCost: 128, timeCost: 1, parallelism: 1 } }).hash('U*U'),
    ]
    for (const stored of old) {
      expect(await stronger.verify(stored, 'U*U')).toEqual({ verdict: 'right', rehash: true })
      expect(await stronger.verify(stored, 'U*V')).toEqual({ verdict: 'wrong' })
    }
    expect(await passwords.verify(await stronger.hash('U*U'), 'U*U')).toEqual({ verdict: 'right', rehash: false })
  })

  test('is not hashed anew when bcrypt was not able to see all of it', async () => {
    const seen = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
    const stored = '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui'
    expect(await passwords.verify(stored, `${seen} mistyped`)).toEqual({ verdict: 'right', rehash: false })
    expect(await passwords.verify(stored, seen)).toEqual({ verdict: 'right', rehash: true })
  })

  test('is neither right nor wrong against a hash that cannot be read, and the error does not quote it', async () => {
    const error = await passwords.verify('hunter2 in the wrong column', 'hunter2 in the wrong column').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).not.toContain('hunter2')
  })

  test('is not hashed at all when too many are', async () => {
    const narrow = passwordsWith({ gate: createHashGate({ atOnce: 1, queue: 1 }) })
    const decoy = narrow.decoy(new Uint8Array(4), new Map())
    const answers = await Promise.allSettled([narrow.hash('12345678'), narrow.verify(decoy, '12345678'), narrow.hash('12345678')])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(answers[2]).toMatchObject({ reason: { code: 'busy' } })
  })
})

describe('a new password', () => {
  test.each([
    ['eight letters', 'abcdefgh', true],
    ['seven letters', 'abcdefg', 'too_short'],
    ['nothing', '', 'too_short'],
    ['eight emoji', '\u{1f511}'.repeat(8), true],
    ['seven emoji of two code units', '\u{1f511}'.repeat(7), 'too_short'],
    ['four letters and four accents on them', 'n\u0303'.repeat(4), 'too_short'],
    ['1024 bytes', 'x'.repeat(1024), true],
    ['1025 bytes', 'x'.repeat(1025), 'too_long'],
    ['513 letters of two bytes', '\u00f1'.repeat(513), 'too_long'],
    ['a megabyte', 'x'.repeat(1_000_000), 'too_long'],
  ] as const)('of %s', (_, password, answer) => {
    expect(passwords.acceptable(password)).toBe(answer)
  })

  test('may be of any signs: no kind of them is asked for, and none is refused', () => {
    for (const password of ['aaaaaaab', 'ABCDEFGH', '48151623', '        ', '\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007', 'пароль дня', '密码密码密码密码', '~!@#$%^&*()_+']) {
      expect(passwords.acceptable(password)).toBe(true)
    }
  })

  test('is as long as the company wants', () => {
    const long = passwordsWith({ minLength: 15 })
    expect([long.acceptable('x'.repeat(14)), long.acceptable('x'.repeat(15))]).toEqual(['too_short', true])
  })

  test('is none that is guessed first, for anybody or for this person', () => {
    const careful = passwordsWith({ blocklist: createBlocklist({ passwords: ['iloveyou1'], words: ['Northwind'] }) })
    for (const password of ['ILoveYou1', 'Northwind1', 'ada@example.com']) expect(careful.acceptable(password, ['ada@example.com'])).toBe('guessable')
    expect(careful.acceptable('iloveyou2')).toBe(true)
  })
})

describe('the decoy of an unknown identifier', () => {
  const selector = (n: number) => createHash('sha256').update(`somebody-${n}@example.com`).digest()
  const formats = new Map([['$argon2id$v=19$m=64,t=1,p=1', 300], ['$2b$04', 100], ['$2b$05', 0]])
  const decoysOf = (mixed: ReadonlyMap<string, number>) => Array.from({ length: 4000 }, (_, n) => format(passwords.decoy(selector(n), mixed)))

  test('is of our own format when no other occurs, and wrong for every password', async () => {
    for (const none of [new Map(), new Map([['$2b$04', 0]])]) {
      const decoy = passwords.decoy(selector(1), none)
      expect(format(decoy)).toBe('$argon2id$v=19$m=64,t=1,p=1')
      expect(await passwords.verify(decoy, '')).toEqual({ verdict: 'wrong' })
    }
  })

  test('is always the same for an identifier', () => {
    for (let n = 0; n < 20; n++) expect(passwords.decoy(selector(n), formats)).toBe(passwords.decoy(selector(n), new Map(formats)))
  })

  test('is met in the formats that occur, as often as they do', () => {
    const met = decoysOf(formats)
    expect(new Set(met)).toEqual(new Set(['$argon2id$v=19$m=64,t=1,p=1', '$2b$04']))
    expect(met.filter((one) => one === '$2b$04').length / met.length).toBeCloseTo(0.25, 1)
  })

  test('changes with the formats for no more identifiers than it must, and then to the format that became more frequent', () => {
    const [before, after] = [decoysOf(formats), decoysOf(new Map([...formats, ['$2b$04', 200]]))]
    const changed = after.filter((one, n) => one !== before[n])
    expect(new Set(changed)).toEqual(new Set(['$2b$04']))
    // From 25 to 40 of a hundred.
    expect(changed.length / before.length).toBeCloseTo(0.15, 1)
  })

  test('cannot be of a format that nothing could be verified against', () => {
    expect(() => passwords.decoy(selector(1), new Map([['$md5', 1]]))).toThrow(TypeError)
  })
})
