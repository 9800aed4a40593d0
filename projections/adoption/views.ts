/**
 * The metrics as SQL views, for analysts' own tools: a view each, in a schema of their own, where nothing else stands. Names and columns stay; the
 * tables beneath, whose names carry a version, may change. What is about too few people is left out as in every other answer.
 */
import { createHash } from 'node:crypto'
import type { Sql } from 'postgres'
import type { Kind } from './answer.ts'
import type { Disclosure } from './ask.ts'
import { names } from './figures.ts'
import type { Metric } from './metric.ts'
import { metrics } from './metrics.ts'
import { dimensions, Question } from './question.ts'
import { scopeOf, type Bind, type Key, type Tables } from './scope.ts'

export const viewSchema = 'keyledger'
/** It may read the views and nothing else. Nobody has it until somebody grants it. */
export const readerRole = 'keyledger_reader'

/** This user may not make the reader's role. The views are there all the same. */
export class ReaderMissing extends Error {
  readonly code = 'reader_missing'
}

const figures: Record<Kind, readonly string[]> = { share: ['numerator', 'denominator'], comparison: ['numerator', 'denominator'], count: ['count'], times: ['p25', 'p50', 'p90', 'count'] }
const said: Record<string, string> = { p25: 'Seconds', p50: 'Seconds', p90: 'Seconds', rate: 'numerator / denominator' }

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
const literal: Bind = (value, type) => `${quoted(String(value))}::${type}`
/** osVersion is os_version here. */
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

export const viewName = (metric: string): string => `adoption_${metric.replaceAll('-', '_')}`

type Column = { name: string; expression: string; comment: string }

function viewOf(metric: Metric, tables: Tables, k: number): { name: string; query: string; columns: Column[]; comment: string } {
  const { every, by } = metric.view
  const scope = scopeOf(Question.parse({ by, every }), tables, literal)
  const own: Key[] = metric.groups.map((name) => ({ name, expression: name }))
  const keys = [...scope.keys, ...own]
  const divides = keys.filter(({ name }) => metric.divides.includes(name) || by.some((one) => one === name) || (name === 'period' && !metric.state))
  const shown = (name: string): string => `case when hidden then null else ${name} end`
  const end = every ? scope.endOf('period') : "'infinity'::timestamptz"
  const columns: Column[] = [
    ...(every ? [{ name: every, expression: 'period', comment: `First day of the ${every}, in UTC` }] : []),
    ...by.map((name) => ({ name: snake(name), expression: `"${name}"`, comment: dimensions[name] })),
    ...own.map(({ name }) => ({ name, expression: `"${name}"`, comment: "A grouping of the metric's own: see the comment on the view" })),
    { name: 'people', expression: shown('people'), comment: 'People that the row is about' },
    ...figures[metric.kind].map((name) => ({ name, expression: shown(`"${name}"`), comment: said[name] ?? (name === 'denominator' ? metric.denominator : `In ${metric.unit}`) })),
    ...(figures[metric.kind].includes('denominator') ? [{ name: 'rate', expression: `${shown('numerator')}::float8 / nullif(denominator, 0)`, comment: said['rate'] ?? '' }] : []),
    { name: 'provisional', expression: `${end} > as_of - interval '${metric.settles ?? 1} days'`, comment: 'The figures may still change' },
    { name: 'fewer_than', expression: `case when hidden then ${k} end`, comment: 'Set where the figures are left out: the group has fewer people, or would give such a group away' },
    { name: 'as_of', expression: 'as_of', comment: 'When the newest event happened that is counted' },
  ]
  const query = `select ${columns.map(({ name, expression }) => `${expression} as "${name}"`).join(', ')}
    from (${hiding(metric.query(scope), keys, divides, figures[metric.kind], k)}) figures
    cross join (select greatest((select max(last_at) from ${tables.logins}), (select max(last_at) from ${tables.people})) as as_of) newest`
  const comment = `${metric.title}. ${metric.definition} Unit: ${metric.unit}. Denominator: ${metric.denominator}`
  return { name: `${viewSchema}.${viewName(metric.name)}`, query, columns, comment }
}

/** The rule of `disclosure.ts` in SQL: of each total the next smallest part goes with one that is hidden alone; twice over, since that may leave another one alone. */
function hiding(query: string, keys: readonly Key[], divides: readonly Key[], kept: readonly string[], k: number): string {
  const columns = `${names(keys)} people, ${kept.join(', ')}`
  const few = `select ${columns}, ${k > 1 ? `people < ${k}` : 'false'} as hidden from (${query}) figures`
  if (k <= 1) return few
  return [...divides, ...divides].reduce((before, part) => {
    const line = names(keys.filter(({ name }) => name !== part.name))
    return `select ${columns}, hidden or (alone and next = 1) as hidden from (
      select *, count(*) filter (where hidden) over line = 1 and sum(people) filter (where hidden) over line > 0 and count(*) over line > 1 as alone, row_number() over (partition by ${line} hidden order by people, "${part.name}") as next
      from (${before}) rows window line as (partition by ${line} true)) marked`
  }, few)
}

function statementsFor(tables: Tables, k: number): string {
  return metrics.map((metric) => {
    const { name, query, columns, comment } = viewOf(metric, tables, k)
    return [
      `create or replace view ${name} as ${query}`,
      `comment on view ${name} is ${quoted(comment)}`,
      ...columns.map((column) => `comment on column ${name}."${column.name}" is ${quoted(column.comment)}`),
    ].join(';\n')
  }).join(';\n')
}

/** Roles are the whole server's: another engine may just have made it, and not everybody may. */
const grants = `
  do $$ begin
    if not exists (select from pg_roles where rolname = '${readerRole}') then create role ${readerRole} nologin; end if;
  exception when insufficient_privilege or duplicate_object or unique_violation then null;
  end $$;
  do $$ begin
    if exists (select from pg_roles where rolname = '${readerRole}') then
      grant usage on schema ${viewSchema} to ${readerRole};
      grant select on all tables in schema ${viewSchema} to ${readerRole};
    end if;
  end $$`

/**
 * Makes the views, or makes them anew after the tables or their definitions have changed; in one transaction, and only where something did.
 * `roles`: the database has roles (PGlite has one session and none).
 * @throws ReaderMissing, and what the database throws
 */
export async function renewViews(sql: Sql, { tables, k, roles }: { tables: Tables; roles: boolean } & Pick<Disclosure, 'k'>): Promise<void> {
  const statements = `${statementsFor(tables, k)}${roles ? `;${grants}` : ''}`
  const state = `Keyledger's figures for analysts. ${createHash('sha256').update(statements).digest('base64url')}`
  const look = async () => (await sql<{ views: number; state: string | null; granted: boolean | null }[]>`
    select (select count(*)::int from pg_views where schemaname = ${viewSchema} and viewname::text = any(${metrics.map(({ name }) => viewName(name))})) as views,
      obj_description(to_regnamespace(${viewSchema}), 'pg_namespace') as state,
      (select has_schema_privilege(oid, to_regnamespace(${viewSchema})::oid, 'usage') from pg_roles where rolname = ${readerRole}) as granted`)[0]
  const there = await look()
  if (there?.views === metrics.length && there.state === state && (there.granted || !roles)) return
  const make = (before: string) => sql.unsafe(`
    select pg_advisory_xact_lock(hashtext('${viewSchema} views'));
    create schema if not exists ${viewSchema};
    ${before}${statements};
    comment on schema ${viewSchema} is ${quoted(state)}`)
  try {
    await make('')
  } catch (error) {
    // A view whose columns are others cannot be replaced (42P16, invalid_table_definition): it is made anew, unless something of the analysts' hangs on it.
    if (!(error instanceof Error && 'code' in error && error.code === '42P16')) throw error
    await make(metrics.map(({ name }) => `drop view if exists ${viewSchema}.${viewName(name)};`).join(''))
  }
  if (roles && !(await look())?.granted) throw new ReaderMissing(`the role ${readerRole} is missing and cannot be made: create role ${readerRole} nologin`)
}
