import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Sealed } from '../domain/event.ts'
import { Unavailable, type Recorded } from '../eventlog/event-log.ts'
import { failingAfter, openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { rewrapKeys, surveyKeys } from './rotation.ts'
import { fingerprintOf } from './sealing.ts'
import { createSigningKeys } from './signing-keys.ts'
import type { MasterKeys, MasterKeySource } from './masters.ts'
import { openVault, WrongMasterKey, type Vault } from './vault.ts'

const [old, young] = [randomBytes(32), randomBytes(32)]
const because = { actor: 'cli:jo', act: randomUUID() }
const now = () => new Date('2026-03-02T08:00:00.000Z')

let file: ReturnType<typeof openTestFile>
let log: BreakableLog
beforeEach(() => {
  file = openTestFile()
  log = file.open()
})
afterEach(() => file.remove())

/** As a process has it that was just started. */
async function engine(masterKeys: MasterKeySource, on: BreakableLog = log) {
  const streams = createStreams({ log: on, now, newId: randomUUID })
  const vault = await openVault({ streams, masterKeys })
  return { streams, vault, signing: createSigningKeys({ streams, vault, now }) }
}

/** Of each kind a key, two of them for signing, and what stands under them. */
async function live(vault: Vault, signing: ReturnType<typeof createSigningKeys>, people: string[]) {
  await signing.current()
  await signing.rotate()
  await vault.ledgerKey(randomUUID())
  const sealed: Sealed[] = []
  for (const account of people) sealed.push(await vault.seal({ account }, account), await vault.seal({ period: '2026-03', account }, account))
  return { sealed, derived: [vault.lookup('ada'), vault.secret('codes').export().toString('hex')], kids: (await signing.jwks()).keys.map(({ kid }) => kid) }
}

/** It is all there for an engine with these keys: it opens, derives and signs as before. */
async function serves(masterKeys: MasterKeySource, { sealed, derived, kids }: Awaited<ReturnType<typeof live>>, people: string[]) {
  const { vault, signing } = await engine(masterKeys)
  expect(await Promise.all(sealed.map((value) => vault.open(value)))).toEqual(people.flatMap((one) => [one, one]))
  expect([vault.lookup('ada'), vault.secret('codes').export().toString('hex')]).toEqual(derived)
  expect((await signing.jwks()).keys.map(({ kid }) => kid)).toEqual(kids)
  expect((await signing.current()).kid).toBe(kids[0])
}

/** Besides those of people: lookup, root, period, ledger, and two for signing. */
const others = 6
const keyEvents = async (): Promise<Recorded[]> => {
  const events: Recorded[] = []
  for await (const event of log.readAll({ prefixes: ['key-'] })) events.push(event)
  return events
}
const bytes = (): string => ['', '-wal'].map((end) => readFileSync(`${file.file}${end}`, 'latin1')).join('')
const people = Array.from({ length: 8 }, () => randomUUID())

describe('When the master key is rotated', () => {
  test('every key of every kind opens with the new one alone, and nobody notices', async () => {
    const before = await engine([old])
    const lived = await live(before.vault, before.signing, people)
    const first = await keyEvents()
    const { rewrapped, survey, unreadable } = await rewrapKeys(await engine([young, old]), because)
    expect([rewrapped, unreadable]).toEqual([people.length + others, []])
    expect([...survey.under]).toEqual([[fingerprintOf(young), people.length + others]])
    // What was wrapped under the old one is gone, from the disk as well.
    expect((await keyEvents()).map(({ data }) => data['master'])).toEqual(Array(people.length + others).fill(fingerprintOf(young)))
    expect(first.filter(({ data }) => bytes().includes(String(data['wrapped'])))).toEqual([])
    await serves([young], lived, people)
    await expect(engine([old])).rejects.toThrow(WrongMasterKey)
    expect((await rewrapKeys(await engine([young, old]), because)).rewrapped).toBe(0)
  })

  test('it can be broken off anywhere: engines with both serve, and the repeat does what is left', async () => {
    const before = await engine([old])
    const lived = await live(before.vault, before.signing, people)
    const { truncate } = log
    for (const appends of [1, 7, Infinity]) {
      log.broken.append = failingAfter(appends)
      log.truncate = async (marks) => truncate(marks.slice(0, 5)).then(() => Promise.reject(new Unavailable('the process died')))
      await expect(rewrapKeys(await engine([young, old]), because)).rejects.toThrow(Unavailable)
      log.broken.append = undefined
      log.truncate = truncate
      await serves([young, old], lived, people)
      await serves([old, young], lived, people)
    }
    expect((await rewrapKeys(await engine([young, old]), because)).survey.outdated).toEqual([])
    expect(await keyEvents()).toHaveLength(people.length + others)
    await serves([young], lived, people)
  })

  test('keys that others make meanwhile, with the old one first, are rewrapped or counted', async () => {
    const busy = await engine([old, young], file.open())
    await live(busy.vault, busy.signing, people)
    const late: Sealed[] = []
    let stop = false
    const load = (async () => {
      while (!stop) late.push(await busy.vault.seal({ account: randomUUID() }, 'late'))
    })()
    const during = await rewrapKeys(await engine([young, old]), because)
    stop = true
    await load
    expect(during.rewrapped).toBeGreaterThan(people.length)
    const { streams, vault } = await engine([young, old])
    const after = await surveyKeys({ streams, vault })
    const total = people.length + others + late.length
    expect([...after.under.values()].reduce((sum, one) => sum + one, 0)).toBe(total)
    expect(after.outdated.length).toBe(after.under.get(fingerprintOf(old)) ?? 0)
    await rewrapKeys({ streams, vault }, because)
    expect([...(await surveyKeys({ streams, vault })).under]).toEqual([[fingerprintOf(young), total]])
    const fresh = await engine([young])
    for (const sealed of late) expect(await fresh.vault.open(sealed)).toBe('late')
  })

  test('who was forgotten stays so, also in the middle of it', async () => {
    const before = await engine([old])
    const lived = await live(before.vault, before.signing, people)
    const rotating = await engine([young, old])
    let looked = 0
    const whole = await rewrapKeys(rotating, because, () => {
      if ((looked += 1) === 3) for (const account of people.slice(0, 3)) void rotating.vault.forget(account)
    })
    await Promise.all(people.slice(0, 3).map((account) => rotating.vault.forget(account)))
    expect(whole.survey.outdated).toEqual([])
    const { vault } = await engine([young])
    expect(await Promise.all(lived.sealed.slice(0, 6).map((value) => vault.open(value)))).toEqual(Array(6).fill(undefined))
    expect(await vault.open(lived.sealed.at(-1) as Sealed)).toBe(people.at(-1))
  })

  test('the old one of a key does not go before the new one opens to the same', async () => {
    const { vault } = await engine([old])
    await vault.seal({ account: people[0]! }, 'a hash')
    const [first] = (await keyEvents()).filter(({ stream }) => stream === `key-${people[0]}`)
    const rotating = await engine([young, old])
    const another = rotating.vault.wrap(people[0]!, randomBytes(32))
    await log.append(`key-${people[0]}`, [{ ...first!, id: randomUUID(), data: { purpose: 'account', ...another } }], 0)
    await expect(rewrapKeys(rotating, because)).rejects.toThrow(`key-${people[0]} was tampered with`)
    expect((await keyEvents()).filter(({ stream }) => stream === `key-${people[0]}`)).toHaveLength(2)
  })

  test('what is wrapped under a key that was not given is named, and left as it is', async () => {
    const third = randomBytes(32)
    await engine([old])
    const stranger = await engine([third, old])
    const sealed = await stranger.vault.seal({ account: people[0]! }, 'a hash')
    const { unreadable, survey } = await rewrapKeys(await engine([young, old]), because)
    expect(unreadable).toEqual([`key-${people[0]}`])
    expect(survey.under.get(fingerprintOf(third))).toBe(1)
    expect(await (await engine([young, third])).vault.open(sealed)).toBe('a hash')
  })
})

test('An engine takes a master key that comes while it runs for what is new, at once', async () => {
  let given: MasterKeys = [old]
  const running = await engine(() => given)
  given = [young, old]
  await running.vault.createAccountKey(people[1]!)
  expect((await surveyKeys(running)).under.get(fingerprintOf(young))).toBe(1)
})

test('An engine that was not told yet takes the new master key when it meets it', async () => {
  let given: MasterKeys = [old]
  const running = await engine(() => given)
  const sealed = await (await engine([old], file.open())).vault.seal({ account: people[0]! }, 'a hash')
  await rewrapKeys(await engine([young, old], file.open()), because)
  await expect(running.vault.open(sealed)).rejects.toThrow(WrongMasterKey)
  given = [young, old]
  expect(await running.vault.open(sealed)).toBe('a hash')
})
