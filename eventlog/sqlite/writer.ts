import type { DatabaseSync } from 'node:sqlite'
import type { Encoded } from '../batch.ts'
import { StreamSealed, WrongRevision, type Appended, type Expected, type Mark } from '../event-log.ts'

/** The stream's number, its last revision and the ids of its latest events, one after the other. */
type Head = { number: number; revision: number; recent: string }

const idLength = 36
/** Of so many latest events a stream's head keeps the ids. */
const recentIds = 32
const mostHeads = 10_000

/** All but `forget` run inside of a transaction that holds the write lock. */
export type Writer = {
  append(stream: string, events: readonly Encoded[], expected: Expected): Appended | WrongRevision | StreamSealed
  seal(stream: string): void
  truncate(mark: Mark): void
  /** The stream's last revision, where this process has written it last and nothing has come from elsewhere. */
  lastRevision(stream: string): number | undefined
  /** Another process has written, or this transaction is undone: what was known of streams may be wrong. */
  forget(): void
}

export const createWriter = (db: DatabaseSync): Writer => {
  const findStream = db.prepare(`
    select number, sealed,
      (select max(revision) from events where stream = number) as revision,
      (select group_concat(id, '') from (select id from events where stream = number order by revision desc limit ${recentIds})) as recent
    from streams where name = ?`)
  const addStream = db.prepare('insert into streams (name) values (?)')
  const following = db.prepare('select id, position from events where stream = ? and revision > ? order by revision limit ?')
  const insert = db.prepare('insert into events (stream, revision, id, type, data, metadata) values (?, ?, ?, ?, ?, ?)')
  const bar = db.prepare('insert into streams (name, sealed) values (?, 1) on conflict (name) do update set sealed = 1')
  const empty = db.prepare(`
    update events set id = '', type = '', data = '', metadata = '' where stream = (select number from streams where name = ?)`)

  const emptyBefore = db.prepare(`
    update events set id = '', type = '', data = '', metadata = '' where stream = (select number from streams where name = ?1)
      and revision < ?2 and revision < (select max(revision) from events where stream = (select number from streams where name = ?1))`)

  // Most appends follow one of this process: what it left behind saves them the look into the file, a third of what an append costs.
  const heads = new Map<string, Head>()
  const headOf = (stream: string): Head | 'sealed' | undefined => {
    const known = heads.get(stream)
    if (known) return known
    const found = findStream.get(stream) as (Head & { sealed: number }) | undefined
    return found?.sealed ? 'sealed' : found
  }
  const remember = (stream: string, head: Head) => {
    heads.set(stream, head)
    if (heads.size > mostHeads) heads.delete(heads.keys().next().value!)
  }

  /** The first answer again, if all of these events stand where this append would have put them. */
  const repeated = (number: number, events: readonly Encoded[], after: number): Appended | undefined => {
    const there = following.all(number, after, events.length) as { id: string; position: number }[]
    if (there.length < events.length || there.some(({ id }, index) => id !== events[index]![0])) return undefined
    return { position: String(there.at(-1)!.position), revision: after + events.length }
  }

  return {
    append: (stream, events, expected) => {
      const found = headOf(stream)
      if (found === 'sealed') return new StreamSealed(`${stream} is sealed`)
      const head = found ?? { number: 0, revision: -1, recent: '' }
      const after = expected === 'none' ? -1 : expected
      // Below the head it can only be a repeat. At the head it must not be one: a repeat with a later expectation would be written twice.
      if (after < head.revision) return repeated(head.number, events, after) ?? new WrongRevision(stream, expected)
      if (after > head.revision || events.some(([id]) => head.recent.includes(id))) return new WrongRevision(stream, expected)

      const number = head.number || Number(addStream.run(stream).lastInsertRowid)
      let { revision, recent } = head
      let position: number | bigint = 0
      for (const event of events) {
        position = insert.run(number, ++revision, ...event).lastInsertRowid
        recent = event[0] + recent
      }
      remember(stream, { number, revision, recent: recent.slice(0, recentIds * idLength) })
      return { position: String(position), revision }
    },
    seal: stream => {
      bar.run(stream)
      empty.run(stream)
      heads.delete(stream)
    },
    truncate: ({ stream, before }) => void emptyBefore.run(stream, before),
    lastRevision: stream => heads.get(stream)?.revision,
    forget: () => heads.clear(),
  }
}
