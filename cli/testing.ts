/** The real program as a child process, on a data folder of its own. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Recorded } from '../eventlog/event-log.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'

export type Ran = { code: number | null; out: string; err: string }

const root = join(import.meta.dirname, '..')

export function openFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'))
  const data = join(folder, 'data')

  const start = (args: string[], input = '', environment: Record<string, string> = {}) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'cli.ts', ...args], { cwd: root, env: { ...process.env, KEYLEDGER_DATA: data, ...environment } })
    let [out, err] = ['', '']
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const ended = new Promise<Ran>((resolve) => child.on('close', (code) => resolve({ code, out, err })))
    return { child, ended }
  }

  return {
    folder,
    data,
    start,
    run: (...args: string[]): Promise<Ran> => start(args).ended,
    runWith: (input: string, ...args: string[]): Promise<Ran> => start(args, input).ended,
    /** A file beside the data folder. @returns its path */
    file(name: string, text: string): string {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    },
    /** The stream and type of every event, in log order. */
    async events(...prefixes: string[]): Promise<{ stream: string; type: string }[]> {
      const log = openSqliteLog({ file: join(data, 'events.sqlite') })
      const events: { stream: string; type: string }[] = []
      for await (const { stream, type } of log.readAll(prefixes.length > 0 ? { prefixes } : {})) events.push({ stream, type })
      await log.close()
      return events
    },
    /** Bytes that the log has grown to. */
    logged: (): number => ['', '-wal'].reduce((sum, part) => sum + (statSync(join(data, `events.sqlite${part}`), { throwIfNoEntry: false })?.size ?? 0), 0),
    /** What was written down of the commands that were given. */
    async acts(): Promise<Recorded['data'][]> {
      const log = openSqliteLog({ file: join(data, 'events.sqlite') })
      const acts: Recorded['data'][] = []
      for await (const { data } of log.readAll({ prefixes: ['audit-'] })) acts.push(data)
      await log.close()
      return acts
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** People as an export of another system has them; the password is `pleaseletmein`. */
export const person = (number: number) => ({
  email: `person.${number}@example.com`,
  ...(number % 3 === 0 ? { phone: `+4366012${String(number).padStart(5, '0')}` } : {}),
  ...(number % 5 === 0 ? { username: `person.${number}` } : {}),
  password_hash: hashes[number % hashes.length] as string,
  mfa: number % 7 === 0,
})
export const ndjson = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

/** RFC 7914, section 12, as a PHC string. */
const hashes = [
  '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw',
  '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
  '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
  'pbkdf2_sha256$1000$salt$YywoEuRtRgQQK6dhjp1tfS+BKPYma0oDJk0qBGC33LM=',
]
