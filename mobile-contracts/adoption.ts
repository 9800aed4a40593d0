/** The wire schemas of `/v1/adoption`: what may be asked, and what analysts are answered. */
import { z } from 'zod'

const Kind = z.enum(['share', 'count', 'times', 'comparison'])
const Dimension = z.enum(['platform', 'osVersion', 'app', 'appVersion', 'entryPoint', 'variant', 'policy', 'offer', 'mode', 'provider', 'cohort'])
const Every = z.enum(['day', 'week', 'month'])
const Described = z.object({
  name: z.string(),
  title: z.string(),
  definition: z.string().describe('What is counted, in words.'),
  unit: z.string(),
  denominator: z.string().describe('What a share is a share of, in words.'),
  kind: Kind.describe('What the values of its rows are.'),
})
const asOf = z.iso.datetime().nullable().describe('When the newest event happened that is counted; null where there is none yet.')
const groups = z.array(z.string()).describe('Groupings of its own.')

export const AdoptionCatalogue = z.object({
  metrics: z.array(Described.extend({ groups, breakdowns: z.array(Dimension).describe('What it is looked at by first. Any other dimension can be asked for too.') })),
  asOf,
})

const Share = z.object({ numerator: z.int(), denominator: z.int(), rate: z.number().nullable().describe('Null where the denominator is 0.') })
const Interval = z.object({ low: z.number(), high: z.number() })
const Values = z.union([
  Share.extend({
    ...Interval.shape,
    difference: z.object({ baseline: z.string(), value: z.number(), ...Interval.shape }).nullable().describe('To the baseline, with its 95 % interval (Newcombe).'),
  }).describe('comparison: a share with its 95 % interval (Wilson).'),
  Share.describe('share'),
  z.object({ p25: z.number(), p50: z.number(), p90: z.number(), count: z.int() }).describe('times: seconds.'),
  z.object({ count: z.int() }).describe('count'),
])
const place = {
  period: z.iso.date().optional().describe('Its first day, in the time zone of the question.'),
  group: z.record(z.string(), z.string()).describe('`none` stands for what was not said.'),
  provisional: z.literal(true).optional().describe('It may still change.'),
}

export const AdoptionAnswer = Described.extend({
  metric: z.string(),
  asOf,
  from: z.string().nullable(),
  to: z.string().nullable().describe('Not included.'),
  every: Every.nullable(),
  timeZone: z.string(),
  by: z.array(Dimension),
  groups,
  filters: z.partialRecord(Dimension, z.array(z.string()).optional()),
  test: z.boolean(),
  k: z.int().describe('Groups of fewer people are not shown.'),
  provisionalFrom: z.iso.datetime().nullable().describe('Periods that reach beyond this moment may still change.'),
  rows: z.array(
    z.union([
      z.object({ ...place, people: z.int(), values: Values }),
      z.object({ ...place, fewerThan: z.int() }).describe('A group of fewer people than this, or one that would give such a group away.'),
    ]),
  ),
  warnings: z.array(z.string()),
})

const Moment = z.union([z.iso.date(), z.iso.datetime({ offset: true })])
const many = z.array(z.string()).optional()
const filter = (description: string) => ({ description: `${description}. Several values: several parameters, or commas between.`, schema: many })

/** The parameters of a question. */
export const adoptionQuery: readonly { name: string; description: string; schema: z.ZodType }[] = [
  { name: 'from', description: 'The first day, or moment, that counts.', schema: Moment.optional() },
  { name: 'to', description: 'The first day, or moment, that no longer counts.', schema: Moment.optional() },
  { name: 'every', description: 'A row for each period. A week begins on Monday.', schema: Every.optional() },
  { name: 'timeZone', description: 'In which days begin, by its IANA name. Left out: UTC.', schema: z.string().optional() },
  { name: 'by', description: 'A row for each group: at most three dimensions, in several parameters or with commas between.', schema: z.array(Dimension).max(3).optional() },
  ...Dimension.options.map((name) => ({ name, ...filter(`Only logins with this ${name}`) })),
  { name: 'test', description: 'Logins of test accounts and test apps too.', schema: z.boolean().optional() },
  { name: 'format', description: 'In place of `Accept`, for links.', schema: z.enum(['json', 'csv']).optional() },
]
