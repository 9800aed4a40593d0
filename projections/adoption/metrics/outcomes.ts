import { division } from '../figures.ts'
import type { Metric } from '../metric.ts'
import type { Scope } from '../scope.ts'

const offered = ({ ofMode }: Scope): string => `l.offered_at is not null and ${ofMode}`
const outcome = { name: 'outcome', expression: 'l.outcome' }
const breakdowns = ['platform', 'osVersion', 'app', 'appVersion', 'offer', 'mode', 'variant'] as const
const apart = 'Conditional offers are left out, unless a mode is asked for.'
const notCreated = "outcome in ('declined', 'never', 'cancelled', 'not_shown', 'failed')"
const weekly = { every: 'week', by: ['platform'] } as const
const common = { kind: 'share', unit: 'offers', denominator: 'All offers made.', breakdowns, ofOffers: true, view: weekly } as const

export const outcomes: Metric[] = [
  {
    ...common,
    name: 'outcomes',
    title: 'What became of the offers',
    definition:
      'Each offer by the last that became of it: created; declined, or declined for ever (never), in the app; cancelled: the prompt was dismissed or timed out; not_shown: no prompt appeared; ' +
      `failed: a prompt was accepted and the ceremony failed; started: options were taken and nothing was heard since; offered: nothing was heard at all. ${apart}`,
    groups: ['outcome'],
    divides: ['outcome'],
    order: ['created', 'declined', 'never', 'cancelled', 'not_shown', 'failed', 'started', 'offered'],
    query: (scope) => division(scope, { of: offered(scope), own: [outcome] }),
  },
  {
    ...common,
    name: 'outcome-reasons',
    title: 'Why offers came to no passkey, by reason',
    definition: `Offers that were declined (declined, never) or ended cancelled, not shown or failed, by the reason of the last report. ${apart}`,
    groups: ['outcome', 'reason'],
    divides: ['outcome', 'reason'],
    query: (scope) => division(scope, { of: offered(scope), own: [outcome, { name: 'reason', expression: "coalesce(l.reason, 'none')" }], shown: notCreated }),
  },
  {
    ...common,
    name: 'outcome-codes',
    title: 'Why offers came to no passkey, by platform code',
    definition: `Offers that ended cancelled, not shown or failed, by the code that the platform itself gave in the last report; none where it was refused here. ${apart}`,
    groups: ['outcome', 'code'],
    divides: ['outcome', 'code'],
    query: (scope) =>
      division(scope, { of: offered(scope), own: [outcome, { name: 'code', expression: "coalesce(l.code, 'none')" }], shown: "outcome in ('cancelled', 'not_shown', 'failed')" }),
  },
  {
    name: 'withheld',
    title: 'Why no offer was made',
    definition: 'Logins and visits to the settings in which the offer was to be decided and was withheld, by reason.',
    unit: 'logins',
    denominator: 'Logins and visits to the settings in which the offer was decided, either way.',
    kind: 'share',
    groups: ['reason'],
    divides: ['reason'],
    view: weekly,
    breakdowns: ['platform', 'osVersion', 'app', 'policy', 'variant'],
    query: (scope) =>
      division(scope, { of: '(l.withheld is not null or l.offered_at is not null)', own: [{ name: 'reason', expression: "coalesce(l.withheld, 'offered')" }], shown: "reason <> 'offered'" }),
  },
]
