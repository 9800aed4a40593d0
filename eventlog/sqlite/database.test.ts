import { randomUUID } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { collect, newEvents, newStream } from '../contract/fixture.ts'
import { openSqliteLog } from '../sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'event-log-'))
afterAll(() => rmSync(folder, { recursive: true }))
const newFile = () => join(folder, `${randomUUID()}.db`)

describe('the file', () => {
  test.skipIf(process.platform === 'win32')('can be read by its owner alone', async () => {
    const file = newFile()
    const log = openSqliteLog({ file })
    await log.append(newStream(), newEvents(1), 'none')
    for (const part of ['', '-wal', '-shm']) expect(statSync(file + part).mode & 0o777).toBe(0o600)
    await log.close()
  })

  test('is refused, and left as it is, when it is not a log of ours', async () => {
    const [text, foreign, newer, torn] = [newFile(), newFile(), newFile(), newFile()]
    writeFileSync(text, 'a letter to somebody')
    const database = (file: string, sql: string) => {
      const db = new DatabaseSync(file)
      db.exec(sql)
      db.close()
    }
    database(foreign, 'create table events (position integer primary key, stream text)')
    for (const file of [newer, torn]) {
      const log = openSqliteLog({ file })
      await log.append(newStream(), newEvents(200), 'none')
      await log.close()
    }
    database(newer, 'pragma user_version = 2')
    truncateSync(torn, statSync(torn).size / 2)
    const messages = [[text, /cannot be read/], [foreign, /another program/], [newer, /newer release \(schema 2/], [torn, /cannot be read/]] as const
    for (const [file, message] of messages) {
      const before = readFileSync(file)
      expect(() => openSqliteLog({ file })).toThrow(message)
      expect(readFileSync(file).equals(before)).toBe(true)
    }
    expect(() => openSqliteLog({ file: join(folder, 'missing', 'events.db') })).toThrow(/ENOENT/)
  })

  test('with a write-ahead log that was torn has lost the torn transaction whole, and nothing before it', async () => {
    const [file, copy, stream] = [newFile(), newFile(), newStream()]
    const log = openSqliteLog({ file })
    for (let revision = -1; revision < 8; revision += 3) await log.append(stream, newEvents(3), revision < 0 ? 'none' : revision)
    for (const part of ['', '-wal']) copyFileSync(file + part, copy + part)
    await log.close()
    truncateSync(`${copy}-wal`, statSync(`${copy}-wal`).size - 100)
    const recovered = openSqliteLog({ file: copy })
    expect((await collect(recovered.read(stream))).map(event => event.revision)).toEqual([0, 1, 2, 3, 4, 5])
    expect((await recovered.append(stream, newEvents(1), 5)).revision).toBe(6)
    await recovered.close()
  })
})
