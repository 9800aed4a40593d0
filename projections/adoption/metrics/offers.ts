import { grouped, names, selected, share } from '../figures.ts'
import type { Metric } from '../metric.ts'
import type { Key, Scope } from '../scope.ts'

/**
 * The first offer of each person that matches the filters, whenever it was made, and how long after it they created a passkey, in any login.
 * Of those the ones whose login began within what was asked. What is conditional is counted with its like alone: it has a first offer of its own.
 */
export function firstOffers(scope: Scope, own: readonly Key[] = []): string {
  const keys = [...scope.keys, ...own]
  const created = `select c.account, c.created_at, c.mode = 'conditional' as conditional from ${scope.tables.logins} c where c.passkey is not null and ${scope.counts('c')}`
  return `select ${names(keys, 'first.')} first.account, min(created.created_at - first.offered_at) as took
    from (
      select distinct on (l.account, l.mode = 'conditional') ${selected(keys)} l.account, l.mode = 'conditional' as conditional, l.offered_at, (${scope.during}) as asked
      from ${scope.from} where ${scope.where} and l.offered_at is not null and l.account is not null and ${scope.ofMode}
      order by l.account, l.mode = 'conditional', l.offered_at, l.key
    ) first
    left join (${created}) created on created.account = first.account and created.conditional = first.conditional and created.created_at >= first.offered_at
    where asked
    group by ${names(keys, 'first.')} first.account, first.conditional`
}

const perPerson = (scope: Scope, took: string): string =>
  `select ${names(scope.keys)} count(*)::int as people, sum(numerator)::bigint as numerator, sum(denominator)::bigint as denominator
    from (select ${names(scope.keys)} account, count(*) filter (where ${took}) as numerator, count(*) as denominator from (${firstOffers(scope)}) first group by ${names(scope.keys)} account) person ${grouped(scope.keys)}`

const breakdowns = ['mode', 'offer', 'platform', 'osVersion', 'app', 'appVersion', 'entryPoint', 'variant', 'policy', 'cohort'] as const
const person =
  "A person's first offer, among those that match the filters, decides the period and the group; the creation may be in any later login or visit to the settings. "
const apart = 'Conditional offers and what came of them are left out, unless a mode is asked for; then they are counted with each other alone.'
const common = { kind: 'share', groups: [], divides: [], breakdowns, ofOffers: true, view: { every: 'week', by: ['platform'] } } as const

export const offers: Metric[] = [
  {
    ...common,
    name: 'creation-per-offer',
    title: 'Passkeys created per offer',
    definition: `Offers in whose login, or visit to the settings, a passkey was created, of all offers; over all entry points, the settings too. ${apart}`,
    unit: 'offers',
    denominator: 'All offers made.',
    query: (scope) => share(scope, { of: `l.offered_at is not null and ${scope.ofMode}`, counted: 'l.created_at is not null' }),
  },
  {
    ...common,
    name: 'creation-per-person',
    title: 'People who ever created a passkey, of those offered one',
    definition: `People who created a passkey at or after their first offer, at any time up to now. ${person}${apart}`,
    unit: 'people',
    denominator: 'People who were made an offer.',
    query: (scope) => perPerson(scope, 'took is not null'),
  },
  {
    ...common,
    name: 'creation-per-person-30-days',
    title: 'People who created a passkey within 30 days of the first offer',
    definition: `People who created a passkey at most 30 days (720 hours) after their first offer. ${person}Whose 30 days are not over counts as not, and is marked provisional. ${apart}`,
    unit: 'people',
    denominator: 'People who were made an offer.',
    settles: 30,
    query: (scope) => perPerson(scope, "took <= interval '720 hours'"),
  },
]
