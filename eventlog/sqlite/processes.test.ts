import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { collect, follow, isEvent, newEvents, newStream, places, untilEvents } from '../contract/fixture.ts'
import { openSqliteLog } from '../sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'event-log-'))
afterAll(() => rmSync(folder, { recursive: true }))
const newFile = () => join(folder, `${randomUUID()}.db`)

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
      import { openSqliteLog } from ${JSON.stringify(new URL('../sqlite.ts', import.meta.url).href)}
      import { newEvent, newEvents, newStream } from ${JSON.stringify(new URL('../contract/fixture.ts', import.meta.url).href)}
      const log = openSqliteLog({ file: ${JSON.stringify(file)} })
      ${code}`
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
    return spawn('sh', ['-c', `${shell} && exec "$@"`, 'sh', ...command], { stdio: ['ignore', 'pipe', 'inherit'] })
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
      expect(heard).toBeGreaterThanOrEqual(kill * 137)
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
      for (let count = 0; count < 300; count++) await log.append(newStream('session'), newEvents(1), 'none')
      await log.close()`)
    const exit = once(child, 'exit')
    while ((await collect(log.readAll({}))).length === 0) await sleep(1)
    for (let count = 0; count < 300; count++) await log.append(newStream('session'), newEvents(1), 'none')
    expect(await exit).toEqual([0, null])
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
