import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createFeedTarget } from '../delivery/feeds.ts'
import { UnknownEvent } from '../domain/event.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createFeeds, type Feed, type FeedRows, type Feeds } from './feeds.ts'

let file: ReturnType<typeof openTestFile>
let log: BreakableLog
let running: Feeds[]
let errors: unknown[]
beforeEach(() => {
  file = openTestFile()
  log = file.open()
  ;[running, errors] = [[], []]
})
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()))
  await file.remove()
})

let written = 0
/** A login of so many events. @returns their ids */
async function write(events: number, at = '2026-03-02T08:00:00.000Z'): Promise<string[]> {
  const ids = Array.from({ length: events }, () => randomUUID())
  const metadata = { at, actor: 'app:shop', $correlationId: 'x', $causationId: 'x' }
  await log.append(`session-${(written += 1)}`, ids.map((id) => ({ id, type: 'PinSkipped', data: {}, metadata })), 'none')
  return ids
}

/** As the table has them: the lease is there until it is left. */
function memoryRows(): FeedRows & { places: Map<string, { position: string | undefined; holder: string | undefined }>; beforeMove?: (() => void) | undefined } {
  const places = new Map<string, { position: string | undefined; holder: string | undefined }>()
  const rows: ReturnType<typeof memoryRows> = {
    places,
    take: async (feed, holder) => {
      const row = places.get(feed) ?? { position: undefined, holder }
      if (row.holder !== undefined && row.holder !== holder) return 'elsewhere'
      places.set(feed, { ...row, holder })
      return { position: row.position }
    },
    move: async (feed, holder, position) => {
      rows.beforeMove?.()
      if (places.get(feed)?.holder !== holder) return false
      places.set(feed, { position, holder })
      return true
    },
    leave: async (feed, holder) => {
      const row = places.get(feed)
      if (row?.holder === holder) places.set(feed, { ...row, holder: undefined })
    },
  }
  return rows
}

const open = (feeds: Feed[], rows: FeedRows = memoryRows(), lineOf = async ({ id }: Recorded): Promise<string | undefined> => JSON.stringify({ id })): Feeds => {
  const one = createFeeds({ log, feeds, openLines: () => lineOf, rows, id: randomUUID(), onError: (error) => errors.push(error), pause: { standby: 5, first: 1, longest: 5 } })
  running.push(one)
  one.start()
  return one
}
const keeping = (name = 'kept') => {
  const kept: string[] = []
  const feed = { name, since: undefined as string | undefined, kept, away: false, send: async (events: readonly { id: string }[]) => {
    if (feed.away) throw new Error(`${name} is away`)
    kept.push(...events.map(({ id }) => id))
  } }
  return feed
}
const until = async (holds: () => boolean): Promise<void> => {
  for (let looks = 0; looks < 2_000 && !holds(); looks += 1) await sleep(5)
  expect(holds()).toBe(true)
}

describe('A feed', () => {
  test('has every event in its order, what was there and what comes', async () => {
    const kept = keeping()
    const before = await write(250)
    open([kept])
    await until(() => kept.kept.length === 250)
    const later = await write(3)
    await until(() => kept.kept.length === 253)
    expect(kept.kept).toEqual([...before, ...later])
  })

  test('goes on where it was after a restart, without a gap and without a double', async () => {
    const [kept, rows] = [keeping(), memoryRows()]
    const all: string[] = []
    for (let start = 0; start < 3; start += 1) {
      const one = open([kept], rows)
      all.push(...(await write(20)))
      await until(() => kept.kept.length >= all.length)
      await one.stop()
      all.push(...(await write(5)))
    }
    open([kept], rows)
    await until(() => kept.kept.length >= all.length)
    expect(kept.kept).toEqual(all)
  })

  test('sends again, under the same ids, what was sent when the process died before it knew', async () => {
    const [kept, rows] = [keeping(), memoryRows()]
    const all = await write(1)
    rows.beforeMove = () => {
      rows.beforeMove = undefined
      throw new Error('the process died')
    }
    open([kept], rows)
    await until(() => kept.kept.length === 2)
    expect(kept.kept).toEqual([...all, ...all])
  })

  test('whose receiver is away is tried again, in order, and holds up no other', async () => {
    const [one, other] = [keeping('one'), keeping('other')]
    one.away = true
    const feeds = open([one, other])
    const all = await write(10)
    await until(() => other.kept.length === 10)
    await until(() => feeds.status()[0]!.failures > 2)
    expect([one.kept, feeds.status().map(({ state }) => state)]).toEqual([[], ['failing', 'following']])
    expect(errors).toHaveLength(1)
    one.away = false
    all.push(...(await write(5)))
    await until(() => one.kept.length === 15)
    expect([one.kept, feeds.status()[0]!.state]).toEqual([all, 'following'])
  })

  test('is sent by one engine at a time, and taken over by another', async () => {
    const [kept, rows] = [keeping(), memoryRows()]
    const first = open([kept], rows)
    const all = await write(5)
    await until(() => kept.kept.length === 5)
    const second = open([kept], rows)
    await until(() => second.status()[0]!.state === 'standby')
    all.push(...(await write(5)))
    await until(() => kept.kept.length === 10)
    await first.stop()
    all.push(...(await write(5)))
    await until(() => kept.kept.length === 15)
    expect(kept.kept).toEqual(all)
  })

  test('that another engine has taken over meanwhile is sent by that one alone', async () => {
    const [kept, rows] = [keeping(), memoryRows()]
    const first = open([kept], rows)
    const all = await write(1)
    await until(() => kept.kept.length === 1)
    // This engine slept, as far as the others can tell.
    const { position } = rows.places.get('kept')!
    rows.places.set('kept', { position, holder: 'other' })
    await write(1)
    await until(() => first.status()[0]!.state === 'standby')
    expect(kept.kept).toEqual(all)
  })

  test('stops before an event that a newer release has written, until an engine takes it over that knows it', async () => {
    const [kept, rows] = [keeping(), memoryRows()]
    const [first = '', before = '', unknown = '', ...rest] = await write(5)
    const old = open([kept], rows, async ({ id }) => {
      if (id === unknown) throw new UnknownEvent('unknown')
      return id
    })
    await until(() => old.status()[0]!.failures > 1)
    expect(kept.kept).toEqual([first, before])
    open([kept], rows)
    await until(() => kept.kept.length === 5)
    expect(kept.kept).toEqual([first, before, unknown, ...rest])
  })

  test('begins at the day that it is to begin with, and leaves out what belongs in none', async () => {
    const kept = keeping()
    kept.since = '2026-03-03T00:00:00.000Z'
    await write(3)
    const [one = '', ...others] = await write(3, '2026-03-03T00:00:00.000Z')
    open([kept], memoryRows(), async ({ id }) => (id === one ? undefined : id))
    await until(() => kept.kept.length === 2)
    expect(kept.kept).toEqual(others)
  })
})

describe('A file', () => {
  const linesOf = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => (JSON.parse(line) as { id: string }).id)

  test('has a line of each, may be moved away, and is whole again after a crash in the middle of a line', async () => {
    const path = join(file.folder, 'feed.ndjson')
    const all = await write(3)
    writeFileSync(path, '{"id":"before"}\n{"id":"torn of')
    const feeds = open([{ ...createFeedTarget({ file: path }, { now: Date.now }), since: undefined }])
    await until(() => feeds.status()[0]!.sent === 3)
    expect(linesOf(path)).toEqual(['before', ...all])
    renameSync(path, `${path}.1`)
    const later = await write(1)
    await until(() => feeds.status()[0]!.sent === 4)
    expect(linesOf(path)).toEqual(later)
  })
})

describe('A webhook', () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`

  test('gets lines that are signed, and is asked again until it says yes', async () => {
    const asked: { lines: string[]; signed: boolean; type: string | undefined }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (bytes: Buffer) => (body += bytes.toString())).on('end', () => {
        const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature, 'content-type': type } = request.headers
        const expected = createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${at}.${body}`).digest('base64')
        asked.push({ lines: body.trimEnd().split('\n').map((line) => (JSON.parse(line) as { id: string }).id), signed: signature === `v1,${expected}`, type })
        response.writeHead(asked.length <= 2 ? 503 : 204).end()
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const webhook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/siem?token=x`
    const target = createFeedTarget({ webhook, secret }, { plaintext: true, now: Date.now })
    expect(target.name).not.toContain('token')
    const all = await write(1)
    const feeds = open([{ ...target, since: undefined }])
    await until(() => feeds.status()[0]!.sent === 1)
    expect(asked).toEqual(Array(3).fill({ lines: all, signed: true, type: 'application/x-ndjson' }))
  })

  test('is https, and has a secret', () => {
    expect(() => createFeedTarget({ webhook: 'http://siem.example/', secret }, { now: Date.now })).toThrow('https')
    expect(() => createFeedTarget({ webhook: 'https://siem.example/', secret: 'x' }, { now: Date.now })).toThrow('whsec_')
  })
})
