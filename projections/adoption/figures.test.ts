/** Every figure: given these logins, then these rows. One PostgreSQL serves them all. */
import { describe } from 'vitest'
import { ofActivation } from './testing-activation.ts'
import { ofFilters } from './testing-filters.ts'
import { ofFunnel } from './testing-funnel.ts'
import { ofGroups } from './testing-groups.ts'
import { ofLogins } from './testing-logins.ts'
import { ofOffers } from './testing-offers.ts'
import { ofOutcomes } from './testing-outcomes.ts'
import { ofSteps } from './testing-steps.ts'
import { ofVariants } from './testing-variants.ts'
import { ofViews } from './testing-views.ts'
import { useFigures } from './testing.ts'

const figures = useFigures()
describe('The funnel', () => ofFunnel(figures))
describe('Offers', () => ofOffers(figures))
describe('What became of offers', () => ofOutcomes(figures))
describe('People with a passkey', () => ofActivation(figures))
describe('Logins', () => ofLogins(figures))
describe('Code, PIN, biometrics and passkeys', () => ofSteps(figures))
describe('Variants', () => ofVariants(figures))
describe('Filters and periods', () => ofFilters(figures))
describe('Groups of few people', () => ofGroups(figures))
describe('SQL views', () => ofViews(figures))
