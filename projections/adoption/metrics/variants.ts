import { grouped, names } from '../figures.ts'
import type { Metric } from '../metric.ts'
import { firstOffers } from './offers.ts'

const variant = { name: 'variant', expression: 'l.variant' }

export const variants: Metric[] = [
  {
    name: 'variants',
    title: 'Variants compared',
    definition:
      "People who created a passkey at or after their first offer in a variant, at any time up to now, per variant. A person's first offer, among those that match the filters, decides the variant, period and group. " +
      'Each share has its 95 % interval (Wilson, 1927). The difference to the baseline, the variant called control or else the first by name, has its 95 % interval too (Newcombe, 1998, method 10): ' +
      'where that contains 0, the variants may be alike. Conditional offers are left out, unless a mode is asked for.',
    unit: 'people',
    denominator: 'People who were made an offer in the variant.',
    kind: 'comparison',
    groups: ['variant'],
    divides: ['variant'],
    breakdowns: ['policy', 'platform', 'app', 'cohort'],
    ofOffers: true,
    view: { by: ['policy'] },
    query(scope) {
      const keys = [...scope.keys, variant]
      return `select ${names(keys)} count(*)::int as people, count(*) filter (where took is not null)::bigint as numerator, count(*)::bigint as denominator
        from (${firstOffers({ ...scope, where: `${scope.where} and l.variant is not null` }, [variant])}) person ${grouped(keys)}`
    },
  },
]
