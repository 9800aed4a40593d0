/** The master key of an embedded log, changed under a running engine. How keys are rewrapped stands in `vault/rotation.test.ts`. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readConfig } from '../config.ts'
import { openEngine } from '../open-engine.ts'
import { putNewMasterKey } from '../vault/master-key.ts'
import { rotateMasterKey } from './rotate.ts'
import { openFolder } from './testing.ts'

const given = { as: 'jo', why: 'once a year' }
const password = { plain: 'correct horse battery staple' }

let cli: ReturnType<typeof openFolder>
let said: string[]
beforeEach(() => {
  cli = openFolder()
  said = []
  for (const way of ['log', 'error'] as const) vi.spyOn(console, way).mockImplementation((line: string) => void said.push(line))
})
afterEach(() => {
  vi.restoreAllMocks()
  cli.remove()
})

const config = () => readConfig({ KEYLEDGER_DATA: cli.data })
const open = (now = config()) => openEngine(now, {}, { history: async () => 'unavailable' })
const file = (): string => join(cli.data, 'master.key')
const keysInFile = (): string[] => readFileSync(file(), 'utf8').trim().split(',')
const add = async ({ engine }: Awaited<ReturnType<typeof open>>, name: string) => engine.accounts.register({ source: 'added', identifiers: [name], password }, 'cli:test')
const finds = async ({ engine }: Awaited<ReturnType<typeof open>>, name: string) => (await engine.administration.find(name)).identifiers

test('The embedded master key is changed under a running engine: everything opens, and the old one is gone', async () => {
  const running = await open()
  await add(running, 'ada')
  const [old] = keysInFile()
  expect(await rotateMasterKey(config(), given, { settle: 0 })).toBe(0)
  const [key, ...others] = keysInFile()
  expect([key === old, others]).toEqual([false, []])
  await add(running, 'bob')
  await running.close()
  const later = await open()
  for (const name of ['ada', 'bob']) expect(await finds(later, name)).toEqual([{ kind: 'username', value: name }])
  await later.close()
  expect(await cli.acts()).toEqual([
    { who: 'jo', what: 'keys rotate', why: 'once a year' },
    { master: expect.any(String), rewrapped: 3, retired: [expect.any(String)] },
  ])
  expect(said.at(-1)).toMatch(/^Taken out: /)
})

test('A rotation that was broken off is finished by the next one, which makes no further key', async () => {
  const before = await open()
  await add(before, 'ada')
  await before.close()
  putNewMasterKey(file())
  const [young, old] = keysInFile()
  const engine = await open()
  await add(engine, 'bob')
  expect(await finds(engine, 'ada')).toHaveLength(1)
  await engine.close()
  expect(await rotateMasterKey(config(), given, { settle: 0 })).toBe(0)
  expect([keysInFile(), old === young]).toEqual([[young], false])
})

test('Where the keys are the operator’s own, it says which may be taken out, and of a single one how to go on', async () => {
  const [old, young] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const configured = (KEYLEDGER_MASTER_KEY: string) => readConfig({ KEYLEDGER_DATA: cli.data, KEYLEDGER_MASTER_KEY })
  const engine = await open(configured(old))
  await add(engine, 'ada')
  await engine.close()
  expect(await rotateMasterKey(configured(old), given)).toBe(0)
  expect(said.at(-1)).toContain('put a new one first in KEYLEDGER_MASTER_KEY')
  expect(await rotateMasterKey(configured(`${young},${old}`), given)).toBe(0)
  expect(said.at(-1)).toContain('take it out of KEYLEDGER_MASTER_KEY')
  const after = await open(configured(young))
  expect(await finds(after, 'ada')).toHaveLength(1)
  await after.close()
})
