import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import type { Recorded, Selection } from '../event-log.ts'
import { ask } from './failure.ts'

type Row = readonly [position: number, stream: string, revision: number, id: string, type: string, data: string, metadata: string]
export type Page = readonly Row[]

/** So many positions, or events of a stream, one query covers: 2 ms or so. */
export const pageSize = 1_000

export type Reader = {
  /** The position given last; 0 when there is none. All events up to it are committed. */
  head(): number
  /** The events after the one position and up to the other, in order. */
  between(after: number, upTo: number, selection: Selection): Page
  /** The stream from the revision on, at most a page. */
  stream(name: string, from: number): Page
  last(name: string): Recorded | undefined
}

const columns = 'e.position, s.name, e.revision, e.id, e.type, e.data, e.metadata'

/** @throws Error that names the event, for one that somebody has written into the file by hand */
export const recorded = ([position, stream, revision, id, type, data, metadata]: Row): Recorded => {
  try {
    return { id, type, data: JSON.parse(data), metadata: JSON.parse(metadata), stream, revision, position: String(position) }
  } catch {
    throw new Error(`${stream}, revision ${revision}: the stored event is not JSON`)
  }
}

/** Every function throws Unavailable. */
export const createReader = (db: DatabaseSync): Reader => {
  const prepare = (sql: string) => {
    const statement = db.prepare(sql)
    statement.setReturnArrays(true)
    return (...values: SQLInputValue[]) => ask(() => statement.all(...values) as unknown as Page)
  }
  const head = prepare('select max(position) from events')
  const ofStream = `select ${columns} from streams s cross join events e on e.stream = s.number where s.name = ? and s.sealed = 0 and e.type <> ''`
  const stream = prepare(`${ofStream} and e.revision >= ? order by e.revision limit ${pageSize}`)
  const last = prepare(`${ofStream} order by e.revision desc limit 1`)

  // 'cross join' keeps SQLite from starting with the names: a page is cheap because it starts at a position.
  const between = (filter: string) =>
    prepare(`select ${columns} from events e cross join streams s on s.number = e.stream
      where e.position > ? and e.position <= ? and s.sealed = 0 and e.type <> '' and (${filter}) order by e.position`)
  const queries = new Map<string, ReturnType<typeof between>>()
  const anyOf = (count: number): string => Array(count).fill('s.name between ? and ?').join(' or ') || 'false'
  /** No name that begins with the prefix sorts behind the second one. */
  const range = (prefix: string) => [prefix, `${prefix}\u{10ffff}`]

  return {
    head: () => head()[0]?.[0] ?? 0,
    between: (after, upTo, { prefixes, except = [] }) => {
      const filter = `(${prefixes ? anyOf(prefixes.length) : 'true'}) and not (${anyOf(except.length)})`
      const query = queries.get(filter) ?? between(filter)
      queries.set(filter, query)
      return query(after, upTo, ...[...(prefixes ?? []), ...except].flatMap(range))
    },
    stream,
    last: name => last(name).map(recorded)[0],
  }
}

/** The events of page after page. Written out, because a generator costs a tenth of the speed; to be read with `for await`. */
export const eventsOf = (pages: Iterator<Page>): AsyncIterable<Recorded> => {
  let page: Page | undefined
  let index = 0
  const nextPage = async (): Promise<IteratorResult<Recorded>> => {
    do {
      if (page) await turn()
      const next = pages.next()
      if (next.done) return { done: true, value: undefined }
      page = next.value
    } while (page.length === 0)
    index = 1
    return { done: false, value: recorded(page[0]!) }
  }
  const next = () => (page && index < page.length ? Promise.resolve({ done: false, value: recorded(page[index++]!) }) : nextPage())
  return { [Symbol.asyncIterator]: () => ({ next }) }
}
