/** The queries that most metrics are made of. Each counts per person first: how many people a row stands for decides whether it may be shown. */
import type { Key, Scope } from './scope.ts'

const quoted = (name: string): string => `"${name}"`
/** `name, name, `, or nothing. */
export const names = (keys: readonly Key[], of = ''): string => keys.map(({ name }) => `${of}${quoted(name)}, `).join('')
/** `expression as name, `, or nothing. */
export const selected = (keys: readonly Key[]): string => keys.map(({ name, expression }) => `${expression} as ${quoted(name)}, `).join('')
/** `group by` of the first columns; without any, one group of all that there is, if there is anything. */
export const grouped = (keys: readonly Key[]): string => (keys.length > 0 ? `group by ${keys.map((_, n) => n + 1).join(', ')}` : 'having count(*) > 0')

type Counted = {
  /** Which logins are counted. */
  of: string
  /** What of each is summed up, by the column's name. */
  sums: Readonly<Record<string, string>>
  own?: readonly Key[]
}

/** Sums over logins, and how many people they are of. Logins of nobody, whose identifier has no account, are of no person. */
export function sums(scope: Scope, { of, sums, own = [] }: Counted): string {
  const keys = [...scope.keys, ...own]
  const each = Object.entries(sums)
  return `select ${names(keys)} count(account)::int as people, ${each.map(([name]) => `sum(${name})::bigint as ${name}`).join(', ')}
    from (select ${selected(keys)} l.account, ${each.map(([name, what]) => `${what} as ${name}`).join(', ')}
      from ${scope.from} where ${scope.where} and ${scope.during} and ${of}
      group by ${[...keys, l].map((_, n) => n + 1).join(', ')}) per_person
    ${grouped(keys)}`
}
const l: Key = { name: 'account', expression: 'l.account' }

/** Of the logins `of`, those that are `counted`. */
export const share = (scope: Scope, { of, counted, own }: { of: string; counted: string; own?: readonly Key[] }): string =>
  sums(scope, { of, sums: { numerator: `count(*) filter (where ${counted})`, denominator: 'count(*)' }, ...(own && { own }) })

/** How the logins `of` divide into groups of the metric's own: a share of all of them for each. */
export const division = (scope: Scope, { of, own, shown = 'true' }: { of: string; own: readonly Key[]; shown?: string }): string =>
  `select * from (
    select counts.*, sum(numerator) over (partition by ${names(scope.keys)} 1)::bigint as denominator
    from (${sums(scope, { of, sums: { numerator: 'count(*)' }, own })}) counts
  ) shares where ${shown}`

/**
 * Percentiles by nearest rank: the shortest time that at least so many of the logins did not exceed (`percentile_disc`). `seconds`: of a login. People are
 * counted apart, since the times are sorted, and to sort them by person too would take as long again.
 */
export function times(scope: Scope, { of, seconds, own }: { of: string; seconds: string; own: readonly [Key, ...Key[]] }): string {
  const keys = [...scope.keys, ...own]
  const list = names(keys)
  const same = keys.map(({ name }) => quoted(name)).join(', ')
  return `with login as not materialized (
      select ${selected(keys)} l.account, ${seconds} as seconds from ${scope.from} where ${scope.where} and ${scope.during} and ${of}
    ), spread as (
      select ${list} percentile_disc(array[0.25, 0.5, 0.9]) within group (order by seconds) as p, count(*) as count from login group by ${same}
    ), persons as (
      select ${list} count(account)::int as people from (select ${list} account from login group by ${list} account) person group by ${same}
    )
    select ${list} people, p[1] as p25, p[2] as p50, p[3] as p90, count from spread join persons using (${same})`
}
