import type { Recorded } from '../eventlog/event-log.ts'

/**
 * What others read, as data: a pure fold from events to the rows of one table. So a test gives events and expects rows, and the same rows come
 * out live, after a restart and after a rebuild.
 *
 * A row is plain data without `undefined`, since between two batches it goes through the database: null, strings, numbers, booleans, for
 * `timestamptz` an ISO 8601 string in UTC with milliseconds, for `jsonb` JSON whose keys have no order.
 */
export type Projection<Row extends object = any> = {
  name: string
  /** Stands in the table's name: raised whenever the same events give other rows or columns. The new table then fills beside the old one. */
  version: number
  /** The streams to read, by how their names begin. */
  prefixes: readonly string[]
  /** The row that the event changes; undefined when it changes none. */
  key(event: Recorded): string | undefined
  initial(key: string): Row
  /** Must not change `row`. Returning `row` itself writes nothing. An exception parks the row, see parked.ts. */
  evolve(row: Row, event: Recorded): Row
  /** Besides `key text primary key`, which every table has. */
  columns: { readonly [column in keyof Row & string]: ColumnType }
  indexes?: readonly Index<keyof Row & string>[]
  /** Older versions whose tables have all that this release's queries read, by the same name and with the same meaning: they serve while this one fills. */
  alsoReads?: readonly number[]
}

/** By its columns; `present`: of the rows alone in which this column says something; `with`: columns that are told from the index itself. */
export type Index<Column extends string = string> = readonly Column[] | { by: readonly Column[]; present: Column; with?: readonly Column[] }

export type ColumnType = 'text' | 'uuid' | 'integer' | 'bigint' | 'double precision' | 'boolean' | 'timestamptz' | 'jsonb'

/** For example `sessions_v1`. @throws TypeError */
export const tableName = ({ name, version }: Projection): string => {
  if (!/^[a-z][a-z_]{0,39}$/.test(name)) throw new TypeError(`${name} cannot name a projection`)
  return `${name}_v${version}`
}
