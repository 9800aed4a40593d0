/** What may be asked of adoption: a period, filters and groupings that hold for every metric. The query string of the API is read here. */
import { z } from 'zod'

/** What a login, an offer or a person can be told apart by. `none` stands for what a login does not say. */
export const dimensions = {
  platform: 'The platform that the app named at the start of the login',
  osVersion: 'The version of the operating system, as the app told it',
  app: 'The app',
  appVersion: "The app's version, as it told it",
  entryPoint: 'Where the offer was made; where none was, where the login began',
  variant: 'The variant of the policy that the offer was made in',
  policy: "The policy's version that decided the offer; where nothing was decided, that of the login's plan",
  offer: "The offer's number for the person: 1, 2-3, 4 or 5+",
  mode: 'How the offer was made: manual, automatic or conditional',
  provider: 'What keeps the passkey, by its AAGUID: of the one that was created in the login, else of the one that signed in',
  cohort: "The Monday of the week in which the person's first offer was made, as 2026-11-02, whatever the filters; conditional offers are none",
} as const satisfies Record<string, string>

export type Dimension = keyof typeof dimensions
export const Dimension = z.enum(Object.keys(dimensions) as [Dimension, ...Dimension[]])

/** The offers of a person, by their numbers. */
export const offerBuckets = ['1', '2-3', '4', '5+', 'none'] as const

export const Every = z.enum(['day', 'week', 'month'])
export type Every = z.infer<typeof Every>

const Day = z.iso.date()
const Instant = z.iso.datetime({ offset: true })
/** A day begins at midnight of the question's time zone. */
const Moment = z.union([Day, Instant])

/** More would be no question, but a copy of the tables. */
const [mostGroupings, mostValues] = [3, 100]

export const Question = z.strictObject({
  /** The first moment that counts; left out: the beginning. */
  from: Moment.optional(),
  /** The first moment that no longer counts; left out: now. */
  to: Moment.optional(),
  /** A row for each period; a week begins on Monday. Left out: one for all. */
  every: Every.optional(),
  /** In which days begin and end, by its name in the IANA time zone database. */
  timeZone: z.string().refine(isTimeZone).default('UTC'),
  by: z.array(Dimension).max(mostGroupings).refine((by) => new Set(by).size === by.length).default([]),
  filters: z
    .strictObject(Object.fromEntries(Dimension.options.map((name) => [name, valuesOf(name)])) as Record<Dimension, ReturnType<typeof valuesOf>>)
    .prefault({}),
  /** Logins of test accounts and test apps too. */
  test: z.boolean().default(false),
})
export type Question = z.infer<typeof Question>

function isTimeZone(name: string): boolean {
  // An offset such as +02:00 has the other sign in Postgres (POSIX), and abbreviations such as IST mean another place: names alone.
  if (name.length > 64 || !(name === 'UTC' || name.includes('/')) || !/^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$/.test(name)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

function valuesOf(name: Dimension) {
  const value: z.ZodType<string> = name === 'offer' ? z.enum(offerBuckets) : name === 'cohort' ? z.union([Day, z.literal('none')]) : z.string().min(1).max(128)
  return z.array(value).min(1).max(mostValues).optional()
}

/** The question cannot be asked: `field` is the part of it that is wrong. */
export class BadQuestion extends Error {
  readonly code = 'bad_question'
  readonly field: string
  constructor(field: string, what: string) {
    super(what)
    this.field = field
  }
}

const isDimension = (name: string): name is Dimension => Object.hasOwn(dimensions, name)

/** Reads a query string. Several values of a filter come as several parameters, or with commas between. @throws BadQuestion */
export function readQuestion(parameters: Iterable<readonly [name: string, value: string]>): Question {
  const asked: Record<string, unknown> = {}
  const filters: Record<string, string[]> = {}
  for (const [name, value] of parameters) {
    // A field of a form that was left empty.
    if (value === '') continue
    const values = value.split(',').filter((one) => one !== '')
    if (isDimension(name)) (filters[name] ??= []).push(...values)
    else if (name === 'by') asked['by'] = [...((asked['by'] as string[] | undefined) ?? []), ...values]
    else if (Object.hasOwn(asked, name)) throw new BadQuestion(name, 'is there twice')
    else asked[name] = name === 'test' ? booleanOf(value) : value
  }
  const parsed = Question.safeParse({ ...asked, filters })
  if (!parsed.success) throw badQuestionOf(parsed.error)
  return parsed.data
}

const booleanOf = (value: string): unknown => ({ true: true, false: false })[value] ?? value

const expected: Record<string, string> = {
  from: 'must be a day such as 2026-11-02, or a moment such as 2026-11-02T08:00:00Z',
  to: 'must be a day such as 2026-11-02, or a moment such as 2026-11-02T08:00:00Z',
  every: `must be one of ${Every.options.join(', ')}`,
  timeZone: 'must be a name of the IANA time zone database, such as Europe/Berlin',
  by: `must be at most ${mostGroupings} of ${Dimension.options.join(', ')}, each once`,
  test: 'must be true or false',
  offer: `must be of ${offerBuckets.join(', ')}`,
  cohort: 'must be the Monday of a week, such as 2026-11-02, or none',
}

function badQuestionOf({ issues }: z.ZodError): BadQuestion {
  const [issue] = issues
  if (issue?.code === 'unrecognized_keys') return new BadQuestion(issue.keys[0] ?? '', `is none of ${['from', 'to', 'every', 'timeZone', 'by', 'test', ...Dimension.options].join(', ')}`)
  const [first, second] = issue?.path ?? []
  const field = String(first === 'filters' ? second : first)
  return new BadQuestion(field, expected[field] ?? `must be 1 to ${mostValues} values of 1 to 128 characters`)
}
