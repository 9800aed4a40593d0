import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contract } from './contract.ts'
import { openSqliteLog } from './sqlite.ts'

declare const Deno: { test: { (name: string, run: () => Promise<void>): void; afterAll(run: () => void): void } }

const folder = mkdtempSync(join(tmpdir(), 'event-log-'))
Deno.test.afterAll(() => rmSync(folder, { recursive: true }))

for (const [sentence, run] of contract({ open: async () => openSqliteLog({ file: join(folder, 'events.db') }) })) {
  Deno.test(`SQLite: ${sentence}`, run)
}
