import { division, share, sums } from '../figures.ts'
import type { Metric } from '../metric.ts'

const common = { kind: 'share', groups: [], divides: [], breakdowns: ['platform', 'osVersion', 'app', 'appVersion', 'policy'], view: { every: 'week', by: ['platform'] } } as const
const answers = { ...common, unit: 'logins', groups: ['answer'], divides: ['answer'], order: ['done', 'on', 'off', 'skipped', 'open'] } as const
const cameTo = 'Logins that came to the step, by what became of it; one that the plan does not have, or that was settled on this installation before, is not come to. open: it was left there.'

export const steps: Metric[] = [
  {
    ...answers,
    name: 'code',
    title: 'The code by e-mail or SMS',
    definition: `${cameTo} done: a code came back. skipped: the person passed it over. Where there is no contact that a code could go to, nobody is asked.`,
    denominator: 'Logins in which a code was asked for.',
    query: (scope) =>
      division(scope, {
        of: "l.otp is not null and l.otp <> 'no_contact'",
        own: [{ name: 'answer', expression: "case when l.otp in ('done', 'skipped') then l.otp else 'open' end" }],
      }),
  },
  {
    ...answers,
    name: 'pin',
    title: 'The app PIN',
    definition: `${cameTo} done: a PIN was set. skipped: it was passed over. A PIN cannot be switched off again: there is no such fact.`,
    denominator: 'Logins in which a PIN was asked for.',
    query: (scope) =>
      division(scope, {
        of: "l.pin in ('asked', 'done', 'skipped')",
        own: [{ name: 'answer', expression: "case when l.pin = 'asked' then 'open' else l.pin end" }],
      }),
  },
  {
    ...answers,
    name: 'biometrics',
    title: 'Biometric unlock',
    definition: `${cameTo} on, off: it was switched so. skipped: it was passed over.`,
    denominator: 'Logins in which biometric unlock was asked for.',
    query: (scope) =>
      division(scope, {
        of: "l.biometrics in ('asked', 'on', 'off', 'skipped')",
        own: [{ name: 'answer', expression: "case when l.biometrics = 'asked' then 'open' else l.biometrics end" }],
      }),
  },
  {
    ...common,
    name: 'biometrics-switched-off',
    title: 'Biometric unlock, switched off again',
    definition: 'Logins in which biometric unlock was switched on, and after which the person switched it off on the same installation, at any time up to now.',
    unit: 'logins',
    denominator: 'Logins in which biometric unlock was switched on.',
    query(scope) {
      // Looked up for each. Joined with a list of them, the database took it for shorter than it was, and read it again for every login: seconds.
      const off = `exists (select from ${scope.tables.logins} o where o.biometrics_off_at > l.biometrics_on_at and o.installation = l.installation and o.account = l.account)`
      return share(scope, { of: 'l.biometrics_on_at is not null', counted: off })
    },
  },
  {
    ...common,
    name: 'code-delivery-failures',
    title: 'Codes that could not be sent',
    definition: 'Codes that the carrier did not take, or did not answer for in time. That a code was taken does not say that it arrived.',
    unit: 'codes',
    denominator: 'All codes that were made.',
    query: (scope) => sums(scope, { of: 'l.codes_issued > 0', sums: { numerator: 'sum(l.codes_failed)', denominator: 'sum(l.codes_issued)' } }),
  },
]
