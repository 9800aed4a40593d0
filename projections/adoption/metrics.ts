/** All metrics there are. */
import type { Metric } from './metric.ts'
import { activation } from './metrics/activation.ts'
import { funnel } from './metrics/funnel.ts'
import { logins } from './metrics/logins.ts'
import { offers } from './metrics/offers.ts'
import { outcomes } from './metrics/outcomes.ts'
import { providers } from './metrics/providers.ts'
import { steps } from './metrics/steps.ts'
import { variants } from './metrics/variants.ts'

export const metrics: readonly Metric[] = [...funnel, ...offers, ...outcomes, ...activation, ...logins, ...steps, ...providers, ...variants]
export const metricOf = (name: string): Metric | undefined => metrics.find((metric) => metric.name === name)
