/**
 * Guesses as all engines count them together: a row a key. Not a projection, since no event tells of a guess that was not judged; but SQL is
 * spoken in this folder alone. Every change is one statement that two engines may run at the same moment. Times are the engine's.
 */
import type { Sql } from 'postgres'
import { delays, guessing } from '../domain/guesses.ts'

/** `total`: all that were counted since the row `begun`; `base`: so many of them are forgiven. What is left is wrong in a row. */
const table = `
  select pg_advisory_xact_lock(hashtext('guesses'));
  create table if not exists guesses (
    key text primary key, begun bigint not null generated always as identity, total integer not null, base integer not null,
    blocked_until timestamptz not null, touched_at timestamptz not null, expires_at timestamptz not null);
  create index if not exists guesses_expires_at on guesses (expires_at)`

const ms = (name: string): string => `${name} * interval '1 millisecond'`
/** The rules stand in `domain/guesses.ts`: here comes their table. An array begins with 1, as delays do with the first wrong one. */
const delayAfter = (wrong: string): string => `coalesce(${ms(`(array[${delays.slice(1).join(',')}])[least(${wrong}, ${delays.length - 1})]`)}, interval '0')`

// $1 key, $2 address or null, $3 at, $4 floor, $5 the most that is judged or null. The row is locked before its `where` is looked at, so of two
// that come at once the second one sees what the first one counted. Before the delays begin no time is compared: clocks differ.
const count = `
  insert into guesses as g (key, total, base, blocked_until, touched_at, expires_at)
    select $1, $4::integer + 1, 0, $3::timestamptz + ${delayAfter('$4::integer + 1')}, $3::timestamptz, $3::timestamptz + ${ms(String(guessing.kept))}
      where not exists (select from guesses a where a.key = $2 and a.total >= ${guessing.fromAddress}) and ($5::integer is null or $4::integer < $5::integer)
    on conflict (key) do update set
      total = g.base + greatest(g.total - g.base, $4::integer) + 1,
      blocked_until = $3::timestamptz + ${delayAfter('greatest(g.total - g.base, $4::integer) + 1')},
      touched_at = greatest(g.touched_at, $3::timestamptz), expires_at = excluded.expires_at
      where (g.total - g.base < ${guessing.undelayed} or g.blocked_until <= $3::timestamptz) and ($5::integer is null or g.total - g.base < $5::integer)
    returning total - base as wrong, begun, total as number`

const look = `
  select key = $1 as mine, total - base as wrong, case when key = $1 and total - base >= ${guessing.undelayed} then blocked_until when key = $2 and total >= ${guessing.fromAddress} then expires_at end as "blockedUntil"
    from guesses where key in ($1, $2)`

const giveBack = `
  update guesses set base = base + 1, blocked_until = case when total = $3::integer then touched_at else blocked_until end
    where key = $1 and begun = $2::bigint and base < total`

// What was counted after the guess that was right is not forgiven, however late this comes. A row that began anew is another row.
const reset = `
  update guesses g set
    base = case when r.begun is null then g.total else greatest(g.base, r.number) end,
    blocked_until = g.touched_at + ${delayAfter('case when r.begun is null then 0 else g.total - greatest(g.base, r.number) end')}
    from jsonb_to_recordset($1::text::jsonb) as r(key text, at timestamptz, begun bigint, number integer)
    where g.key = r.key and (r.begun = g.begun or (r.begun is null and g.touched_at <= r.at))`

const countAddress = `
  insert into guesses as g (key, total, base, blocked_until, touched_at, expires_at) values ($1, 1, 0, $2::timestamptz, $2::timestamptz, $3::timestamptz)
    on conflict (key) do update set total = g.total + 1, touched_at = excluded.touched_at`

type Counted = { wrong: number; begun: number; number: number }
type Result = { counted: Counted } | { blockedUntil: Date; wrong: number } | { disabled: true }

/** Every function throws what the database throws. The table is made before the first query, and anew after it was missed. */
export function createGuessRows(sql: Sql) {
  let made: Promise<unknown> | undefined

  async function run<Row extends object>(query: string, parameters: (string | number | null | readonly string[])[]): Promise<Row[]> {
    try {
      // Made, not missed: of many guesses that come at once in a new database none has to fail first.
      await (made ??= sql.unsafe(table))
      return [...(await sql.unsafe<Row[]>(query, parameters as never[], { prepare: true }))]
    } catch (error) {
      made = undefined
      throw error
    }
  }

  return {
    async count({ key, address, at, floor, bounded }: { key: string; address: string | undefined; at: Date; floor: number; bounded: boolean }): Promise<Result> {
      const most = bounded ? guessing.disabledAt : null
      const [counted] = await run<Counted>(count, [key, address ?? null, at.toISOString(), floor, most])
      if (counted) return { counted }
      const rows = await run<{ mine: boolean; wrong: number; blockedUntil: string | null }>(look, [key, address ?? null])
      const wrong = rows.find(({ mine }) => mine)?.wrong ?? 0
      if (bounded && Math.max(wrong, floor) >= guessing.disabledAt) return { disabled: true }
      // Reset a moment ago: then it is for the next attempt.
      const until = Math.max(at.getTime(), ...rows.flatMap(({ blockedUntil }) => (blockedUntil === null ? [] : [Date.parse(blockedUntil)])))
      return { blockedUntil: new Date(until), wrong }
    },

    async giveBack(key: string, { begun, number }: Counted): Promise<void> {
      await run(giveBack, [key, begun, number])
    },

    async reset(resets: readonly { key: string; at: Date; row?: { begun: number; number: number } }[]): Promise<void> {
      await run(reset, [JSON.stringify(resets.map(({ key, at, row }) => ({ key, at: at.toISOString(), begun: row?.begun, number: row?.number })))])
      await run('delete from guesses where key = any($1::text[]) and total = base', [resets.map(({ key }) => key)])
    },

    async countAddress(key: string, at: Date, until: Date): Promise<void> {
      await run(countAddress, [key, at.toISOString(), until.toISOString()])
    },

    async sweep(at: Date): Promise<void> {
      await run('delete from guesses where expires_at < $1::timestamptz', [at.toISOString()])
    },
  }
}
