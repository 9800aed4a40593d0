import { names, sums } from '../figures.ts'
import type { Metric } from '../metric.ts'
import type { Scope } from '../scope.ts'

/** Each step is a part of the one before it, in one and the same login. */
const steps = {
  password: "l.proof = 'password'",
  eligible: 'l.eligible',
  offered: 'l.offered_at is not null',
  started: 'l.starts > 0',
  created: 'l.created_at is not null',
  activated: 'l.activated_at is not null',
  used: 'used',
}

const words =
  'password: signed in with the password. eligible: the offer was to be decided, device and app can keep a passkey, there is none here yet, and the person has not said never; ' +
  'also where the policy then withheld it (switched off, kill switch, not rolled out, capped, paused, cool-down, history out of reach). offered: an offer was made. started: creation options were issued. ' +
  'created: a passkey was created and linked. activated: every code that the login demanded was given, so that it signs in. used: it signed in later, up to now. ' +
  'Each step counts those of the step before it. Logins with a conditional offer are left out unless a mode is asked for.'

/** How far each login came, per person, and from that a row a step. */
function query(scope: Scope, counted: (n: number) => string): string {
  const conditions = Object.values(steps)
  const reached = (n: number): string => conditions.slice(0, n + 1).join(' and ')
  // Looked for by index, for the few logins that created one.
  const later = `exists (select from ${scope.tables.logins} u where u.used_passkey = l.passkey and u.account = l.account and ${scope.counts('u')})`
  const filter = (n: number): string => reached(n).replace(/\bused$/, `case when l.passkey is null then false else ${later} end`)
  const perPerson = Object.fromEntries(conditions.flatMap((_, n) => [[`s${n}`, `count(*) filter (where ${filter(n)})`], [`p${n}`, `(count(*) filter (where ${filter(n)}) > 0)::int`]]))
  const rows = Object.keys(steps).map((step, n) => `('${step}', p${n}, ${counted(n)}, ${counted(Math.max(0, n - 1))})`)
  return `select ${names(scope.keys, 'totals.')} step, reached.people::int as people, numerator, denominator
    from (${sums(scope, { of: `${reached(0)} and ${scope.ofMode}`, sums: perPerson })}) totals
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
    query: (scope) => query(scope, (n) => `s${n}`),
  },
  {
    ...common,
    name: 'funnel-people',
    title: 'From password to passkey, by people',
    definition: `People with at least one login that came to the step. ${words}`,
    unit: 'people',
    denominator: 'People at the step before; what is missing to 1 dropped off. For the first step: itself.',
    query: (scope) => query(scope, (n) => `p${n}`),
  },
]
