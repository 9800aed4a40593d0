/** Forgetting from the terminal. What it does to a person stands in `http/erase.test.ts` and in the stories. */
import { join } from 'node:path'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readConfig } from '../config.ts'
import type { Sealed } from '../domain/event.ts'
import { createDice } from '../endurance/dice.ts'
import { accountStream } from '../engine/people.ts'
import { eventsOf } from '../eventlog/testing.ts'
import { openEngine } from '../open-engine.ts'
import { takeCheckpoint } from './audit.ts'
import { eraseAccount } from './erase.ts'
import { exportAccount } from './export.ts'
import { verifyLog } from './log-verify.ts'
import { Misuse } from './misuse.ts'
import { openFolder } from './testing.ts'
import { withEngine } from './with-engine.ts'

const given = { as: 'jo', why: 'Ticket 4711' }

let cli: ReturnType<typeof openFolder>
let account: string
let said: string[]
beforeEach(async () => {
  cli = openFolder()
  said = []
  for (const way of ['log', 'error'] as const) vi.spyOn(console, way).mockImplementation((line: string) => void said.push(line))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean(said.push(String(text))))
  const { engine, close } = await openEngine(config(), {}, { history: async () => 'unavailable' })
  const registered = await engine.accounts.register({ source: 'added', identifiers: ['ada@example.com', 'ada'] }, 'cli:test')
  account = 'account' in registered ? registered.account : ''
  await close()
})
afterEach(() => {
  vi.restoreAllMocks()
  cli.remove()
})

const config = () => readConfig({ KEYLEDGER_DATA: cli.data })
const typing = (text: string) => Readable.from([text])
const types = async () => (await cli.events('account-', 'identifier-', 'audit-')).map(({ type }) => type).slice(4)

test('Erasing asks for the id again, says who wanted it, and then that it is done', async () => {
  expect(await eraseAccount(config(), { who: 'ada@example.com', yes: false, input: typing(`${account.toUpperCase()}\n`) }, given)).toBe(0)
  expect(said.join('\n')).toContain(account)
  expect(said.at(-1)).toMatch(/^done: /)
  expect(said.join('\n')).not.toContain('ada')
  expect(await types()).toEqual(['OperatorActed', 'AccountErased', 'IdentifierReleased', 'IdentifierReleased'])
  expect(await cli.acts()).toEqual([{ who: 'jo', what: 'accounts erase', why: 'Ticket 4711', subject: `account-${account}` }])
  await expect(eraseAccount(config(), { who: 'ada', yes: true }, given)).rejects.toThrow('there is no such account')
  // By its id it can be repeated, and is still done.
  expect(await eraseAccount(config(), { who: account, yes: true }, given)).toBe(0)
})

test.each(['', 'yes\n', '\n'])('Nothing is done for another answer: %j', async (answer) => {
  expect(await eraseAccount(config(), { who: 'ada', yes: false, input: typing(answer) }, given)).toBe(2)
  expect(said.at(-1)).toMatch(/^Not erased/)
  expect(await types()).toEqual([])
})

test('Nobody erases without saying who they are and why, on the embedded default either', async () => {
  await expect(eraseAccount(config(), { who: 'ada', yes: true }, { as: 'jo' })).rejects.toThrow(Misuse)
  expect(await types()).toEqual([])
})

test('It says that it is pending while it is, tries again, and says done only when it is', async () => {
  /** The log is away for so many tries, after the account is refused everywhere. */
  const awayFor = (tries: number): typeof withEngine => (config, work) =>
    withEngine(config, (engine, log) => {
      const { erase } = engine.administration
      return work({ ...engine, administration: { ...engine.administration, erase: async (...args) => ((tries -= 1) >= 0 ? 'pending' : erase(...args)) } }, log)
    })
  const ways = { who: 'ada', yes: true }
  expect(await eraseAccount(config(), ways, given, { pauses: [1], open: awayFor(2) })).toBe(3)
  expect(said.at(-1)).toContain(`pending: account ${account}`)
  expect(said.join('\n')).not.toContain('done')
  expect(await eraseAccount(config(), ways, given, { pauses: [1, 1], open: awayFor(2) })).toBe(0)
  expect(said.slice(-3)).toEqual(['pending, again in 0.001 s', 'pending, again in 0.001 s', expect.stringMatching(/^done/)])
  expect(await types()).toContain('AccountErased')
})

const kills = process.env['PROVE'] ? 100 : 1

test(`Killed in the middle of it (${kills}), an erasure is completed by the next one: once, and nothing of the person opens`, async () => {
  const dice = createDice(Number(process.env['PROVE_SEED'] ?? 7))
  const names = Array.from({ length: 8 }, (_, n) => `ada.${n}@example.org`)
  const seen: Record<number, number> = {}
  for (let kill = 0; kill < kills; kill += 1) {
    const before = await cli.events()
    // Somebody else may have the names at once.
    const { id, sealed } = await withEngine(config(), async (engine, log) => {
      const registered = await engine.accounts.register({ source: 'added', identifiers: names }, 'cli:test')
      if (!('account' in registered)) throw new Error(registered.outcome)
      const sealed = (await eventsOf(log, accountStream(registered.account))).flatMap(({ data }) => (data['address'] === undefined ? [] : [data['address'] as Sealed]))
      return { id: registered.account, sealed }
    })
    const { child, ended } = cli.start(['accounts', 'erase', id, '--yes', '--as', 'jo', '--why', 'Ticket 4711'])
    const began = cli.logged()
    while (cli.logged() === began && child.exitCode === null) await sleep(1)
    await sleep(dice.below(12))
    child.kill('SIGKILL')
    const { code } = await ended
    const released = (await cli.events('identifier-')).filter(({ type }) => type === 'IdentifierReleased').length - kill * names.length
    if (code === null) seen[released] = (seen[released] ?? 0) + 1

    expect(await cli.run('accounts', 'erase', id, '--yes', '--as', 'jo', '--why', 'Ticket 4711')).toMatchObject({ code: 0, out: expect.stringMatching(/^done: /) })
    const wrote = (await cli.events()).slice(before.length).filter(({ stream }) => /^(account|identifier)-/.test(stream)).map(({ type }) => type)
    expect(wrote.filter((type) => type === 'AccountErased')).toHaveLength(1)
    expect(wrote.filter((type) => type === 'IdentifierReleased')).toHaveLength(names.length)
    expect(sealed).toHaveLength(names.length)
    expect(await withEngine(config(), (engine) => Promise.all(sealed.map((one) => engine.vault.open(one))))).toEqual(sealed.map(() => undefined))
  }
  if (process.env['PROVE']) console.info(`killed when so many of ${names.length} names were free again: ${JSON.stringify(seen)}`)
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  expect([await takeCheckpoint(config(), given), await verifyLog(config, undefined, {})]).toEqual([0, 0])
})

test('What is kept of a person goes into a new file for its owner alone, and over no other', async () => {
  const file = join(cli.folder, 'ada.json')
  expect(await exportAccount(config(), { who: 'ada', file }, given)).toBe(0)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ account, identifiers: [{ value: 'ada@example.com' }, { value: 'ada' }], sessions: [] })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  await expect(exportAccount(config(), { who: 'ada', file }, given)).rejects.toThrow('EEXIST')
  expect(await cli.acts()).toEqual([{ who: 'jo', what: 'accounts export', why: 'Ticket 4711', subject: `account-${account}` }])
  await eraseAccount(config(), { who: 'ada', yes: true }, given)
  const none = join(cli.folder, 'none.json')
  await expect(exportAccount(config(), { who: account, file: none }, given)).rejects.toThrow('erased')
  expect(existsSync(none)).toBe(false)
})
