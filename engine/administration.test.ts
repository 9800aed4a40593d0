import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventsOf, openTestFile } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { createHashGate } from '../factors/hash-gate.ts'
import { createPasswords, type Passwords } from '../factors/password.ts'
import { openVault } from '../vault/vault.ts'
import { createAccountChanges, requestOf, type Asking } from './account-changes.ts'
import { createAccountCommands } from './account-commands.ts'
import { createAccountView } from './account-view.ts'
import { createAccounts, type NewAccount } from './accounts.ts'
import { createAdministration } from './administration.ts'
import { accountStream, identifierStream } from './people.ts'
import { openParts } from './testing.ts'

const master = randomBytes(32)
const ada: NewAccount = { source: 'added', identifiers: ['ada', 'ada@example.com'] }
const newKey = (): string => randomBytes(16).toString('base64url')
const asking = (key = newKey()): Asking => ({ actor: 'backend:crm', secret: 'the key of the backend', key })

let file: ReturnType<typeof openTestFile>
let hashed: number
beforeEach(() => {
  file = openTestFile()
  hashed = 0
})
afterEach(() => file.remove())

/** As a process has it that was just started. */
async function openProcess() {
  const log = file.open()
  const streams = createStreams({ log, now: () => new Date('2026-03-02T08:00:00.000Z'), newId: randomUUID })
  const vault = await openVault({ streams, masterKeys: [master] })
  const real = createPasswords({ gate: createHashGate({ atOnce: 2, queue: 8 }), argon2: { memoryCost: 1024, timeCost: 1, parallelism: 1 } })
  const passwords: Passwords = { ...real, hash: (password) => (hashed++, real.hash(password)) }
  const parts = await openParts({ streams })
  const [accounts, view] = [createAccounts({ streams, vault, passwords, ...parts, newId: randomUUID }), createAccountView({ vault })]
  const commands = createAccountCommands({ vault, view, passwords, ...parts, newId: randomUUID })
  return { log, vault, ...createAdministration({ streams, vault, accounts, changes: createAccountChanges({ streams, ...parts }), commands, view }) }
}

describe('Two engines that are asked the same at once', () => {
  test('create one account, and both say that they did', async () => {
    const processes = await Promise.all([openProcess(), openProcess()])
    for (let n = 0; n < 20; n += 1) {
      const [key, person] = [newKey(), { ...ada, identifiers: [`ada.${n}`, `ada.${n}@example.com`] }]
      const [one, other] = await Promise.all(processes.map(({ create }) => create(asking(key), person)))
      expect(one).toEqual(other)
      const events = await eventsOf(processes[0].log, accountStream(one!.account))
      expect(events.map(({ type }) => type)).toEqual(['AccountRegistered', 'ContactAdded'])
    }
  })

  test('write a change once', async () => {
    const [here, there] = [await openProcess(), await openProcess()]
    const { account } = await here.create(asking(), ada)
    for (const change of [
      (key: string) => [here, there].map(({ act }) => act(asking(key), account, 'end_sessions')),
      (key: string) => [here, there].map(({ addContact }) => addContact(asking(key), account, { channel: 'email', address: 'ada@example.org' })),
      (key: string) => [here, there].map(({ setPassword }) => setPassword(asking(key), account, { plain: 'a brand new password' })),
    ]) {
      const [one, other] = await Promise.all(change(newKey()))
      expect(one).toEqual(other)
    }
    const types = (await eventsOf(here.log, accountStream(account))).map(({ type }) => type)
    expect(types).toEqual(['AccountRegistered', 'ContactAdded', 'SessionsRevoked', 'ContactAdded', 'PasswordSet', 'SessionsRevoked'])
  })
})

test('A repeat and a change in between cost no second hash', async () => {
  const [here, there] = [await openProcess(), await openProcess()]
  const { account } = await here.create(asking(), ada)
  here.log.broken.append = async (next) => {
    here.log.broken.append = undefined
    await there.switchMfa(asking(), account, true)
    return next()
  }
  const key = newKey()
  const set = await here.setPassword(asking(key), account, { plain: 'a brand new password' })
  expect(await here.setPassword(asking(key), account, { plain: 'a brand new password' })).toEqual(set)
  expect([set.mfa, set.hasPassword, hashed]).toEqual([true, true, 1])
})

test('An erasure that comes late releases no identifier that is another account’s by now', async () => {
  const here = await openProcess()
  const { account } = await here.create(asking(), ada)
  const seal = here.log.seal
  here.log.seal = async () => Promise.reject(new TypeError('the process died'))
  await expect(here.erase(asking(), account)).rejects.toThrow('the process died')
  here.log.seal = seal
  const second = await here.create(asking(), ada)
  expect(await here.erase(asking(), account)).toBe('done')
  expect((await here.find('ada')).account).toBe(second.account)
  expect((await eventsOf(here.log, identifierStream(here.vault.lookup('ada')))).map(({ type }) => type)).toEqual(['IdentifierClaimed', 'IdentifierReleased', 'IdentifierClaimed'])
})

test('What is written of a request is of no use without the secret that came with it', () => {
  const key = newKey()
  const of = (secret: string, password: string) => requestOf({ ...asking(key), secret }, 'password', { plain: password })
  expect(of('one', 'a password')).toEqual(of('one', 'a password'))
  expect(of('one', 'a password').fingerprint).not.toBe(of('another', 'a password').fingerprint)
  expect(of('one', 'a password').fingerprint).not.toBe(of('one', 'another password').fingerprint)
})
