import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Recorded } from '../eventlog/event-log.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'
import { leafOf } from './canonical.ts'
import { another, createDice, isLeaf, keep, makeEvents, type Dice } from './testing.ts'
import { walk, type Walked } from './walk.ts'

const prove = process.env['PROVE'] !== undefined
const seed = prove ? Math.floor(Math.random() * 1e9) : 7
if (prove) console.log(`audit/walk.test.ts: seed ${seed}`)

async function* each<T>(some: readonly T[]): AsyncGenerator<T> {
  yield* some
}

/** What can be done to a list of events, and from which leaf on they are wrong. */
function tampered(dice: Dice, events: readonly Recorded[]): Recorded[] {
  const changed = [...events]
  const at = dice.upTo(events.length)
  const event = events[at]!
  const other = dice.upTo(events.length)
  switch (dice.upTo(7)) {
    case 0:
      changed[at] = another(dice, event)
      break
    case 1:
      changed.splice(at, 1 + dice.upTo(3))
      break
    case 2:
      changed.splice(at, 0, { ...another(dice, event), id: dice.id() })
      break
    case 3:
      changed.splice(at, 0, { ...event, stream: `session-${dice.id()}`, revision: 0, id: dice.id() })
      break
    case 4:
      ;[changed[at], changed[other]] = [changed[other]!, event]
      break
    case 5:
      changed.length = at
      break
    default:
      // A stream as a whole, and nothing of it left to miss.
      return changed.filter(({ stream }) => stream !== event.stream)
  }
  return changed
}

/** The first leaf that is another one, or missing, or too much; undefined where nothing that is covered was touched. */
const firstWrong = (before: readonly Recorded[], after: readonly Recorded[], size: number): number | undefined => {
  const [old, young] = [before, after].map((events) => events.filter(isLeaf).map(leafOf))
  for (let index = 0; index < size; index += 1) if (old![index] !== young![index]) return index
  return undefined
}

const expectPlace = ({ wrong }: Walked, index: number, events: readonly Recorded[]) => {
  const { stream, revision } = events.filter(isLeaf)[index]!
  expect(wrong).toMatchObject({ index, expected: { stream, revision }, exact: true })
}

describe('Against a checkpoint that was kept elsewhere', () => {
  test('a log that nobody touched is right, and what came after is not covered', async () => {
    const events = makeEvents(createDice(1), 80)
    const kept = keep(events)
    for (const size of [0, 1, 40, kept.leaves.length]) {
      const walked = await walk({ events: each(events), held: await kept.at(size), known: each(kept.known) })
      const rest = kept.leaves.slice(size)
      expect(walked).toMatchObject({ leaves: kept.leaves.length, wrong: undefined, uncovered: { events: rest.length, since: rest[0]?.metadata.at } })
    }
  })

  test('every answer of a store that lies is found out, and the first wrong event is named', async () => {
    const dice = createDice(seed)
    let covered = 0
    for (let round = 0; round < (prove ? 10_000 : 60); round += 1) {
      const events = makeEvents(dice, 2 + dice.upTo(60))
      const kept = keep(events)
      const held = await kept.at(dice.upTo(kept.leaves.length + 1))
      const lie = tampered(dice, events)
      const index = firstWrong(events, lie, held.size)
      const walked = await walk({ events: each(lie), held, known: each(kept.known) })
      const nameless = await walk({ events: each(lie), held, others: [await kept.at(held.size >> 1)] })
      if (index === undefined) {
        expect(walked.wrong === undefined || walked.wrong.index >= held.size).toBe(true)
        continue
      }
      covered += 1
      expectPlace(walked, index, events)
      // Without the table it is still found, and between two checkpoints.
      expect(nameless.wrong!.index).toBeLessThanOrEqual(index)
      expect(nameless.wrong!.before ?? Number.NaN).toBeGreaterThan(index)
      expect(nameless.wrong!.exact).toBe(false)
    }
    expect(covered).toBeGreaterThan(prove ? 5_000 : 20)
  })

  test('a table that was changed to fit the lie is not believed', async () => {
    const dice = createDice(3)
    const events = makeEvents(dice, 50)
    const kept = keep(events)
    const held = await kept.at(kept.leaves.length)
    const lie = events.map((event) => (event === kept.leaves[20] ? another(dice, event) : event))
    const walked = await walk({ events: each(lie), held, known: each(keep(lie).known), others: [await kept.at(16), await kept.at(24)] })
    expect(walked.wrong).toMatchObject({ index: 16, before: 24, exact: false })
    // A table that is wrong elsewhere does not make the place where it differs the one that is wrong.
    const table = keep(events.map((event) => (event === kept.leaves[3] ? another(dice, event) : event))).known
    const elsewhere = await walk({ events: each(lie), held, known: each(table), others: [await kept.at(16), await kept.at(24)] })
    expect(elsewhere.wrong).toMatchObject({ index: 16, before: 24, exact: false })
    // And where the table alone is wrong, the log is right.
    expect(await walk({ events: each(events), held, known: each(keep(lie).known) })).toMatchObject({ wrong: undefined })
  })

  test('how far it is, is told', async () => {
    const [event] = makeEvents(createDice(1), 1)
    const events = Array.from({ length: 2_500 }, (_, revision): Recorded => ({ ...event!, stream: 'session-1', revision }))
    const told: number[] = []
    await walk({ events: each(events), held: { size: 0, root: Buffer.alloc(32) }, onProgress: (leaves) => told.push(leaves) })
    expect(told).toEqual([1_000, 2_000, 2_500])
  })
})

describe('In the SQLite file itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'walk-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const read = async (file: string): Promise<Recorded[]> => {
    const log = openSqliteLog({ file })
    try {
      const events: Recorded[] = []
      for await (const event of log.readAll({})) events.push(event)
      return events
    } finally {
      await log.close()
    }
  }

  const changes: readonly ((db: DatabaseSync, dice: Dice, position: number, other: number, count: number) => void)[] = [
    (db, dice, position) => db.prepare("update events set data = json_set(data, '$.n', ?) where position = ?").run(-1 - dice.upTo(99), position),
    (db, dice, position) => db.prepare("update events set data = json_set(data, '$.added', ?) where position = ?").run(dice.id(), position),
    (db, dice, position) => db.prepare("update events set metadata = json_set(metadata, '$.actor', ?) where position = ?").run(dice.id(), position),
    (db, dice, position) => db.prepare('update events set type = ?, id = ? where position = ?').run('Forged', dice.id(), position),
    (db, _, position) => db.prepare('delete from events where position = ?').run(position),
    (db, _, position) => db.prepare('delete from events where position > ?').run(position),
    (db, _, position) => db.prepare('update events set revision = revision + 1000 where position = ?').run(position),
    (db, dice, position) => db.prepare('update streams set name = ? where number = (select stream from events where position = ?)').run(`session-${dice.id()}`, position),
    (db, _, position) => db.prepare('update streams set sealed = 1 where number = (select stream from events where position = ?)').run(position),
    (db, _, position) => db.prepare('delete from events where stream = (select stream from events where position = ?)').run(position),
    (db, dice, position) => db.prepare('insert into events (stream, revision, id, type, data, metadata) select stream, revision + 500, ?, type, data, metadata from events where position = ?').run(dice.id(), position),
    (db, _, position, other, count) => {
      db.exec(`update events set position = ${count + 1} where position = ${position}; update events set position = ${position} where position = ${other}; update events set position = ${other} where position = ${count + 1}`)
    },
    (db, dice, position, _, count) => {
      // Room is made, and an event put in between.
      db.exec(`update events set position = -position - 1 where position >= ${position}; update events set position = -position where position < 0`)
      db.prepare('insert into streams (name) values (?)').run(`session-${dice.id()}`)
      db.prepare("insert into events (position, stream, revision, id, type, data, metadata) select ?, max(number), 0, ?, 'Forged', '{}', ? from streams").run(position, dice.id(), JSON.stringify({ at: '2026-03-02T08:00:00.000Z', n: count }))
    },
  ]

  test('what was changed, removed, added, exchanged or cut off is found out and named', async () => {
    const dice = createDice(seed + 1)
    const original = join(folder, 'original.sqlite')
    const written = openSqliteLog({ file: original })
    const heads = new Map<string, number>()
    for (const { position: _, stream, revision, ...event } of makeEvents(dice, 60)) {
      heads.set(stream, (await written.append(stream, [event], revision === 0 ? 'none' : (heads.get(stream) as number))).revision)
    }
    await written.close()
    const events = await read(original)
    const kept = keep(events)
    const held = await kept.at(kept.leaves.length - 5)
    let covered = 0
    for (let round = 0; round < (prove ? 10_000 : 3 * changes.length); round += 1) {
      const file = join(folder, `${round}.sqlite`)
      copyFileSync(original, file)
      const db = new DatabaseSync(file)
      changes[round % changes.length]!(db, dice, 1 + dice.upTo(events.length), 1 + dice.upTo(events.length), events.length)
      db.close()
      const index = firstWrong(events, await read(file), held.size)
      const log = openSqliteLog({ file })
      const walked = await walk({ events: log.readAll({}), held, known: each(kept.known) })
      await log.close()
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
      if (index === undefined) continue
      covered += 1
      expectPlace(walked, index, events)
    }
    expect(covered).toBeGreaterThan(2 * changes.length - 5)
  })

  test('an event that is no JSON any more is named', async () => {
    const file = join(folder, 'broken.sqlite')
    copyFileSync(join(folder, 'original.sqlite'), file)
    const db = new DatabaseSync(file)
    db.exec(`update events set data = '{"n":' where position = 7`)
    db.close()
    const log = openSqliteLog({ file })
    await expect(walk({ events: log.readAll({}), held: { size: 0, root: Buffer.alloc(32) } })).rejects.toThrow(/^session-.*, revision \d+: the stored event is not JSON$|^(account|tokens|key|ledger)-.*, revision \d+: the stored event is not JSON$/)
    await log.close()
  })
})
