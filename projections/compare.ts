import type { Sql } from 'postgres'
import type { EventLog } from '../eventlog/event-log.ts'
import { tableName, type Projection } from './projection.ts'
import { raiseUnlessWhole, refill, type Refill } from './refill.ts'
import { createStore } from './store.ts'

/** One value, as text; undefined where there is no such row, which is one difference of the column `key`. */
export type Difference = { key: string; column: string; one: string | null | undefined; other: string | null | undefined }
/** `rows`: that differ, of so many in the one and in the other; `first`: the differences of the first few of them. */
export type Compared = { rows: number; oneHas: number; otherHas: number; first: Difference[] }

/**
 * Folds the log anew beside, up to where the live table is, and compares. The live table is copied first, at a moment when nobody writes it: so the
 * engine may go on, and no row differs only because it is newer.
 * @throws Overtaken when a rebuild of it began; Error for a table that has taken in nothing yet; the log's and the database's errors
 */
export const compareWithLog = async (
  { log, sql, projection, batch = 2_000, cached = 2_000, onProgress = () => {} }: { log: EventLog; sql: Sql; projection: Projection } & Partial<Pick<Refill, 'batch' | 'cached' | 'onProgress'>>,
): Promise<Compared> => {
  const table = tableName(projection)
  const copy = `${table}_copy`
  await createStore(sql, projection).create()
  const results = await unhurried<{ position?: string | null }>(sql, `
    do $$ begin perform from projection_checkpoints where projection = '${table}' for update; end $$;
    drop table if exists "${copy}";
    create unlogged table "${copy}" as select * from "${table}";
    select position from projection_checkpoints where projection = '${table}'`)
  const upTo = results.find((row) => 'position' in row)?.position
  if (upTo == null) throw new Error(`${table} has taken in nothing yet`)
  const [made] = await refill([projection], { log, sql, upTo, batch, cached, onProgress }).catch(async (error: unknown) => {
    await sql.unsafe(`drop table if exists "${copy}"`)
    throw error
  })
  try {
    const compared = await compareTables(sql, copy, made!.scratch, columnsOf(projection))
    await sql.unsafe(`do $$ begin ${raiseUnlessWhole(made!)} end $$`)
    return compared
  } finally {
    await sql.unsafe(`drop table if exists "${copy}", "${made!.scratch}"; delete from projection_checkpoints where projection = '${made!.scratch}';
      delete from projection_parked where projection = '${made!.scratch}'; delete from projection_scratch where projection = '${made!.scratch}'`)
  }
}

/** Two versions of a table, in the columns that both have. Rows that were written between the positions of the two differ for that alone. @throws Error where one is missing */
export const compareVersions = async (sql: Sql, one: string, other: string): Promise<Compared & { columns: string[] }> => {
  const of = async (table: string) => {
    const rows = await sql<{ name: string; type: string }[]>`
      select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = to_regclass(${table}) and attnum > 0 and not attisdropped`
    if (rows.length === 0) throw new Error(`there is no table ${table}`)
    return rows
  }
  const [ours, theirs] = await Promise.all([of(one), of(other)])
  const columns = ours.filter(({ name, type }) => name !== 'key' && theirs.some((column) => column.name === name && column.type === type)).map(({ name }) => name)
  if (columns.length === 0) throw new Error(`${one} and ${other} have no column in common`)
  return { columns, ...(await compareTables(sql, one, other, columns)) }
}

const columnsOf = ({ columns }: Projection): string[] => Object.keys(columns)
const shownRows = 5

const compareTables = async (sql: Sql, one: string, other: string, columns: readonly string[]): Promise<Compared> => {
  const of = (name: string) => `(${['key', ...columns].map((column) => `${name}."${column}"`).join(', ')})`
  const values = columns.map((column) => `('${column}', one."${column}"::text, other."${column}"::text)`).join(', ')
  // Compared as values, and shown as text: jsonb has no order of its keys.
  const differing = `"${one}" one full join "${other}" other on one.key = other.key where ${of('one')} is distinct from ${of('other')}`
  const [counts] = await unhurried<Omit<Compared, 'first'>>(sql, `
    select (select count(*)::int from "${one}") as "oneHas", (select count(*)::int from "${other}") as "otherHas", (select count(*)::int from ${differing}) as rows`)
  const found = await unhurried<{ key: string; inOne: boolean; inOther: boolean; name: string; mine: string | null; theirs: string | null }>(sql, `
    select differing.key, one.key is not null as "inOne", other.key is not null as "inOther", name, mine, theirs
      from (select coalesce(one.key, other.key) as key from ${differing} order by 1 limit ${shownRows}) differing
        left join "${one}" one on one.key = differing.key left join "${other}" other on other.key = differing.key,
        lateral (values ('key', one.key, other.key), ${values}) as x(name, mine, theirs)
      where mine is distinct from theirs and (name = 'key' or (one.key is not null and other.key is not null)) order by differing.key`)
  return {
    ...counts!,
    first: found.map(({ key, inOne, inOther, name, mine, theirs }): Difference => ({ key, column: name, one: inOne ? mine : undefined, other: inOther ? theirs : undefined })),
  }
}

/** A large table may take longer than what the connection allows. A result for each statement that gives rows. */
const unhurried = async <Row>(sql: Sql, query: string): Promise<Row[]> => (await sql.unsafe(`set local statement_timeout = 0; ${query}`)).flat() as Row[]
