import { grouped, names, selected } from '../figures.ts'
import type { Metric } from '../metric.ts'
import type { Scope } from '../scope.ts'

/** By what a login lacks for the next one; each step is a part of the one before it, in one and the same login. */
const steps = {
  password: 'not l.eligible',
  eligible: 'l.offered_at is null',
  offered: 'l.starts = 0',
  started: 'l.created_at is null',
  created: 'l.activated_at is null',
  activated: 'not used',
  used: 'false',
}

const words =
  'password: signed in with the password. eligible: the offer was to be decided, device and app can keep a passkey, there is none here yet, and the person has not said never; ' +
  'also where the policy then withheld it (switched off, kill switch, not rolled out, capped, paused, cool-down, history out of reach). offered: an offer was made. started: creation options were issued. ' +
  'created: a passkey was created and linked. activated: every code that the login demanded was given, so that it signs in. used: it signed in later, up to now. ' +
  'Each step counts those of the step before it. Logins with a conditional offer are left out unless a mode is asked for.'

/** How far each login came, per person, and from that a row a step. `counted`: a column for the n-th step, of those below. */
function query(scope: Scope, counted: 'logins' | 'people'): string {
  // The few logins that created a passkey are looked up among the few that used one.
  const used = `exists (select from ${scope.tables.logins} u where u.used_passkey is not null and u.used_passkey = l.passkey and u.account = l.account and ${scope.counts('u')})`
  const reached = Object.values(steps).map((lacks, n) => `when ${lacks.replace('used', used)} then ${n + 1}`)
  const each = Object.keys(steps).map((step, n) => ({ step, n: n + 1 }))
  const rows = each.map(({ step, n }) => `('${step}', people${n}, ${counted}${n}, ${counted}${Math.max(1, n - 1)})`)
  return `select ${names(scope.keys, 'totals.')} step, reached.people::int as people, numerator, denominator
    from (
      select ${names(scope.keys)} ${each.map(({ n }) => `sum(logins${n})::bigint as logins${n}, count(account) filter (where furthest >= ${n}) as people${n}`).join(', ')}
      from (
        select ${names(scope.keys)} account, max(reached) as furthest, ${each.map(({ n }) => `count(*) filter (where reached >= ${n}) as logins${n}`).join(', ')}
        from (
          select ${selected(scope.keys)} l.account, case ${reached.join(' ')} else ${each.length} end as reached
          from ${scope.from} where ${scope.where} and ${scope.during} and l.proof = 'password' and ${scope.ofMode}
          -- Worked out once for each login, and not once for each step.
          offset 0
        ) login
        group by ${[...scope.keys, 1].map((_, n) => n + 1).join(', ')}
      ) person
      ${grouped(scope.keys)}
    ) totals
    cross join lateral (values ${rows.join(', ')}) reached (step, people, numerator, denominator)`
}

const common = { kind: 'share', groups: ['step'], divides: [], order: Object.keys(steps), breakdowns: ['platform', 'app', 'entryPoint', 'variant', 'policy', 'offer'], ofOffers: true, view: { every: 'week', by: ['platform'] } } as const

export const funnel: Metric[] = [
  {
    ...common,
    name: 'funnel',
    title: 'From password to passkey, by logins',
    definition: `Logins at each step. ${words}`,
    unit: 'logins',
    denominator: 'Logins at the step before; what is missing to 1 dropped off. For the first step: itself.',
    query: (scope) => query(scope, 'logins'),
  },
  {
    ...common,
    name: 'funnel-people',
    title: 'From password to passkey, by people',
    definition: `People with at least one login that came to the step. ${words}`,
    unit: 'people',
    denominator: 'People at the step before; what is missing to 1 dropped off. For the first step: itself.',
    query: (scope) => query(scope, 'people'),
  },
]
