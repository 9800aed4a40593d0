import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Sealed } from '../domain/event.ts'
import { Unavailable } from '../eventlog/event-log.ts'
import { eventsOf, openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import type { MasterKeys } from './masters.ts'
import { uuidOf } from './sealing.ts'
import { Forgotten, openVault, WrongMasterKey } from './vault.ts'

const [ada, bob] = [randomUUID(), randomUUID()]
const master = randomBytes(32)
const keyOf = (id: string) => `key-${id}`
const periodKey = (period: string) => keyOf(uuidOf(`period ${period}`))

let file: ReturnType<typeof openTestFile>
let log: BreakableLog
beforeEach(() => {
  file = openTestFile()
  log = file.open()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await file.remove()
})

/** As a process has it that was just started. */
const openFresh = (masterKeys: MasterKeys = [master], on: BreakableLog = log) =>
  openVault({ streams: createStreams({ log: on, now: () => new Date('2026-03-02T08:00:00.000Z'), newId: randomUUID }), masterKeys })

/** Every other part of a sealed value as it was, one byte of what is sealed changed. */
const flipped = (sealed: Sealed, byte: number): Sealed => {
  const end = sealed.lastIndexOf('.') + 1
  const bytes = Buffer.from(sealed.slice(end), 'base64url')
  bytes[byte < 0 ? bytes.length + byte : byte]! ^= 1
  return `${sealed.slice(0, end)}${bytes.toString('base64url')}` as Sealed
}

const scopes = [
  ['by account', { account: ada }],
  ['by period', { period: '2026-03' }],
  ['by period and account', { period: '2026-03', account: ada }],
] as const

describe.each(scopes)('A value sealed %s', (_, scope) => {
  test.each([['ada@example.com'], ['Zoë 🗝️ \u0000 ﷽ e\u0301'], [''], ['x'.repeat(100_000)]])('opens to what it was: %.20s', async (text) => {
    const sealed = await (await openFresh()).seal(scope, text)
    expect(await (await openFresh()).open(sealed)).toBe(text)
  })

  test('never looks the same twice', async () => {
    const vault = await openFresh()
    expect(await vault.seal(scope, 'ada@example.com')).not.toBe(await vault.seal(scope, 'ada@example.com'))
  })

  test('with a changed byte does not open, wherever it is', async () => {
    const vault = await openFresh()
    const sealed = await vault.seal(scope, 'ada@example.com')
    // The nonce, the text, and the tag.
    for (const byte of [0, 11, 12, 20, -16, -1]) await expect(vault.open(flipped(sealed, byte))).rejects.toThrow()
    for (const cut of [1, 8, 30]) await expect(vault.open(sealed.slice(0, -cut) as Sealed)).rejects.toThrow()
    expect(await vault.open(sealed)).toBe('ada@example.com')
  })

  test('stands nowhere in the log, nor does its key', async () => {
    const vault = await openFresh()
    const sealed = await vault.seal(scope, 'a very recognizable text')
    await log.append('session-1', [{ id: randomUUID(), type: 'X', data: { sealed }, metadata: { at: '', actor: '', $correlationId: '', $causationId: '' } }], 'none')
    const bytes = Buffer.concat(['', '-wal'].map((end) => readFileSync(`${file.file}${end}`)))
    expect(bytes.includes(sealed)).toBe(true)
    for (const secret of ['a very recognizable text', 'recognizable', master]) expect(bytes.includes(secret)).toBe(false)
    expect(bytes.includes(master.toString('base64')) || bytes.includes(master.toString('base64url'))).toBe(false)
  })
})

describe('A sealed value', () => {
  test('moved to another account does not open', async () => {
    const vault = await openFresh()
    await vault.createAccountKey(bob)
    const moved = async (sealed: Promise<Sealed>) => vault.open((await sealed).replace(ada, bob) as Sealed)
    await expect(moved(vault.seal({ account: ada }, 'a hash'))).rejects.toThrow()
    await expect(moved(vault.seal({ period: '2026-03', account: ada }, 'an address'))).rejects.toThrow()
  })

  test('moved to another period does not open', async () => {
    const vault = await openFresh()
    await vault.seal({ period: '2026-04' }, 'makes its key')
    const sealed = await vault.seal({ period: '2026-03' }, 'an address')
    await expect(vault.open(sealed.replace('2026-03', '2026-04') as Sealed)).rejects.toThrow()
  })

  test('does not open as one of another kind', async () => {
    const vault = await openFresh()
    const [byAccount, byPeriod] = [await vault.seal({ account: ada }, 'a hash'), await vault.seal({ period: '2026-03', account: ada }, 'an address')]
    const text = (sealed: Sealed) => sealed.slice(sealed.lastIndexOf('.') + 1)
    await expect(vault.open(`a1.${ada}.${text(byPeriod)}` as Sealed)).rejects.toThrow()
    await expect(vault.open(`p1.2026-03.${ada}.${text(byAccount)}` as Sealed)).rejects.toThrow()
    await expect(vault.open('ada@example.com' as Sealed)).rejects.toThrow('not a sealed value')
  })

  test('of a person without a key is closed, and looking at it makes none', async () => {
    const vault = await openFresh()
    expect(await vault.open(`a1.${ada}.AAAA` as Sealed)).toBeUndefined()
    expect(await eventsOf(log, keyOf(ada))).toEqual([])
  })
})

describe('To forget a person', () => {
  const everything = async () => {
    const vault = await openFresh()
    const sealed = [await vault.seal({ account: ada }, 'a hash'), await vault.seal({ period: '2026-03', account: ada }, 'an address')]
    const others = [await vault.seal({ account: bob }, 'a hash'), await vault.seal({ period: '2026-03' }, 'an address')]
    return { vault, sealed, others }
  }
  const opened = async (vault: Awaited<ReturnType<typeof openFresh>>, values: Sealed[]) => Promise.all(values.map((value) => vault.open(value)))

  test('closes all that was sealed for them, and nothing else', async () => {
    const { sealed, others } = await everything()
    await log.seal(keyOf(ada))
    const vault = await openFresh()
    expect(await opened(vault, sealed)).toEqual([undefined, undefined])
    expect(await opened(vault, others)).toEqual(['a hash', 'an address'])
  })

  test('is final: there is no new key under the old name, and nothing more can be sealed for them', async () => {
    await everything()
    await log.seal(keyOf(ada))
    const vault = await openFresh()
    await expect(vault.createAccountKey(ada)).rejects.toThrow(Forgotten)
    await expect(vault.seal({ account: ada }, 'a hash')).rejects.toThrow(Forgotten)
    await expect(vault.seal({ period: '2026-03', account: ada }, 'an address')).rejects.toThrow(Forgotten)
  })

  test('by the engine that is told to leaves nothing of it in its memory', async () => {
    const { vault, sealed, others } = await everything()
    await vault.forget(ada)
    expect(await opened(vault, sealed)).toEqual([undefined, undefined])
    expect(await opened(vault, others)).toEqual(['a hash', 'an address'])
    await expect(vault.seal({ account: ada }, 'a hash')).rejects.toThrow(Forgotten)
    await vault.forget(ada)
  })

  test('does not let a key back into memory that was read a moment before', async () => {
    const { sealed } = await everything()
    const slow = file.open()
    const vault = await openFresh([master], { ...slow, async *read(stream, from) {
      const events = await eventsOf(slow, stream)
      if (stream === keyOf(ada) && events.length > 0) await vault.forget(ada)
      yield* events.slice(from)
    } })
    expect(await opened(vault, sealed.slice(0, 1))).toEqual(['a hash'])
    expect(await opened(vault, sealed)).toEqual([undefined, undefined])
  })

  test('whose key the log could not seal can be repeated', async () => {
    const { vault, sealed } = await everything()
    const seal = log.seal
    log.seal = async () => Promise.reject(new Unavailable('the log is away'))
    await expect(vault.forget(ada)).rejects.toThrow(Unavailable)
    log.seal = seal
    await vault.forget(ada)
    expect(await opened(vault, sealed)).toEqual([undefined, undefined])
  })

  test('reaches a running engine within a minute', async () => {
    const { vault, sealed, others } = await everything()
    await log.seal(keyOf(ada))
    const later = performance.now() + 60_001
    vi.spyOn(performance, 'now').mockReturnValue(later)
    // The cache looks at its clock once a millisecond.
    await sleep(5)
    expect(await opened(vault, sealed)).toEqual([undefined, undefined])
    expect(await opened(vault, others)).toEqual(['a hash', 'an address'])
    await expect(vault.createAccountKey(ada)).rejects.toThrow(Forgotten)
  })
})

test('A period that is dropped takes its values along, and those of the accounts stay', async () => {
  const vault = await openFresh()
  const aged = [await vault.seal({ period: '2026-03' }, 'an address'), await vault.seal({ period: '2026-03', account: ada }, 'an address')]
  const kept = [await vault.seal({ period: '2026-04', account: ada }, 'an address'), await vault.seal({ account: ada }, 'a hash')]
  await log.seal(periodKey('2026-03'))
  const later = await openFresh()
  expect(await Promise.all(aged.map((value) => later.open(value)))).toEqual([undefined, undefined])
  expect(await Promise.all(kept.map((value) => later.open(value)))).toEqual(['an address', 'a hash'])
})

describe('A key of an account', () => {
  test('is made once, also by two engines at once', async () => {
    const vaults = await Promise.all([openFresh(), openFresh([master], file.open())])
    await Promise.all(vaults.map((vault) => vault.createAccountKey(ada)))
    const sealed = await Promise.all(vaults.map((vault) => vault.seal({ account: ada }, 'a hash')))
    expect(await eventsOf(log, keyOf(ada))).toHaveLength(1)
    const fresh = await openFresh()
    expect(await Promise.all(sealed.map((value) => fresh.open(value)))).toEqual(['a hash', 'a hash'])
  })

  test('is wrapped: it says its purpose and the name of the master key, and no more', async () => {
    await (await openFresh()).createAccountKey(ada)
    const [made] = await eventsOf(log, keyOf(ada))
    expect(made).toMatchObject({ type: 'KeyWrapped', data: { purpose: 'account' } })
    // A nonce, 32 bytes and a tag.
    expect(Buffer.from(String(made?.data['wrapped']), 'base64url')).toHaveLength(12 + 32 + 16)
  })

  test('moved into the stream of another account does not open', async () => {
    await (await openFresh()).createAccountKey(ada)
    const [made] = await eventsOf(log, keyOf(ada))
    await log.append(keyOf(bob), [{ ...made!, id: randomUUID() }], 'none')
    await expect((await openFresh()).seal({ account: bob }, 'a hash')).rejects.toThrow()
  })
})

describe('The master key', () => {
  test('may be given with those before it: what they wrapped still opens, what is new is wrapped under the first', async () => {
    const old = await (await openFresh()).seal({ account: ada }, 'a hash')
    const next = randomBytes(32)
    const vault = await openFresh([next, master])
    expect(await vault.open(old)).toBe('a hash')
    const young = await vault.seal({ account: bob }, 'another hash')
    await expect((await openFresh([master, randomBytes(32)])).open(young)).rejects.toThrow(WrongMasterKey)
    expect(await (await openFresh([master, next])).open(young)).toBe('another hash')
  })

  test('must be the one of the log', async () => {
    await openFresh()
    const error = await openFresh([randomBytes(32)]).catch((thrown: unknown) => thrown as Error)
    expect(error).toBeInstanceOf(WrongMasterKey)
    expect(String(error)).not.toContain(master.toString('base64url'))
  })
})

describe('What is derived', () => {
  test('is the same after a restart, and under a new master key', async () => {
    const of = (vault: Awaited<ReturnType<typeof openFresh>>) => [vault.lookup('ada@example.com'), vault.secret('codes').export().toString('hex')]
    const first = of(await openFresh())
    expect([of(await openFresh()), of(await openFresh([randomBytes(32), master]))]).toEqual([first, first])
  })

  test('is another in another log, also under the same master key', async () => {
    const elsewhere = openTestFile()
    const [here, there] = [await openFresh(), await openFresh([master], elsewhere.open())]
    expect(here.lookup('ada@example.com')).not.toBe(there.lookup('ada@example.com'))
    expect(here.secret('codes').equals(there.secret('codes'))).toBe(false)
    await elsewhere.remove()
  })

  test('is another for every identifier and every purpose', async () => {
    const vault = await openFresh()
    const all = [vault.lookup('ada'), vault.lookup('bob'), ...['codes', 'pins', 'refresh tokens', 'fingerprints'].map((purpose) => vault.secret(purpose).export().toString('hex'))]
    expect(new Set(all).size).toBe(all.length)
    for (const one of all) expect(one).toMatch(/^[0-9a-f]{64}$/)
  })

  test('is agreed on by two engines that start on an empty log at once', async () => {
    const vaults = await Promise.all([openFresh(), openFresh([master], file.open())])
    expect(vaults[0].lookup('ada')).toBe(vaults[1].lookup('ada'))
    expect(vaults[0].secret('codes')).toEqual(vaults[1].secret('codes'))
  })
})
