import { createSecretKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { guessing } from '../domain/guesses.ts'
import { addressKey } from './address.ts'
import { guessCases } from './guesses-cases.ts'
import { createGuessesHere } from './guesses-here.ts'
import type { GuessCounter } from './guess-counter.ts'
import { createGuesses, type Guessed } from './guesses.ts'

const runs = process.env['PROVE'] ? 5_000 : 300

describe('In the memory of one engine', () => {
  const counter = createGuessesHere(10_000)
  test.each(guessCases(runs))('%s', async (_, run) => run(counter, counter, 'key'.concat(String(Math.random()))))
})

describe('Guesses', () => {
  let time = Date.parse('2026-03-02T08:00:00.000Z')
  const open = (shared?: GuessCounter) => createGuesses({ shared, secret: createSecretKey(Buffer.alloc(32, 1)), now: () => new Date(time), inBackground: (work) => void work.catch(() => {}) })
  const password = (of: string): Guessed => ({ factor: 'password', of })
  const wrongly = async (guesses: ReturnType<typeof open>, guessed: Guessed, from?: string): Promise<string> => {
    const guess = await guesses.count(guessed, from, false)
    if ('refused' in guess) return guess.refused
    guess.settle('wrong')
    return 'judged'
  }

  test('of a password and of a code are counted apart, and so are two people’s', async () => {
    const guesses = open()
    for (let n = 0; n < 5; n += 1) await wrongly(guesses, password('ada'))
    expect(await wrongly(guesses, password('ada'))).toBe('guessing_delayed')
    expect(await wrongly(guesses, { factor: 'otp', of: 'ada' })).toBe('judged')
    expect(await wrongly(guesses, password('bob'))).toBe('judged')
  })

  test('from one network are taken a thousand wrong ones an hour, however many people they are meant for; right ones do not count', async () => {
    const guesses = open()
    const rightly = async (of: string) => {
      const guess = await guesses.count(password(of), '2001:db8:1:2::1', false)
      if (!('refused' in guess)) guess.settle('right')
    }
    for (let n = 0; n < guessing.fromAddress; n += 1) {
      await rightly(`somebody ${n}`)
      expect(await wrongly(guesses, password(`nobody ${n}`), `2001:db8:1:2:${n.toString(16)}::1`)).toBe('judged')
    }
    expect(await wrongly(guesses, password('ada'), '2001:db8:1:2:ffff::')).toBe('guessing_delayed')
    expect(await wrongly(guesses, password('ada'), '2001:db8:1:3::1')).toBe('judged')
    time += guessing.addressWindow
    expect(await wrongly(guesses, password('ada'), '2001:db8:1:2::1')).toBe('judged')
  })

  test('of one person are not put off because too many came from an address, when the shared counter is away then', async () => {
    const here = createGuessesHere(10)
    let away = false
    const guesses = open({ ...here, count: async (guess) => (away ? Promise.reject(new Error('away')) : guess.address ? { blockedUntil: new Date(time + 3_600_000), wrong: 5 } : here.count(guess)) })
    expect(await wrongly(guesses, password('ada'), '198.51.100.7')).toBe('guessing_delayed')
    away = true
    expect(await wrongly(guesses, password('ada'), '198.51.100.8')).toBe('guessing_delayed')
    time += 2_000
    expect(await wrongly(guesses, password('ada'), '198.51.100.8')).toBe('judged')
  })

  test('are counted together again a moment after the shared counter is back, whatever the clock did', async () => {
    const here = createGuessesHere(10)
    let asked = 0
    const guesses = open({ ...here, count: async () => ((asked += 1), Promise.reject(new Error('away'))) })
    for (const step of [0, 999, 1, -3_600_000]) {
      time += step
      await wrongly(guesses, password('ada'))
    }
    expect(asked).toBe(3)
    time += 3_600_000
  })

  test('are kept under keys that say nothing about anybody', async () => {
    const said: string[] = []
    const here = createGuessesHere(10)
    const guesses = open({ ...here, count: (guess) => (said.push(JSON.stringify(guess)), here.count(guess)), countAddress: async (...all) => void said.push(JSON.stringify(all)) })
    await wrongly(guesses, password('ada@example.com'), '198.51.100.7')
    await new Promise((resolve) => setImmediate(resolve))
    expect(said).toHaveLength(2)
    expect(said.join()).not.toMatch(/ada|198/)
  })

  test('are forgiven with one statement for all that are right while another one is under way', async () => {
    const here = createGuessesHere(1_000)
    const statements: number[] = []
    let answer = () => {}
    const slow: GuessCounter = {
      ...here,
      async reset(resets) {
        statements.push(resets.length)
        await new Promise<void>((resolve) => (answer = resolve))
        return here.reset(resets)
      },
    }
    const guesses = open(slow)
    for (let n = 0; n < 50; n += 1) {
      const guess = await guesses.count(password(`person ${n}`), undefined, false)
      if (!('refused' in guess)) guess.settle('right')
    }
    answer()
    await new Promise((resolve) => setImmediate(resolve))
    expect(statements).toEqual([1, 49])
    answer()
  })

  test('that were right are so for the next guess at this engine, whatever is under way', async () => {
    const here = createGuessesHere(1_000)
    const slow: GuessCounter = { ...here, reset: async (resets) => (await new Promise((resolve) => setImmediate(resolve)), here.reset(resets)) }
    const guesses = open(slow)
    for (let n = 0; n < 5; n += 1) await wrongly(guesses, password('ada'))
    time += 2_000
    for (let n = 0; n < 3; n += 1) {
      const guess = await guesses.count(password('ada'), undefined, false)
      expect(guess).toMatchObject({ wrong: n === 0 ? 6 : 1 })
      if (!('refused' in guess)) guess.settle('right')
    }
  })
})

describe('An address', () => {
  test.each([
    ['198.51.100.7', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['::ffff:c633:6407', '198.51.100.7'],
    ['0:0:0:0:0:ffff:198.51.100.7', '198.51.100.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::1%eth0', '2001:db8:0:0::/64'],
    ['::1:2:3:4:5', '0:0:0:1::/64'],
  ])('%s is counted as %s', (address, key) => expect(addressKey(address)).toBe(key))

  test.each(['10.1.2.3', '127.0.0.1', '192.168.1.1', '172.31.0.1', '100.64.0.1', '::1', '::ffff:10.0.0.1', 'fd00::1', 'fe80::1%eth0', '', 'somewhere'])(
    '%s is not counted: it may be a proxy’s, and so everybody’s',
    (address) => expect(addressKey(address)).toBeUndefined(),
  )
})
