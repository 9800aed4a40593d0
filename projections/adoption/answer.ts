/** What is answered: the figures of one metric, with what they mean and how fresh they are. */
import type { Dimension, Every, Question } from './question.ts'

/** What the figures of a metric are. */
export type Kind = 'share' | 'count' | 'times' | 'comparison'

/** `rate`: numerator / denominator; null where nothing could have happened. */
export type Share = { numerator: number; denominator: number; rate: number | null }
export type Count = { count: number }
/** Seconds. */
export type Times = { p25: number; p50: number; p90: number; count: number }
/** A share with its 95 % interval (Wilson), and how much more or less it is than that of the baseline, with the interval of that (Newcombe). */
export type Comparison = Share & { low: number; high: number; difference: { baseline: string; value: number; low: number; high: number } | null }
export type Values = Share | Count | Times | Comparison

/** What a row is about: the groupings of the question, and those of the metric itself, such as `step` or `reason`. `none`: nothing was said. */
export type Group = { readonly [name: string]: string }

type Place = {
  /** The first day of the period. */
  period?: string
  group: Group
  /** It reaches into the last 24 hours, or what the metric needs to settle: it may still change. */
  provisional?: true
}
export type Row = Place & ({ people: number; values: Values } | { fewerThan: number })

export type Described = {
  name: string
  title: string
  definition: string
  unit: string
  /** What a share is a share of, in words. */
  denominator: string
  kind: Kind
}
/** `groups`: the groupings of its own. */
export type MetricDescription = Described & { groups: string[]; breakdowns: Dimension[] }

export type Catalogue = { metrics: MetricDescription[]; asOf: string | null }

export type Answer = Described & {
  metric: string
  /** When the newest event happened that is counted (ISO 8601); null where there is none yet. */
  asOf: string | null
  from: string | null
  to: string | null
  every: Every | null
  timeZone: string
  by: Dimension[]
  /** The metric's own groupings: every row has them beside those of `by`. */
  groups: string[]
  filters: Question['filters']
  test: boolean
  /** Groups of fewer people are not shown. */
  k: number
  /** Figures from here on may still change (ISO 8601). */
  provisionalFrom: string | null
  rows: Row[]
  warnings: string[]
}
