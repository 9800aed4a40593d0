/** A metric: what it means in words, and beside them the one query that it is. */
import type { Described, MetricDescription } from './answer.ts'
import type { Dimension, Every } from './question.ts'
import type { Scope } from './scope.ts'

export type Metric = Described & {
  /** The groupings of its own. */
  groups: readonly string[]
  /** Those of its groups that divide what is counted: from a total and all others but one, that one would be known. */
  divides: readonly string[]
  /** What an analyst looks at it by first. */
  breakdowns: readonly Dimension[]
  /** In which order the values of a group are told; those that are not in it come after, by name. */
  order?: readonly string[]
  /** It counts offers: conditional ones, which ask nobody, are left out unless the question names a mode. */
  ofOffers?: true
  /** It is a state at the end of a period; periods do not add up. */
  state?: true
  /** Days after which a figure no longer changes. Left out: one. */
  settles?: number
  /** What its SQL view is by, beside its own groups. */
  view: { every?: Every; by: readonly Dimension[] }
  /** Gives the question's keys, the groups of its own, `people`, and the columns of its kind. */
  query(scope: Scope): string
}

export const describe = ({ name, title, definition, unit, denominator, kind, groups, breakdowns }: Metric): MetricDescription => ({
  name, title, definition, unit, denominator, kind, groups: [...groups], breakdowns: [...breakdowns],
})
