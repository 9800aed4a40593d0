import { names, selected } from '../figures.ts'
import type { Metric } from '../metric.ts'
import type { Key, Scope } from '../scope.ts'

/**
 * Everybody counts from a moment on, and until another; so does having a passkey. The state at the end of a period is the sum of all such steps
 * up to it, exact under every filter. `m`: since when a person is of a group.
 */
function query(scope: Scope): string {
  const { tables, every } = scope
  const groups = scope.keys.filter(({ name }) => name !== 'period')
  const list = names(groups)
  const members = scope.ofLogins
    ? `select ${selected(groups)} l.account, min(l.proved_at) as since from ${scope.from} where ${scope.where} and l.proved_at is not null group by ${[...groups, 1].map((_, n) => n + 1).join(', ')}`
    : `select account, registered_at as since from ${tables.people}`
  const persons = `select ${names(groups, 'm.')} greatest(p.registered_at, m.since) as at, p.erased_at as until, p.held
    from members m join ${tables.people} p on p.account = m.account where p.registered_at is not null and ${scope.counts('p')}`
  if (!every) return atTheEnd(scope, groups, `with members as (${members}), persons as (${persons})`)
  const within = scope.end ? `at < ${scope.end}` : 'true'
  const steps = `
    select ${list} at, until, 1 as person, 0 as holder from persons
    union all
    select ${list} greatest((span.value ->> 0)::timestamptz, at), (span.value ->> 1)::timestamptz, 0, 1 from persons cross join lateral jsonb_array_elements(held) span (value) where held <> '[]'`
  const changes = `
    select ${list} at, person, holder from steps where until is null or until > at
    union all select ${list} until, -person, -holder from steps where until > at`
  const withs = `with members as (${members}), persons as (${persons}), steps as (${steps}), changes as (select * from (${changes}) c where ${within})`
  const newest = `greatest((select max(last_at) from ${tables.logins}), (select max(last_at) from ${tables.people}))`
  const last = `least(${newest}${scope.end ? `, ${scope.end} - interval '1 microsecond'` : ''})`
  return `${withs}, sums as (
      select ${list} ${scope.periodOf('at')} as period, sum(person) as person, sum(holder) as holder from changes group by ${[...groups, 1].map((_, n) => n + 1).join(', ')}
    ), periods as (
      select each::date as period from generate_series((select min(period) from sums)::timestamp, ${scope.periodOf(last)}::timestamp, interval '1 ${every}') each
    ), states as (
      select ${names(groups, 'g.')} periods.period, coalesce(sum(sums.person) over w, 0) as person, coalesce(sum(sums.holder) over w, 0) as holder
      from (select ${list} min(period) as first from sums ${groups.length > 0 ? `group by ${groups.map((_, n) => n + 1).join(', ')}` : ''}) g
      join periods on periods.period >= g.first
      left join sums on sums.period = periods.period ${groups.map(({ name }) => `and sums."${name}" = g."${name}"`).join(' ')}
      window w as (partition by ${names(groups, 'g.')} true order by periods.period)
    )
    select period, ${list} person::int as people, holder::bigint as numerator, person::bigint as denominator from states
    where person > 0 ${scope.begin ? `and ${scope.endOf('period')} > ${scope.begin}` : ''}`
}

/** Where one moment alone is asked for, nobody's steps need be added up. */
function atTheEnd({ end }: Scope, groups: readonly Key[], withs: string): string {
  const lasts = (at: string, until: string): string => (end ? `${at} < ${end} and (${until} is null or (${until} > ${at} and ${until} >= ${end}))` : `${until} is null`)
  const span = lasts('greatest((span.value ->> 0)::timestamptz, at)', '(span.value ->> 1)::timestamptz')
  return `${withs} select ${names(groups)} people::int, numerator::bigint, people::bigint as denominator from (
      select ${names(groups)} count(*) filter (where ${lasts('at', 'until')}) as people,
        count(*) filter (where held <> '[]' and exists (select from jsonb_array_elements(held) span (value) where ${span})) as numerator
      from persons ${groups.length > 0 ? `group by ${groups.map((_, n) => n + 1).join(', ')}` : ''}) states where people > 0`
}

export const activation: Metric[] = [
  {
    name: 'activation',
    title: 'People with a passkey',
    definition:
      'People whose account has an active passkey, as it is at the end of each period, or of the time asked for. An account counts from its registration until it is erased; disabled ones count too. ' +
      'Under a filter or grouping by what logins tell, such as the platform, the people are those who had signed in at least once in such a login by then, and somebody with two platforms counts in both; ' +
      'the passkey may be any that they have.',
    unit: 'people',
    denominator: 'All people then; under a filter or grouping those who had signed in so.',
    kind: 'share',
    groups: [],
    divides: [],
    state: true,
    breakdowns: ['platform', 'app', 'cohort'],
    view: { every: 'week', by: ['platform'] },
    query,
  },
]
