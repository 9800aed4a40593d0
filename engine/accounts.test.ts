import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Unavailable } from '../eventlog/event-log.ts'
import { openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { createHashGate } from '../factors/hash-gate.ts'
import { createPasswords } from '../factors/password.ts'
import { openVault } from '../vault/vault.ts'
import { createAccounts, type NewAccount } from './accounts.ts'
import { openParts } from './testing.ts'

const master = randomBytes(32)
const passwords = createPasswords({ gate: createHashGate({ atOnce: 2, queue: 8 }) })
const person = (...identifiers: string[]): NewAccount => ({ source: 'import', identifiers })
const ada = person('ada', 'ada@example.com', '+436601234567')

let file: ReturnType<typeof openTestFile>
let seconds: number
beforeEach(() => {
  file = openTestFile()
  seconds = 0
})
afterEach(() => file.remove())

/** As a process has it that was just started. */
async function openProcess(beforeRead: (stream: string) => Promise<unknown> = async () => {}) {
  const open = file.open()
  const log: BreakableLog = {
    ...open,
    async *read(stream, from) {
      await beforeRead(stream)
      yield* open.read(stream, from)
    },
  }
  const streams = createStreams({ log, now: () => new Date(Date.UTC(2026, 2, 2) + seconds * 1000), newId: randomUUID })
  const vault = await openVault({ streams, masterKeys: [master] })
  return { ...createAccounts({ streams, vault, passwords, ...(await openParts({ streams })), newId: randomUUID }), vault, log }
}
type Process = Awaited<ReturnType<typeof openProcess>>

const ownersOf = async ({ find }: Process, { identifiers }: NewAccount) => Promise.all(identifiers.map(async (one) => (await find(one))?.id))
const registrations = async ({ log }: Process): Promise<number> => {
  let count = 0
  for await (const { type } of log.readAll({ prefixes: ['account-'] })) if (type === 'AccountRegistered') count += 1
  return count
}

describe('A registration', () => {
  test.each([0, 1, 2, 3, 4])('that breaks off after %i appends is finished by the next one at once, under the id that it had', async (appends) => {
    const broken = await openProcess()
    let left = appends
    broken.log.broken.append = async (next) => {
      if (left-- <= 0) throw new Unavailable('the log is away')
      return next()
    }
    await expect(broken.register(ada, 'cli:test')).rejects.toThrow(Unavailable)
    const begun: string[] = []
    for await (const { data } of broken.log.readAll({ prefixes: ['identifier-'] })) begun.push(String(data['account']))

    const next = await openProcess()
    const registration = await next.register(ada, 'cli:test')
    expect(registration).toMatchObject({ outcome: 'registered', ...(begun.length > 0 ? { account: begun[0] } : {}) })
    const [id] = await ownersOf(next, ada)
    expect(registration).toMatchObject({ account: id })
    expect(await ownersOf(next, ada)).toEqual([id, id, id])
    expect(await next.register(ada, 'cli:test')).toEqual({ outcome: 'exists', account: id })
    expect(await registrations(next)).toBe(1)
  })

  test('by two processes at once comes about once', async () => {
    const processes = await Promise.all([openProcess(), openProcess(), openProcess()])
    const everybody = Array.from({ length: 60 }, (_, n) => person(`ada.${n}`, `ada.${n}@example.com`, `+43660123${String(n).padStart(4, '0')}`))
    const outcomes = await Promise.all(everybody.map((one) => Promise.all(processes.map(({ register }) => register(one, 'cli:test')))))
    for (const of of outcomes) expect(of.map(({ outcome }) => outcome).sort()).toEqual(['exists', 'exists', 'registered'])
    for (const [index, one] of everybody.entries()) {
      const ids = new Set([...outcomes[index]!.map((of) => ('account' in of ? of.account : undefined)), ...(await ownersOf(processes[0]!, one))])
      expect(ids.size).toBe(1)
    }
    expect(await registrations(processes[0]!)).toBe(60)
  })

  test.each([
    ['the same identifiers is there already', ada, { outcome: 'exists' }],
    ['others of which one is the same is refused', person('ada', 'other@example.com'), { outcome: 'refused', code: 'identifier_taken', reason: 'an identifier belongs to another account' }],
  ])('that another process overtook under the same id, with %s', async (_, other, outcome) => {
    const [slow, fast] = [await openProcess(), await openProcess()]
    slow.log.broken.append = async (next, stream) => {
      if (stream.startsWith('account-')) expect(await fast.register(other, 'cli:test')).toMatchObject({ outcome: 'registered' })
      return next()
    }
    expect(await slow.register(ada, 'cli:test')).toMatchObject(outcome)
    expect(await registrations(fast)).toBe(1)
    expect(new Set(await ownersOf(fast, other)).size).toBe(1)
  })

  test('whose identifiers another process claims while they are looked at is there already', async () => {
    const fast = await openProcess()
    let seen = 0
    const slow = await openProcess(async (stream) => {
      if (stream.startsWith('identifier-') && ++seen === 2) await fast.register(ada, 'cli:test')
    })
    expect(await slow.register(ada, 'cli:test')).toMatchObject({ outcome: 'exists' })
  })

  test('of two people at once who share an identifier comes about for one, with all that is theirs', async () => {
    const processes = await Promise.all([openProcess(), openProcess()])
    for (let n = 0; n < 40; n += 1) {
      const pair = [person(`ada.${n}`, `ada.${n}@example.com`), person(`ada.${n}`, `bob.${n}@example.com`)]
      const outcomes = await Promise.all(pair.map((one, index) => processes[index]!.register(one, 'cli:test')))
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['refused', 'registered'])
      const winner = outcomes.findIndex(({ outcome }) => outcome === 'registered')
      const { account } = outcomes[winner] as { account: string }
      expect(await ownersOf(processes[0]!, pair[winner]!)).toEqual([account, account])
      expect(await ownersOf(processes[0]!, pair[1 - winner]!)).toEqual([account, undefined])
    }
  })

  test('is refused while one of its identifiers is another account’s, and claims none of the others', async () => {
    const here = await openProcess()
    await here.register(ada, 'cli:test')
    expect(await here.register(person('eve', 'ada@example.com'), 'cli:test')).toEqual({ outcome: 'refused', code: 'identifier_taken', reason: 'an identifier belongs to another account' })
    expect(await here.register(person('eve'), 'cli:test')).toMatchObject({ outcome: 'registered' })
  })

  test('takes an identifier twice for one, and seals what it keeps', async () => {
    const here = await openProcess()
    const registration = await here.register({ ...person('Ada@Example.com', 'ada@example.com '), contacts: [{ channel: 'email', address: 'ADA@example.com' }, { channel: 'sms', address: '+43 660 1234567' }] }, 'cli:test')
    const account = await here.load('account' in registration ? registration.account : '')
    expect(await Promise.all(account!.identifiers.map(({ value }) => here.vault.open(value)))).toEqual(['ada@example.com'])
    expect(await Promise.all(account!.contacts.map(({ address }) => here.vault.open(address)))).toEqual(['ada@example.com', '+436601234567'])
    expect(account!.password).toBeNull()
  })

  test('that was begun and never finished gives its identifiers free after a minute', async () => {
    const broken = await openProcess()
    let left = 3
    broken.log.broken.append = async (next) => {
      if (left-- <= 0) throw new Unavailable('the log is away')
      return next()
    }
    await expect(broken.register(person('ada', 'shared@example.com'), 'cli:test')).rejects.toThrow(Unavailable)
    const here = await openProcess()
    await here.register(person('bob'), 'cli:test')
    const bobs = person('carl', 'shared@example.com')
    // Whoever has an unfinished claim in his row goes on with it, so nobody has to wait.
    expect(await here.register(bobs, 'cli:test')).toMatchObject({ outcome: 'registered' })
    expect(await here.register(person('ada'), 'cli:test')).toEqual({ outcome: 'refused', code: 'identifier_taken', reason: 'an identifier was claimed a moment ago: try again in a minute' })
    seconds = 61
    expect(await here.register(person('ada'), 'cli:test')).toMatchObject({ outcome: 'registered' })
  })
})
