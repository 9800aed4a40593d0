/** What a question looks at, in SQL: the filters and groupings that all metrics share. `l` is a login. */
import type { Dimension, Every, Question } from './question.ts'

export type Tables = { logins: string; people: string }

export type Key = { name: string; expression: string }
export type Scope = {
  tables: Tables
  every: Every | undefined
  /** What the question groups by: the period, if there is one, and its dimensions. */
  keys: readonly Key[]
  /** The logins, with what is looked up for the question. */
  from: string
  /** The filters, but for the period. */
  where: string
  /** The login began within what was asked. */
  during: string
  /** The login's offer counts: not a conditional one, unless the question names a mode. */
  ofMode: string
  /** Test logins count only where they are asked for. @param alias of a table with `test` */
  counts(alias: string): string
  /** The period of a moment, as a date. */
  periodOf(moment: string): string
  /** The moment at which a period has ended. */
  endOf(period: string): string
  /** The moments asked for, or undefined. */
  begin: string | undefined
  end: string | undefined
  /** Whether the question names anything that only logins tell. */
  ofLogins: boolean
}

/** Puts a value into a query: as a parameter, or quoted. */
export type Bind = (value: string | readonly string[], type: 'text' | 'text[]' | 'timestamp' | 'timestamptz') => string

/** A column, or what stands for nothing. */
const said = (column: string): string => `coalesce(${column}, 'none')`

export function scopeOf(question: Question, tables: Tables, bind: Bind): Scope {
  const { by, filters, every } = question
  const timeZone = bind(question.timeZone, 'text')
  const asked = (name: Dimension): boolean => by.includes(name) || filters[name] !== undefined
  const counts = (alias: string): string => (question.test ? 'true' : `not ${alias}.test`)
  const local = (moment: string): string => `((${moment}) at time zone ${timeZone})`
  const periodOf = (moment: string): string => `date_trunc('${every ?? 'day'}', ${local(moment)})::date`
  // Where clocks are put back over midnight it comes twice, and Postgres takes the second: the day begins with the first.
  const beginOf = (day: string): string =>
    `(select case when ${local(`b.second - interval '1 hour'`)} >= b.day then b.second - interval '1 hour' else b.second end from (select d.day, d.day at time zone ${timeZone} as second from (select ${day} as day) d) b)`
  const momentOf = (value: string | undefined): string | undefined =>
    value === undefined ? undefined : value.includes('T') ? bind(value, 'timestamptz') : beginOf(bind(value, 'timestamp'))
  const [begin, end] = [momentOf(question.from), momentOf(question.to)]

  // Looked up among the periods that there are: to work it out for each login would take five times as long.
  const newest = `(select max(started_at) from ${tables.logins})`
  const periods = `generate_series(date_trunc('${every}', ${local(`(select min(started_at) from ${tables.logins})`)}), ${local(newest)}, interval '1 ${every}') each`
  const periodOfLogin = `(select array_agg(each::date order by each) from ${periods})[width_bucket(l.started_at, (select array_agg(${beginOf('each')} order by each) from ${periods}))]`

  const expressions: Record<Dimension, string> = {
    platform: said('l.platform'),
    osVersion: said('l.os_version'),
    app: said('l.app'),
    appVersion: said('l.app_version'),
    entryPoint: said('l.entry_point'),
    variant: said('l.variant'),
    policy: said('l.policy'),
    offer: "case when l.offer is null then 'none' when l.offer = 1 then '1' when l.offer <= 3 then '2-3' when l.offer = 4 then '4' else '5+' end",
    mode: said('l.mode'),
    provider: "coalesce(l.provider, made.provider)::text",
    cohort: said('firsts.cohort'),
  }
  expressions.provider = said(expressions.provider)

  // Looked up only where they are asked for: the logins alone answer everything else.
  const made = `left join (select distinct on (account, passkey) account, passkey, provider from ${tables.logins} where passkey is not null order by account, passkey, created_at) made
    on made.account = l.account and made.passkey = l.used_passkey`
  const cohort = `to_char(date_trunc('week', ${local('min(o.offered_at)')}), 'YYYY-MM-DD')`
  const firsts = `left join (select account, ${cohort} as cohort from ${tables.logins} o where o.offered_at is not null and o.mode <> 'conditional' and ${counts('o')} group by account) firsts
    on firsts.account = l.account`

  const filtered = Object.entries(filters).flatMap(([name, values]) => (values ? [`${expressions[name as Dimension]} = any(${bind(values, 'text[]')})`] : []))
  return {
    tables,
    every,
    keys: [
      ...(every ? [{ name: 'period', expression: periodOfLogin }] : []),
      ...by.map((name) => ({ name, expression: expressions[name] })),
    ],
    from: `${tables.logins} l ${asked('provider') ? made : ''} ${asked('cohort') ? firsts : ''}`,
    where: ['l.started_at is not null', counts('l'), ...filtered].join(' and '),
    during: ['true', ...(begin ? [`l.started_at >= ${begin}`] : []), ...(end ? [`l.started_at < ${end}`] : [])].join(' and '),
    ofMode: asked('mode') ? 'true' : `l.mode is distinct from 'conditional'`,
    counts,
    periodOf,
    endOf: (period) => beginOf(`${period} + interval '1 ${every ?? 'day'}'`),
    begin,
    end,
    ofLogins: by.length > 0 || filtered.length > 0,
  }
}
