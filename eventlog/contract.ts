import { appends } from './contract/appends.ts'
import { faults } from './contract/faults.ts'
import type { Size, Store, Test } from './contract/fixture.ts'
import { idempotence } from './contract/idempotence.ts'
import { reads } from './contract/reads.ts'
import { seals } from './contract/seals.ts'
import { subscriptions } from './contract/subscriptions.ts'

export type { Faults, Size, Store, Test } from './contract/fixture.ts'

/**
 * What every event log must do, whatever it is kept in. The store may hold other events already: each test uses stream names of its own.
 * Tests run one after the other.
 */
export const contract = (store: Store, size: Size = 'small'): Test[] => [
  ...appends(store, size),
  ...idempotence(store),
  ...reads(store, size),
  ...subscriptions(store, size),
  ...seals(store),
  ...(store.faults ? faults(store, store.faults) : []),
]
