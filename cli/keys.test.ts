import { readdirSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../config.ts'
import { backendOf } from '../engine/backends.ts'
import { openFolder } from './testing.ts'

let cli: ReturnType<typeof openFolder>
beforeEach(() => {
  cli = openFolder()
})
afterEach(() => cli.remove())

test('A key for a backend is printed with the entry that lets it in, and kept nowhere', async () => {
  const { code, out } = await cli.run('keys', 'new-backend', 'crm')
  expect(code).toBe(0)
  const [key] = /klb_[\w-]{43}/.exec(out) as RegExpExecArray
  const [entry] = /\{.*\}/.exec(out) as RegExpExecArray
  const { backends } = readConfig({ KEYLEDGER_CONFIG: cli.file('keyledger.json', JSON.stringify({ backends: [JSON.parse(entry)] })) })
  expect(backendOf(backends, key)?.id).toBe('crm')
  expect(backendOf(backends, key.replace('klb_', 'klb_x'))).toBeUndefined()
  expect(entry).not.toContain(key.slice(4))
  expect(readdirSync(cli.folder)).toEqual(['keyledger.json'])
  expect((await cli.run('keys', 'new-backend', 'crm')).out).not.toContain(key)
})

test('A backend needs a name that can stand in events', async () => {
  for (const args of [[], ['Customer Service']]) {
    const { code, err } = await cli.run('keys', 'new-backend', ...args)
    expect(code).toBe(64)
    expect(err).toContain('NAME')
  }
})
