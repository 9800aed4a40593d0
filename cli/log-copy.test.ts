import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test, vi } from 'vitest'
import { leafOf } from '../audit/canonical.ts'
import { isLeaf } from '../audit/testing.ts'
import { copyLog } from '../eventlog/copy.ts'
import { newEvents } from '../eventlog/contract/fixture.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import { openEventStoreDb } from '../eventlog/eventstoredb.ts'
import { startStandIn, type StandIn } from '../eventlog/stand-in/start.ts'
import { failingAfter, losingAnswers, openTestFile } from '../eventlog/testing.ts'
import { openEngine } from '../open-engine.ts'
import { moveLog } from './log-copy.ts'
import { verifyEvents } from './log-walk.ts'
import { openFolder } from './testing.ts'
import { addPeople, appendLogins, configOf, fileIn, readEvents, sign } from './testing-log.ts'

const prove = process.env['PROVE'] !== undefined
const given = { as: 'jo', why: 'we grow' }

let node: StandIn
let cli: ReturnType<typeof openFolder>
let said: string[]

async function all(log: EventLog): Promise<Recorded[]> {
  const events: Recorded[] = []
  for await (const event of log.readAll({})) events.push(event)
  return events
}
async function inNode<T>(work: (log: EventLog) => Promise<T>): Promise<T> {
  const log = openEventStoreDb({ url: node.url })
  return work(log).finally(log.close)
}
const bare = ({ position: _, ...event }: Recorded) => event

describe('log copy', () => {
  beforeEach(async () => {
    node = await startStandIn()
    cli = openFolder()
    said = []
    for (const way of ['log', 'error'] as const) vi.spyOn(console, way).mockImplementation((line: string) => void said.push(line))
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    cli.remove()
    await node.stop()
  })

  test('moves every event in its place, bars what was sealed, and what was signed still holds', async () => {
    const [ada = '', bob = ''] = await addPeople(cli.data, 'ada', 'bob')
    await appendLogins(fileIn(cli.data), 4)
    const { engine, log, close } = await openEngine(configOf(cli.data), {}, { history: async () => 'unavailable' })
    await engine.administration.erase({ actor: 'cli:test', secret: 'x', key: 'x' }, ada)
    // As a rotation of the master key leaves it.
    const [key] = await all(log).then((events) => events.filter(({ stream }) => stream === `key-${bob}`))
    await log.append(`key-${bob}`, [{ ...key!, id: crypto.randomUUID() }], 0)
    await log.truncate([{ stream: `key-${bob}`, before: 1 }])
    await close()
    const note = await sign(cli.data)

    expect(await moveLog(configOf(cli.data), node.url, given)).toBe(0)
    const here = await readEvents(fileIn(cli.data))
    const there = await inNode(all)
    expect(there.filter(isLeaf).map(leafOf)).toEqual(here.filter(isLeaf).map(leafOf))
    expect(there.map(({ id }) => id)).toEqual(here.map(({ id }) => id))
    expect(there.filter(({ stream }) => !stream.startsWith('key-')).map(bare)).toEqual(here.filter(({ stream }) => !stream.startsWith('key-')).map(bare))
    expect(here.at(-1)).toMatchObject({ type: 'OperatorActed', data: { who: 'jo', why: 'we grow', what: 'log copy' } })
    await expect(inNode((log) => log.append(`key-${ada}`, newEvents(1), 'none'))).rejects.toMatchObject({ code: 'stream_sealed' })
    expect(said.join('\n')).toMatch(/The tree is the same: \d+ events, root \S+=/)
    expect(note).toContain('keyledger/')
    // Only that it was copied is not signed yet.
    said = []
    expect(await inNode((log) => verifyEvents(log, {}))).toBe('not covered')
    expect(said.at(-1)).toMatch(/^Not yet covered: 1 events/)

    // An engine there goes on with it.
    const moved = await openEngine({ ...configOf(cli.data), eventStoreDbUrl: node.url }, {}, { history: async () => 'unavailable' })
    expect((await moved.engine.administration.find('bob@example.com')).identifiers).toHaveLength(1)
    await moved.close()

    // And nothing goes where something else is.
    await inNode((log) => log.append('session-1', newEvents(1), 'none'))
    const before = await inNode(all)
    await expect(moveLog(configOf(cli.data), node.url, given)).rejects.toMatchObject({ code: 'not_this_log' })
    expect(await inNode(all)).toEqual(before)
    await expect(moveLog({ ...configOf(cli.data), eventStoreDbUrl: node.url }, node.url, given)).rejects.toThrow('embedded log')
    await expect(moveLog(configOf(join(cli.folder, 'nothing')), node.url, given)).rejects.toThrow('there is no log')
  })

  test('that was killed goes on where it was', async () => {
    await addPeople(cli.data, 'ada')
    await appendLogins(fileIn(cli.data), 60)
    for (let attempt = 0; attempt < (prove ? 10 : 1); attempt += 1) {
      const { child, ended } = cli.start(['log', 'copy', '--to', node.url, '--as', 'jo', '--why', 'we grow'])
      const had = (await inNode(all)).length
      await inNode(async (log) => {
        const { stream, revision } = (await readEvents(fileIn(cli.data)))[had + 20]!
        while (child.exitCode === null && ((await log.last(stream))?.revision ?? -1) < revision) await sleep(5)
      })
      child.kill('SIGKILL')
      await ended
    }
    const broken = await inNode(all)
    expect(broken.length).toBeGreaterThan(0)
    expect(await moveLog(configOf(cli.data), node.url, given)).toBe(0)
    const here = await readEvents(fileIn(cli.data))
    expect((await inNode(all)).map(bare)).toEqual(here.map(bare))
    if (!prove) expect(broken.length).toBeLessThan(here.length - 1)
    expect(said.join('\n')).toContain(`${here.length} events are there, ${here.length - broken.length} of them written now`)
  })
})

describe('A copy', () => {
  const files: ReturnType<typeof openTestFile>[] = []
  const file = () => {
    const made = openTestFile()
    files.push(made)
    return made
  }
  let from: EventLog
  beforeAll(async () => {
    from = file().open()
    for (let nth = 0; nth < 30; nth += 1) await from.append(`walk-${nth % 7}`, newEvents(1 + (nth % 3)), nth < 7 ? 'none' : ((await from.last(`walk-${nth % 7}`))?.revision as number))
    await from.append('key-1', newEvents(2), 'none')
  })
  afterAll(() => Promise.all(files.map((one) => one.remove())))

  test('repeats what was not answered, with the same ids, and ends where the target is gone; the next one completes it', async () => {
    const target = file()
    const to = target.open()
    to.broken.append = losingAnswers(3)
    expect(await copyLog({ from, to, sealed: [], pauses: [0, 0, 0] })).toMatchObject({ written: 62 })
    expect((await all(to)).map(bare)).toEqual((await all(from)).map(bare))

    const other = file().open()
    other.broken.append = failingAfter(5)
    await expect(copyLog({ from, to: other, sealed: [], pauses: [] })).rejects.toMatchObject({ code: 'log_unavailable' })
    const written = (await all(other)).length
    other.broken.append = undefined
    expect(await copyLog({ from, to: other, sealed: [], pauses: [] })).toMatchObject({ events: 62, written: 62 - written })
    expect(written).toBeGreaterThan(4)
    // An engine that ran again meanwhile has forgotten somebody.
    await from.seal('key-1')
    await from.append('walk-9', newEvents(1), 'none')
    expect(await copyLog({ from, to: other, sealed: ['key-1', 'key-2'], pauses: [] })).toMatchObject({ events: 61, written: 1 })
    expect(await all(other)).toHaveLength(61)
    for (const stream of ['key-1', 'key-2']) await expect(other.append(stream, newEvents(1), 'none')).rejects.toMatchObject({ code: 'stream_sealed' })
  })

  test('is refused where an event is missing, changed, or too much', async () => {
    const events = await all(from)
    const answering = (some: readonly Recorded[], to: EventLog): EventLog => ({
      ...to,
      async *readAll() {
        yield* some
      },
    })
    const to = file().open()
    const changes = [
      events.filter((_, index) => index !== 3),
      events.map((event, index) => (index === 3 ? { ...event, data: { index: 99 } } : event)),
      events.map((event, index) => (index === 3 ? { ...event, metadata: { ...event.metadata, actor: 'mallory' } } : event)),
      [...events, { ...events[0]!, stream: 'walk-10' }],
      [events[1]!, events[0]!, ...events.slice(2)],
    ]
    for (const change of changes) await expect(copyLog({ from, to: answering(change, to), sealed: [] })).rejects.toMatchObject({ code: 'not_this_log' })
    expect(await all(to)).toEqual([])
    expect(await copyLog({ from, to: answering(events, to), sealed: [] })).toMatchObject({ written: 0 })
  })
})
