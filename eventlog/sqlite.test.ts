import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { collect, follow, isEvent, newEvent, newEvents, newStream, untilCaughtUp, untilEvents } from './contract/fixture.ts'
import { contract } from './contract.ts'
import { StreamSealed, Unavailable, WrongRevision } from './event-log.ts'
import { openSqliteLog } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'event-log-'))
afterAll(() => rmSync(folder, { recursive: true }))
const newFile = () => join(folder, `${randomUUID()}.db`)
const bytesOf = (file: string) => ['', '-wal'].map(part => (existsSync(file + part) ? readFileSync(file + part, 'latin1') : '')).join('')

describe('the contract, on SQLite', () => {
  const file = newFile()
  const tests = contract({ open: async () => openSqliteLog({ file }) }, process.env['PROVE'] ? 'full' : 'small')
  test.each(tests)('%s', (_, run) => run())
})

describe('several appends at once', () => {
  /** In the write-ahead log the last frame of a transaction carries the size of the database (SQLite, "Database File Format", 4.1). */
  const transactionsIn = (file: string) => {
    const [wal, header, frame] = [readFileSync(`${file}-wal`), 32, 24 + 4_096]
    const sizes = Array.from({ length: (wal.length - header) / frame }, (_, nth) => wal.readUInt32BE(header + nth * frame + 4))
    return sizes.filter(size => size > 0).length
  }

  test('share one transaction', async () => {
    const file = newFile()
    const log = openSqliteLog({ file })
    const before = transactionsIn(file)
    await Promise.all(Array.from({ length: 256 }, () => log.append(newStream(), newEvents(1), 'none')))
    expect(transactionsIn(file)).toBe(before + 1)
    await log.close()
  })

  test('are judged each on its own', async () => {
    const log = openSqliteLog({ file: newFile() })
    const [good, sealed, repeated, events] = [newStream(), newStream('key'), newStream(), newEvents(2)]
    await log.seal(sealed)
    await log.append(repeated, events, 'none')
    const outcomes = await Promise.allSettled([
      log.append(good, newEvents(1), 'none'), log.append(good, newEvents(1), 'none'), log.append(sealed, newEvents(1), 'none'),
      log.append(repeated, events, 'none'), log.append(good, newEvents(1), 0), log.append(repeated, newEvents(1), 5),
    ])
    const codes = outcomes.map(outcome => (outcome.status === 'fulfilled' ? outcome.value.revision : outcome.reason.code))
    expect(codes).toEqual([0, 'wrong_revision', 'stream_sealed', 1, 1, 'wrong_revision'])
    await log.close()
  })
})

test('ids that the stream has are refused at its head too', async () => {
  const file = newFile()
  const [log, other] = [openSqliteLog({ file }), openSqliteLog({ file })]
  const [stream, first] = [newStream(), newEvents(2)]
  await log.append(stream, first, 'none')
  await expect(log.append(stream, first, 1)).rejects.toThrow(WrongRevision)
  await expect(other.append(stream, [newEvent(), first[0]!], 1)).rejects.toThrow(WrongRevision)
  await other.append(stream, newEvents(3), 1)
  await expect(log.append(stream, [first[1]!], 4)).rejects.toThrow(WrongRevision)
  expect((await log.last(stream))?.revision).toBe(4)
  await Promise.all([log.close(), other.close()])
})

test('a subscriber to rare events is told how far it has come', async () => {
  const log = openSqliteLog({ file: newFile() })
  const prefixes = ['rare-']
  for (let batch = 0; batch < 26; batch++) await log.append(newStream(), newEvents(500), 'none')
  const items = await follow(log, { prefixes }, untilCaughtUp)
  expect(items).toEqual([{ checkpoint: '10000' }, 'caughtUp'])
  const { position } = await log.append(newStream('rare'), newEvents(1), 'none')
  const resumed = await follow(log, { after: '10000', prefixes }, untilEvents(1))
  expect(resumed.filter(isEvent).map(event => event.position)).toEqual([position])
  await log.close()
})

test('a position that the log never gave is refused', async () => {
  const log = openSqliteLog({ file: newFile() })
  const { position } = await log.append(newStream(), newEvents(2), 'none')
  expect(await collect(log.readAll({ after: position }))).toEqual([])
  for (const after of [String(Number(position) + 1), 'C:12/P:12', '-1', '']) {
    await expect(collect(log.readAll({ after }))).rejects.toThrow(RangeError)
    await expect(follow(log, { after, prefixes: ['t'] }, untilCaughtUp)).rejects.toThrow(RangeError)
  }
  await log.close()
})

test('closing lets appends under way finish, ends subscriptions, and refuses what comes later', async () => {
  const file = newFile()
  const log = openSqliteLog({ file })
  const heard = follow(log, { prefixes: ['t'] }, () => false)
  const running = Array.from({ length: 20 }, () => log.append(newStream(), newEvents(1), 'none'))
  await Promise.all([log.close(), log.close()])
  expect((await Promise.all(running)).map(({ revision }) => revision)).toEqual(Array(20).fill(0))
  await heard
  await expect(log.append(newStream(), newEvents(1), 'none')).rejects.toThrow(Unavailable)
  await expect(log.last('session-1')).rejects.toThrow(Unavailable)
  const again = openSqliteLog({ file })
  expect(await collect(again.readAll({}))).toHaveLength(20)
  await again.close()
})

describe('what is sealed', () => {
  const secrets = Array.from({ length: 6 }, (_, index) => `${'secret'.repeat(index ** 4)}${randomUUID()}`)
  const sealedLog = async (patience?: number) => {
    const file = newFile()
    const log = openSqliteLog({ file, ...(patience ? { patience } : {}) })
    const [sealed, kept] = [newStream('key'), newStream('key')]
    for (const [index, secret] of secrets.entries()) {
      await log.append(sealed, [newEvent({ secret })], index === 0 ? 'none' : index - 1)
      await log.append(index === 0 ? kept : newStream('key'), [newEvent({ secret: `kept${index}` })], 'none')
    }
    return { file, log, sealed }
  }

  test('is gone from the bytes of the file and of its write-ahead log', async () => {
    const { file, log, sealed } = await sealedLog()
    const contained = (text: string) => bytesOf(file).includes(text.slice(-36))
    expect(secrets.every(contained)).toBe(true)
    await log.seal(sealed)
    expect(secrets.filter(contained)).toEqual([])
    expect(contained('kept5')).toBe(true)
    await log.close()
    expect(secrets.filter(contained)).toEqual([])
  })

  test('and what a stream was truncated of, too', async () => {
    const { file, log, sealed } = await sealedLog()
    const contained = (text: string) => bytesOf(file).includes(text.slice(-36))
    await log.truncate([{ stream: sealed, before: 5 }])
    expect(secrets.filter(contained)).toEqual(secrets.slice(5))
    await log.close()
    expect(secrets.filter(contained)).toEqual(secrets.slice(5))
  })

  test('is barred at once and gone as soon as nobody reads older pages any more', async () => {
    const { file, log, sealed } = await sealedLog(100)
    const reading = new DatabaseSync(file)
    reading.exec('begin; select count(*) from events')
    await expect(log.seal(sealed)).rejects.toThrow(Unavailable)
    await expect(log.append(sealed, newEvents(1), 5)).rejects.toThrow(StreamSealed)
    expect(bytesOf(file)).toContain(secrets[5]!.slice(-36))
    reading.exec('commit')
    await log.seal(sealed)
    expect(bytesOf(file)).not.toContain(secrets[5]!.slice(-36))
    reading.close()
    await log.close()
  })
})
