import { division } from '../figures.ts'
import type { Metric } from '../metric.ts'

const common = { kind: 'share', unit: 'passkeys', breakdowns: ['platform', 'osVersion', 'app'], view: { every: 'week', by: ['platform'] } } as const
const created = 'Passkeys created in logins and in the settings, conditional ones too'

export const providers: Metric[] = [
  {
    ...common,
    name: 'providers',
    title: 'What keeps the passkeys',
    definition: `${created}, by the AAGUID of what keeps them. Some providers do not name themselves: then it is all zeros.`,
    denominator: 'All passkeys created.',
    groups: ['provider'],
    divides: ['provider'],
    query: (scope) => division(scope, { of: 'l.created_at is not null', own: [{ name: 'provider', expression: "coalesce(l.provider::text, 'none')" }] }),
  },
  {
    ...common,
    name: 'backup',
    title: 'Whether the passkeys are backed up',
    definition: `${created}, by what they said when they were created. backed_up: the passkey is synchronised. eligible: it may be, and was not then. device_bound: it stays on its device.`,
    denominator: 'All passkeys created.',
    groups: ['backup'],
    divides: ['backup'],
    order: ['backed_up', 'eligible', 'device_bound'],
    query: (scope) => division(scope, { of: 'l.created_at is not null', own: [{ name: 'backup', expression: 'l.backup' }] }),
  },
]
