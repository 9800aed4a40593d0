/** The factors of an account that can be guessed. */
import type { Factor } from '../session/vocabulary.ts'
import { done, type AccountDecision } from './decision.ts'
import type { AccountState } from './state.ts'

/** Guessed wrong too often in a row. It is a fact once, until the factor is enabled again. */
export const decideFactorDisabled = (state: AccountState, factor: Factor): AccountDecision =>
  state.status === 'erased' || state.disabledFactors.includes(factor) ? done() : done({ type: 'FactorDisabled', data: { factor } })
