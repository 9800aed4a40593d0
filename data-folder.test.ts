import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureDataFolder, lockDataFolder } from './data-folder.ts'

let parent: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'data-folder-'))
})
afterEach(() => rmSync(parent, { recursive: true }))

test('A data folder is made where there is none, for its owner alone', () => {
  const { folder, log, masterKey, consoleKey } = ensureDataFolder(join(parent, 'deep', 'data'))
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect([log, masterKey, consoleKey].map((file) => [file.startsWith(folder), existsSync(file)])).toEqual([[true, false], [true, false], [true, false]])
  expect(ensureDataFolder(folder)).toEqual({ folder, log, masterKey, consoleKey })
})

test('One engine at a time has it, also in one process', () => {
  const folder = ensureDataFolder(join(parent, 'data'))
  const lock = lockDataFolder(folder)
  expect(() => lockDataFolder(folder)).toThrow(`another engine is running on ${folder.folder}`)
  lock.release()
  lockDataFolder(folder).release()
})

test('Two data folders know nothing of each other', () => {
  const locks = ['one', 'other'].map((name) => lockDataFolder(ensureDataFolder(join(parent, name))))
  for (const lock of locks) lock.release()
})

test('The engine of another process is respected, and one that was killed leaves nothing behind', async () => {
  const folder = ensureDataFolder(join(parent, 'data'))
  const module = JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)
  const program = `const { lockDataFolder } = await import(${module}); lockDataFolder(${JSON.stringify(folder)}); console.log('locked'); setInterval(() => {}, 1000)`
  const other = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(other, 'exit')
  await once(other.stdout, 'data')
  expect(() => lockDataFolder(folder)).toThrow('another engine is running')
  other.kill('SIGKILL')
  await gone
  lockDataFolder(folder).release()
})
