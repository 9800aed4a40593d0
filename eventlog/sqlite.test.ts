import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { collect, follow, isEvent, newEvent, newEvents, newStream, places, untilCaughtUp, untilEvents } from './contract/fixture.ts'
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
    return Array.from({ length: (wal.length - header) / frame }, (_, nth) => wal.readUInt32BE(header + nth * frame + 4)).filter(size => size > 0).length
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
    for (const [file, message] of [
      [text, /cannot be read as an event log/], [foreign, /another program/], [newer, /newer release \(schema 2/], [torn, /cannot be read as an event log/],
    ] as const) {
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

describe('a lock that another process holds', () => {
  const locked = (patience: number) => {
    const file = newFile()
    const log = openSqliteLog({ file, patience })
    const holder = new DatabaseSync(file)
    holder.exec('begin immediate')
    return { log, holder }
  }

  test('makes appends unavailable when it lasts, and reads go on', async () => {
    const { log, holder } = locked(100)
    const [stream, events] = [newStream(), newEvents(2)]
    const refused = await Promise.allSettled([log.append(stream, events, 'none'), log.append(newStream(), newEvents(1), 'none')])
    for (const outcome of refused) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'log_unavailable' } })
    expect(await collect(log.read(stream))).toEqual([])
    holder.exec('rollback')
    expect((await log.append(stream, events, 'none')).revision).toBe(1)
    expect(await collect(log.readAll({}))).toHaveLength(2)
    holder.close()
    await log.close()
  })

  test('is waited for while it is short, and other work goes on meanwhile', async () => {
    const { log, holder } = locked(30_000)
    const appended = log.append(newStream(), newEvents(1), 'none')
    await sleep(60)
    holder.exec('rollback')
    expect((await appended).revision).toBe(0)
    holder.close()
    await log.close()
  })
})

describe('another process', () => {
  type Child = ChildProcessByStdio<null, Readable, null>
  /** Runs the code with a log on the file, in a process of its own. `shell`: what its shell does first. */
  const another = (file: string, code: string, shell = 'true'): Child => {
    const script = `
      import { openSqliteLog } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)}
      import { newEvent, newEvents, newStream } from ${JSON.stringify(new URL('./contract/fixture.ts', import.meta.url).href)}
      const log = openSqliteLog({ file: ${JSON.stringify(file)} })
      ${code}`
    const arguments_ = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
    return spawn('sh', ['-c', `${shell} && exec "$@"`, 'sh', ...arguments_], { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  test('that is killed at any time has kept all that it acknowledged, and no half of a batch', async () => {
    const file = newFile()
    const acknowledged: string[] = []
    const kills = process.env['PROVE'] ? 20 : 3
    for (let kill = 1; kill <= kills; kill++) {
      const child = another(file, `
        const write = async () => {
          for (let stream = newStream(); ; stream = newStream()) {
            await log.append(stream, newEvents(2), 'none')
            console.log(stream)
          }
        }
        for (let writer = 0; writer < 16; writer++) void write()`)
      let heard = 0
      for await (const stream of createInterface({ input: child.stdout })) {
        acknowledged.push(stream)
        if (++heard === kill * 137) child.kill('SIGKILL')
      }
    }
    const log = openSqliteLog({ file })
    for (const stream of acknowledged) expect((await collect(log.read(stream))).map(event => event.revision)).toEqual([0, 1])
    const all = await collect(log.readAll({}))
    expect(all.filter(event => event.revision === 0).length).toBe(all.length / 2)
    expect(all.length / 2).toBeGreaterThanOrEqual(acknowledged.length)
    await log.close()
  })

  test('appends while this one appends and subscribes: no gap, no double, one order', async () => {
    const file = newFile()
    const log = openSqliteLog({ file })
    const heard = follow(log, { prefixes: ['session-'] }, untilEvents(600))
    const child = another(file, `
      for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 10 }, () => log.append(newStream('session'), newEvents(1), 'none')))
      console.log('done')
      await log.close()`)
    const [first] = await Promise.all([once(child.stdout, 'data'), (async () => {
      while ((await collect(log.readAll({}))).length === 0) await sleep(1)
      for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 10 }, () => log.append(newStream('session'), newEvents(1), 'none')))
    })()])
    expect(String(first)).toBe('done\n')
    const items = (await heard).filter(isEvent)
    expect(places(items)).toEqual(places(await collect(log.readAll({}))))
    expect(new Set(items.map(event => event.id)).size).toBe(600)
    await log.close()
  })

  test.skipIf(process.platform === 'win32')('whose disk takes no more writes nothing of that append, and goes on when there is room', async () => {
    const file = newFile()
    const child = another(file, `
      const stream = 'session-1'
      await log.append(stream, newEvents(1), 'none')
      const large = Array.from({ length: 4 }, () => newEvent({ text: 'x'.repeat(250_000) }))
      const outcomes = await Promise.allSettled([log.append(stream, large, 0), log.append('session-2', newEvents(1), 'none')])
      for (const { reason } of outcomes) console.log(reason?.code)
      console.log((await log.append(stream, newEvents(1), 0)).revision)
      await log.close()`, 'ulimit -f 1024')
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) lines.push(line)
    expect(lines).toEqual(['log_unavailable', 'log_unavailable', '1'])
    const log = openSqliteLog({ file })
    expect((await collect(log.readAll({}))).map(event => [event.stream, event.revision])).toEqual([['session-1', 0], ['session-1', 1]])
    await log.close()
  })
})
