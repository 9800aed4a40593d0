import { createSecretKey, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AccessSettings } from './access/settings.ts'
import { readConfig } from './config.ts'
import { openAccess } from './open-access.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'open-access-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const settings = AccessSettings.parse({ issuer: 'https://id.example', clientId: 'console', audience: 'keyledger' })
const open = (config: Partial<ReturnType<typeof readConfig>> = {}) =>
  openAccess({ ...readConfig({ KEYLEDGER_CONFIG: '' }), dataFolder: folder, ...config }, createSecretKey(randomBytes(32)), () => new Date())
const file = (): string => join(folder, 'console.key')

test('The embedded default has a key, for its owner alone, and the same one after a restart', () => {
  const { access, consoleKey } = open()
  expect([access.by, consoleKey]).toEqual(['key', expect.stringMatching(/^klc_[\w-]{43}$/)])
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  expect(open().consoleKey).toBe(consoleKey)
  rmSync(file())
  expect(open().consoleKey).not.toBe(consoleKey)
})

test('In production nobody may look unless a provider says who', () => {
  const { access, consoleKey } = open({ eventStoreDbUrl: 'esdb://events.example' })
  expect([access.by, consoleKey]).toEqual(['nobody', undefined])
  expect(open({ eventStoreDbUrl: 'esdb://events.example', access: settings }).access.by).toBe('provider')
})

test('With a provider there is no key', () => {
  const { access, consoleKey } = open({ access: settings })
  expect([access.by, consoleKey, existsSync(file())]).toEqual(['provider', undefined, false])
})
