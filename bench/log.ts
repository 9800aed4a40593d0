/** The embedded log beside raw SQLite: appends at 64 at once, and reading everything. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { EventLog, NewEvent } from '../eventlog/event-log.ts'
import { openSqliteLog } from '../eventlog/sqlite.ts'

export type LogFigures = { appends: number[]; plain: number[]; bare: number[]; reads: number[]; selects: number[]; events: number }

const atOnce = 64

/** As large as the events of a login are on average. */
const newEvent = (): NewEvent => ({
  id: randomUUID(),
  type: 'OtpIssued',
  data: { issue: 1, channel: 'email', destination: `a1.${randomUUID()}.${'x'.repeat(80)}`, expiresAt: '2031-02-03T04:05:06.789Z', resendAt: '2031-02-03T04:05:06.789Z' },
  metadata: { at: '2031-02-03T04:05:06.789Z', actor: 'app:shop', $correlationId: randomUUID(), $causationId: 'k'.repeat(22), fingerprint: 'f'.repeat(43) },
})

/** Appends/s, of one event each, of streams of ten. */
async function appends(log: EventLog, seconds: number): Promise<number> {
  const begun = performance.now()
  let done = 0
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (performance.now() - begun < seconds * 1000) {
      const stream = `session-${randomUUID()}`
      for (let revision = 0; revision < 10; revision += 1, done += 1) await log.append(stream, [newEvent()], revision === 0 ? 'none' : revision - 1)
    }
  }))
  return done / ((performance.now() - begun) / 1000)
}

/** The same rows by 64 to a transaction, in a loop that does nothing else. */
function inserts(db: DatabaseSync, seconds: number, insert: (stream: string, revision: number, event: NewEvent) => void): number {
  const begun = performance.now()
  let done = 0
  while (performance.now() - begun < seconds * 1000) {
    const streams = Array.from({ length: atOnce }, () => `session-${randomUUID()}`)
    for (let revision = 0; revision < 10; revision += 1) {
      db.exec('begin immediate')
      for (const stream of streams) insert(stream, revision, newEvent())
      db.exec('commit')
      done += atOnce
    }
  }
  return done / ((performance.now() - begun) / 1000)
}

const openRaw = (file: string, schema: string): DatabaseSync => {
  const db = new DatabaseSync(file)
  db.exec(`pragma journal_mode = wal; pragma synchronous = full; ${schema}`)
  return db
}

/** The table that anybody would begin with. */
const plainSchema = `create table events (position integer primary key, stream text not null, revision integer not null, id text not null, type text not null,
  data text not null, metadata text not null, unique (stream, revision)) strict`
/** The log's own tables without anything that it checks. */
const bareSchema = `create table streams (number integer primary key, name text not null unique, sealed integer not null default 0) strict;
  create table events (position integer primary key, stream integer not null, revision integer not null, id text not null, type text not null,
  data text not null, metadata text not null, unique (stream, revision)) strict`

const rowOf = ({ id, type, data, metadata }: NewEvent): [string, string, string, string] => [id, type, JSON.stringify(data), JSON.stringify(metadata)]

export async function measureLog({ windows, seconds, events }: { windows: number; seconds: number; events: number }): Promise<LogFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'keyledger-log-'))
  const file = join(folder, 'log.db')
  const log = openSqliteLog({ file })
  const plain = openRaw(join(folder, 'plain.db'), plainSchema)
  const bare = openRaw(join(folder, 'bare.db'), bareSchema)
  const intoPlain = plain.prepare('insert into events (stream, revision, id, type, data, metadata) values (?, ?, ?, ?, ?, ?)')
  const [addStream, intoBare] = [bare.prepare('insert into streams (name) values (?)'), bare.prepare('insert into events (stream, revision, id, type, data, metadata) values (?, ?, ?, ?, ?, ?)')]
  const numbers = new Map<string, number>()
  const bareInsert = (stream: string, revision: number, event: NewEvent): void => {
    if (revision === 0) numbers.set(stream, Number(addStream.run(stream).lastInsertRowid))
    const number = numbers.get(stream) as number
    intoBare.run(number, revision, ...rowOf(event))
    if (revision === 9) numbers.delete(stream)
  }
  const figures: LogFigures = { appends: [], plain: [], bare: [], reads: [], selects: [], events }
  try {
    // In turn, so that a machine whose speed drifts does not favour one of them.
    for (let n = 0; n <= windows; n += 1) {
      const [ours, theirs, bones] = [await appends(log, seconds), inserts(plain, seconds, (stream, revision, event) => void intoPlain.run(stream, revision, ...rowOf(event))), inserts(bare, seconds, bareInsert)]
      // The first one is for warming up.
      if (n === 0) continue
      figures.appends.push(ours)
      figures.plain.push(theirs)
      figures.bare.push(bones)
    }
    fill(file, events)
    const raw = new DatabaseSync(file)
    const statement = raw.prepare('select e.position, s.name, e.revision, e.id, e.type, e.data, e.metadata from events e cross join streams s on s.number = e.stream where e.position > ? order by e.position limit 1000')
    statement.setReturnArrays(true)
    for (let n = 0; n <= Math.min(windows, 3); n += 1) {
      const [ours, theirs] = [await readAll(log), selectAll(statement)]
      if (n === 0) continue
      figures.reads.push(ours)
      figures.selects.push(theirs)
    }
    raw.close()
    return figures
  } finally {
    await log.close()
    plain.close()
    bare.close()
    rmSync(folder, { recursive: true })
  }
}

/** Up to so many events in all. Written past the log, which would take minutes for what is not measured. */
function fill(file: string, events: number): void {
  const db = new DatabaseSync(file)
  const [addStream, insert] = [db.prepare('insert into streams (name) values (?)'), db.prepare('insert into events (stream, revision, id, type, data, metadata) values (?, ?, ?, ?, ?, ?)')]
  const { written } = db.prepare('select count(*) as written from events').get() as { written: number }
  db.exec('pragma synchronous = off; begin')
  for (let n = written; n < events; n += 10) {
    const stream = Number(addStream.run(`session-${randomUUID()}`).lastInsertRowid)
    for (let revision = 0; revision < 10; revision += 1) insert.run(stream, revision, ...rowOf(newEvent()))
  }
  db.exec('commit')
  db.close()
}

/** Events/s. */
async function readAll(log: EventLog): Promise<number> {
  const begun = performance.now()
  let seen = 0
  for await (const _ of log.readAll({})) seen += 1
  return seen / ((performance.now() - begun) / 1000)
}

/** Rows/s, each one's JSON parsed. */
function selectAll(statement: StatementSync): number {
  const begun = performance.now()
  let [seen, position] = [0, 0]
  for (;;) {
    const rows = statement.all(position) as unknown as [number, string, number, string, string, string, string][]
    for (const [, , , , , data, metadata] of rows) if (JSON.parse(data) && JSON.parse(metadata)) seen += 1
    const last = rows.at(-1)
    if (!last) return seen / ((performance.now() - begun) / 1000)
    position = last[0]
  }
}
