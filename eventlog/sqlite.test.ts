import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { contract } from './contract.ts'
import { openSqliteLog } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'event-log-'))
afterAll(() => rmSync(folder, { recursive: true }))
describe('the contract, on SQLite', () => {
  test.each(contract({ open: async () => openSqliteLog({ file: join(folder, 'contract.db') }) }))('%s', (_, run) => run())
})
