import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { collect, follow, isEvent, newCategory, newEvent, newEvents, newStream, places, untilCaughtUp, untilEvents } from './contract/fixture.ts'
import { contract } from './contract.ts'
import { OutcomeUnknown, Unavailable, WrongRevision, type EventLog } from './event-log.ts'
import { openEventStoreDb } from './eventstoredb.ts'
import { startStandIn } from './stand-in/start.ts'

const size = process.env['PROVE'] ? 'full' : 'small'
const realNode = process.env['EVENTSTOREDB_URL']
const standIn = await startStandIn()
afterAll(() => standIn.stop())

const open = (url = standIn.url, timeoutMs = 2_000): EventLog => {
  const log = openEventStoreDb({ url, timeoutMs })
  onTestFinished(() => log.close())
  return log
}
/** Watches for errors that reach nobody: each would have ended the process. */
const watchStrays = () => {
  const strays: unknown[] = []
  const keep = (error: unknown) => void strays.push(error)
  process.on('unhandledRejection', keep).on('uncaughtException', keep)
  onTestFinished(() => void process.off('unhandledRejection', keep).off('uncaughtException', keep))
  return async () => {
    // They are told after all promises have been served.
    await sleep(50)
    return strays
  }
}

describe(`the contract, on ${realNode ? 'a real node' : 'the stand-in'}`, () => {
  const tests = realNode
    ? contract({ open: async () => openEventStoreDb({ url: realNode }) }, size)
    // Thousands of appends at once, on a machine that is busy with other tests, take a while.
    : contract({ open: async () => openEventStoreDb({ url: standIn.url, timeoutMs: size === 'full' ? 8_000 : 2_000 }), faults: standIn }, size)
  test.each(tests)('%s', (_, run) => run())
})

describe('a node that dies', () => {
  test('with an append written and not answered: its outcome is unknown, and the same ids are there once', async () => {
    const [log, stream, events] = [open(), newStream(), newEvents(2)]
    await log.append(newStream(), newEvents(1), 'none')
    await standIn.loseNextAnswer()
    await expect(log.append(stream, events, 'none')).rejects.toThrow(OutcomeUnknown)
    await standIn.revive()
    const answer = await vi.waitFor(() => log.append(stream, events, 'none'), 10_000)
    const recorded = await collect(log.read(stream))
    expect(recorded.map(event => event.id)).toEqual(events.map(event => event.id))
    expect(answer).toEqual({ revision: 1, position: recorded[1]!.position })
  })

  test('is unavailable as long as nothing can have been written', async () => {
    const log = open()
    await log.append(newStream(), newEvents(1), 'none')
    await standIn.kill()
    // The connection is known to be broken when a call has failed on it.
    await expect(log.last(newStream())).rejects.toThrow(Unavailable)
    await expect(log.append(newStream(), newEvents(1), 'none')).rejects.toThrow(Unavailable)
    await expect(log.seal(newStream('key'))).rejects.toThrow(Unavailable)
    await standIn.revive()
  })

  test('again and again leaves a subscription without a gap or a double, and no error without a reader', async () => {
    const [log, category, strays] = [open(), newCategory(), watchStrays()]
    const [stream, prefixes] = [newStream(category), [`${category}-`]]
    const { position: after } = await log.append(newStream(), newEvents(1), 'none')
    const heard = follow(log, { after, prefixes }, untilEvents(6))
    for (let revision = -1; revision < 5; revision += 2) {
      const events = newEvents(2)
      await vi.waitFor(() => log.append(stream, events, revision < 0 ? 'none' : revision), 10_000)
      await follow(log, { after, prefixes }, untilEvents(revision + 3))
      await standIn.kill()
      await standIn.revive()
    }
    expect(places((await heard).filter(isEvent))).toEqual(places(await vi.waitFor(() => collect(log.read(stream)), 10_000)))
    expect(await strays()).toEqual([])
  })
})

describe('a node that hangs', () => {
  const pings = '&keepAliveInterval=300&keepAliveTimeout=200'
  const muteWarning = () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
  }

  test('under load fails the calls and nothing else, when pings give it up', async () => {
    muteWarning()
    const [log, strays] = [open(`${standIn.url}${pings}`, 10_000), watchStrays()]
    await log.append(newStream(), newEvents(1), 'none')
    await standIn.freeze()
    onTestFinished(() => standIn.thaw())
    // More than the connection takes before its window is full.
    const running = Array.from({ length: 2_000 }, () => log.append(newStream(), [newEvent({ text: 'x'.repeat(1_000) })], 'none'))
    for (const result of await Promise.allSettled(running)) expect(result).toMatchObject({ status: 'rejected', reason: expect.any(OutcomeUnknown) })
    expect(await strays()).toEqual([])
  })

  test('is not called off when an append takes too long: it would write the half of it that it has', async () => {
    const hung = createServer(), calledOff: string[] = []
    hung.on('stream', (call, { ':path': path }) => void call.on('aborted', () => calledOff.push(String(path))).on('error', () => {}))
    await once(hung.listen(0, '127.0.0.1'), 'listening')
    hung.on('session', session => onTestFinished(() => session.destroy()))
    onTestFinished(() => void hung.close())
    const called = once(hung, 'stream')
    const log = open(`esdb://127.0.0.1:${(hung.address() as AddressInfo).port}?tls=false`, 100)
    await expect(log.append(newStream(), newEvents(2), 'none')).rejects.toThrow(OutcomeUnknown)
    await called
    await sleep(100)
    expect(calledOff).toEqual([])
  })

  test('is given up by a subscription, which goes on at the node that takes its place', async () => {
    muteWarning()
    const [log, category] = [open(`${standIn.url}${pings}`), newCategory()]
    const [stream, prefixes] = [newStream(category), [`${category}-`]]
    const { position: after } = await log.append(newStream(), newEvents(1), 'none')
    let caughtUp = 0
    const heard = follow(log, { after, prefixes }, items => {
      if (untilCaughtUp(items)) caughtUp++
      return items.filter(isEvent).length === 2
    })
    await vi.waitFor(() => expect(caughtUp).toBe(1))
    await standIn.freeze()
    const late = log.append(stream, newEvents(1), 'none')
    await expect(late).rejects.toThrow(OutcomeUnknown)
    await standIn.thaw()
    await vi.waitFor(() => expect(caughtUp).toBe(2), 10_000)
    const { length } = await collect(log.read(stream))
    await log.append(stream, newEvents(2 - length), length === 0 ? 'none' : 0)
    expect(places((await heard).filter(isEvent))).toEqual(places(await collect(log.read(stream))))
  })

  test('does not hold up the one who closes the log, nor one who waits for it', async () => {
    const log = open()
    await log.append(newStream(), newEvents(1), 'none')
    const waiting = follow(log, { prefixes: ['none-'] }, () => false)
    await standIn.freeze()
    onTestFinished(() => standIn.thaw())
    const reading = expect(collect(log.readAll({}))).rejects.toThrow(Unavailable)
    await log.close()
    await reading
    expect((await waiting).filter(isEvent)).toEqual([])
  })
})

describe('a cluster', () => {
  test('is written and read at its leader, which a follower names', async () => {
    const follower = await startStandIn({ leader: standIn.address })
    onTestFinished(() => follower.stop())
    const [log, stream] = [open(follower.url), newStream()]
    await expect(log.append(stream, newEvents(1), 'none')).rejects.toThrow(Unavailable)
    await log.append(stream, newEvents(1), 'none')
    expect(await collect(open().read(stream))).toHaveLength(1)
    const reader = open(follower.url)
    await expect(reader.last(stream)).rejects.toThrow(Unavailable)
    expect(await reader.last(stream)).toMatchObject({ stream, revision: 0 })
    expect((await follow(open(follower.url), { prefixes: [stream] }, untilEvents(1))).filter(isEvent)).toHaveLength(1)
  })

  test('is found by gossip', async () => {
    const [log, stream] = [open(standIn.url.replace('esdb:', 'esdb+discover:')), newStream()]
    await log.append(stream, newEvents(1), 'none')
    expect(await log.last(stream)).toMatchObject({ revision: 0 })
  })

  test('that elects a leader while calls break off ends nothing but those', async () => {
    const [log, strays, stop] = [open(standIn.url.replace('esdb:', 'esdb+discover:')), watchStrays(), new AbortController()]
    let caughtUp = 0
    const heard = follow(log, { prefixes: ['none-'], signal: stop.signal }, items => {
      if (untilCaughtUp(items)) caughtUp++
      return false
    })
    await vi.waitFor(() => expect(caughtUp).toBe(1))
    await standIn.resign()
    await expect(log.append(newStream(), newEvents(1), 'none')).rejects.toThrow(OutcomeUnknown)
    const looking = expect(log.append(newStream(), newEvents(1), 'none')).rejects.toThrow(Unavailable)
    await standIn.kill()
    await looking
    await standIn.revive()
    await vi.waitFor(() => expect(caughtUp).toBe(2), 10_000)
    stop.abort()
    await heard
    expect(await strays()).toEqual([])
  })

  test('that is not found has taken nothing', async () => {
    const log = open('esdb+discover://127.0.0.1:1?tls=false&maxDiscoverAttempts=2&discoveryInterval=10')
    await expect(log.append(newStream(), newEvents(1), 'none')).rejects.toThrow(Unavailable)
    await expect(log.last(newStream())).rejects.toThrow(Unavailable)
  })
})

describe('the log', () => {
  test('refuses a wrong expectation also where the connection string says that failures are no errors', async () => {
    const log = open(`${standIn.url}&throwOnAppendFailure=false`)
    await expect(log.append(newStream(), newEvents(1), 3)).rejects.toThrow(WrongRevision)
  })

  test('has no marks or system streams of the node in it', async () => {
    const [log, sealed, kept] = [open(), newStream('key'), newStream()]
    const { position: after } = await log.append(sealed, newEvents(1), 'none')
    await log.seal(sealed)
    await log.append(kept, newEvents(1), 'none')
    for (const prefixes of [undefined, [''], ['key-', '$', kept]]) {
      const events = await collect(log.readAll({ after, ...(prefixes && { prefixes }) }))
      expect(events.map(event => event.stream)).toEqual([kept])
    }
  })

  test('does not take a position of another store', async () => {
    await expect(collect(open().readAll({ after: '17' }))).rejects.toThrow(TypeError)
    await expect(follow(open(), { after: '17', prefixes: ['a-'] }, () => true)).rejects.toThrow(TypeError)
  })

  test('closes also after a reader has left in the middle of an answer that had come whole', async () => {
    const [log, stream] = [open(), newStream()]
    await log.append(stream, newEvents(40), 'none')
    for await (const { revision } of log.read(stream)) {
      expect(revision).toBe(0)
      await sleep(200)
      break
    }
    await log.close()
  })

  test('once closed, takes and gives nothing, and lets the process end', async () => {
    const log = open()
    await log.close()
    await expect(log.append(newStream(), newEvents(1), 'none')).rejects.toThrow(Unavailable)
    await expect(collect(log.read(newStream()))).rejects.toThrow(Unavailable)
    const program = `
      import { openEventStoreDb } from ${JSON.stringify(new URL('./eventstoredb.ts', import.meta.url).href)}
      const log = openEventStoreDb({ url: ${JSON.stringify(standIn.url)} })
      for await (const item of log.subscribe({ prefixes: ['none-'] })) if (item === 'caughtUp') break
      for await (const event of log.readAll({})) break
      await log.last('session-1')
      await log.close()
      console.log('closed')`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 20_000 })
    expect(stdout).toBe('closed\n')
  })
})
