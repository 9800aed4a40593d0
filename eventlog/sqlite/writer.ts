import type { DatabaseSync } from 'node:sqlite'
import { maxAppendBytes, StreamSealed, TooLarge, WrongRevision, type Appended, type Expected, type NewEvent } from '../event-log.ts'

export type Encoded = readonly [id: string, type: string, data: string, metadata: string]

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** @throws TypeError for what no log takes, TooLarge */
export const encode = (events: readonly NewEvent[]): Encoded[] => {
  if (events.length === 0) throw new TypeError('an append of no events')
  let bytes = 0
  const encoded = events.map(event => {
    if (!uuid.test(event.id)) throw new TypeError('the id of an event is a UUID')
    const [data, metadata] = [JSON.stringify(event.data), JSON.stringify(event.metadata)]
    // EventStoreDB's own count: Event.SizeOnDisk.
    bytes += Buffer.byteLength(data) + Buffer.byteLength(metadata) + 2 * event.type.length
    return [event.id, event.type, data, metadata] as const
  })
  if (bytes > maxAppendBytes) throw new TooLarge(`${bytes} bytes in one append, ${maxAppendBytes} are allowed`)
  return encoded
}

type Known = { number: number; sealed: number; head: number | null; recent: number }

/** Both run inside of a transaction that holds the write lock. */
export type Writer = {
  append(stream: string, events: readonly Encoded[], expected: Expected): Appended | WrongRevision | StreamSealed
  seal(stream: string): void
}

export const createWriter = (db: DatabaseSync): Writer => {
  // Ids all have one length: one is found in a row of them only as itself.
  const findStream = db.prepare(`select number, sealed, (select max(revision) from events where stream = number) as head,
    exists (select 1 from (select id from events where stream = number order by revision desc limit 32) where instr(?, id)) as recent
    from streams where name = ?`)
  const addStream = db.prepare('insert into streams (name) values (?)')
  const following = db.prepare('select id, position from events where stream = ? and revision > ? order by revision limit ?')
  const insert = db.prepare('insert into events (stream, revision, id, type, data, metadata) values (?, ?, ?, ?, ?, ?)')
  const bar = db.prepare('insert into streams (name, sealed) values (?, 1) on conflict (name) do update set sealed = 1')
  const clear = db.prepare('delete from events where stream = (select number from streams where name = ?)')

  /** The first answer again, if all of these events stand where this append would have put them. */
  const repeated = (number: number, events: readonly Encoded[], after: number): Appended | undefined => {
    const there = following.all(number, after, events.length) as { id: string; position: number }[]
    if (there.length < events.length || there.some(({ id }, index) => id !== events[index]![0])) return undefined
    return { position: String(there.at(-1)!.position), revision: after + events.length }
  }

  return {
    append: (stream, events, expected) => {
      const known = findStream.get(events.map(([id]) => id).join(' '), stream) as Known | undefined
      if (known?.sealed) return new StreamSealed(`${stream} is sealed`)
      const head = known?.head ?? -1
      const after = expected === 'none' ? -1 : expected
      // Below the head it can only be a repeat. At the head it must not be one: a repeat with a later expectation would be written twice.
      if (after < head) return repeated(known!.number, events, after) ?? new WrongRevision(stream, expected)
      if (after > head || known?.recent) return new WrongRevision(stream, expected)
      const number = known?.number ?? addStream.run(stream).lastInsertRowid
      let position: number | bigint = 0
      events.forEach((event, index) => (position = insert.run(number, head + 1 + index, ...event).lastInsertRowid))
      return { position: String(position), revision: head + events.length }
    },
    seal: stream => {
      bar.run(stream)
      clear.run(stream)
    },
  }
}
