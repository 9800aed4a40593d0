import { names, selected } from '../figures.ts'
import type { Metric } from '../metric.ts'
import type { Scope } from '../scope.ts'

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
  const within = scope.end ? `at < ${scope.end}` : 'true'
  const steps = `
    select ${names(groups, 'm.')} greatest(p.registered_at, m.since) as at, p.erased_at as until, 1 as person, 0 as holder
      from members m join ${tables.people} p on p.account = m.account where p.registered_at is not null and ${scope.counts('p')}
    union all
    select ${names(groups, 'm.')} greatest((span.value ->> 0)::timestamptz, p.registered_at, m.since), (span.value ->> 1)::timestamptz, 0, 1
      from members m join ${tables.people} p on p.account = m.account cross join lateral jsonb_array_elements(p.held) span (value) where p.registered_at is not null and ${scope.counts('p')}`
  const changes = `
    select ${list} at, person, holder from steps where until is null or until > at
    union all select ${list} until, -person, -holder from steps where until > at`
  const withs = `with members as (${members}), steps as (${steps}), changes as (select * from (${changes}) c where ${within})`
  if (!every) {
    return `${withs} select ${list} sum(person)::int as people, sum(holder)::bigint as numerator, sum(person)::bigint as denominator from changes
      ${groups.length > 0 ? `group by ${groups.map((_, n) => n + 1).join(', ')}` : ''} having sum(person) > 0`
  }
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
