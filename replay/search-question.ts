/** What may be searched for. The query string of the API and the options of the command line are read here. */
import { z } from 'zod'
import { eventSchemas, type EventType } from '../domain/all-events.ts'
import { Platform } from '../domain/session/vocabulary.ts'
import { loginOutcomes } from './login-summary.ts'

const Moment = z.union([z.iso.date().transform((day) => `${day}T00:00:00.000Z`), z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString())])

export const searchDefaults = { limit: 50, mostFound: 200 } as const

export const SearchQuestion = z.strictObject({
  /** The first moment that counts, and the first that no longer does; a day is one of UTC. */
  from: Moment.optional(),
  to: Moment.optional(),
  type: z.enum(Object.keys(eventSchemas) as [EventType, ...EventType[]]).optional(),
  /** Of the login: what it came to, or what became of its offer. */
  outcome: z.enum(loginOutcomes).optional(),
  /** Of an event. */
  reason: z.string().min(1).max(64).optional(),
  app: z.string().min(1).max(128).optional(),
  platform: Platform.optional(),
  limit: z.coerce.number().int().min(1).max(searchDefaults.mostFound).default(searchDefaults.limit),
  /** Where the page before left off. */
  after: z.string().max(512).optional(),
})
export type SearchQuestion = z.infer<typeof SearchQuestion>

/** It cannot be searched for that: `field` is the part that is wrong. */
export class BadSearch extends Error {
  readonly code = 'bad_search'
  readonly field: string
  constructor(field: string, what: string) {
    super(what)
    this.field = field
  }
}

const expected: Record<string, string> = {
  from: 'must be a day such as 2026-11-02, or a moment such as 2026-11-02T08:00:00Z',
  to: 'must be a day such as 2026-11-02, or a moment such as 2026-11-02T08:00:00Z',
  type: 'must be the name of an event, such as PasswordRejected',
  outcome: `must be one of ${loginOutcomes.join(', ')}`,
  reason: 'must have 1 to 64 characters',
  app: 'must have 1 to 128 characters',
  platform: `must be one of ${Platform.options.join(', ')}`,
  limit: `must be a number from 1 to ${searchDefaults.mostFound}`,
  after: 'must be what the page before said',
}

/** What is empty is not asked for: forms send what was left out. @throws BadSearch */
export function readSearch(parameters: Iterable<readonly [name: string, value: string | undefined]>): SearchQuestion {
  const asked: Record<string, string> = {}
  for (const [name, value] of parameters) {
    if (value === undefined || value === '') continue
    // What somebody made up is not told back.
    if (!Object.hasOwn(expected, name)) throw new BadSearch('what is asked', `must be of ${Object.keys(expected).join(', ')}`)
    if (Object.hasOwn(asked, name)) throw new BadSearch(name, 'is there twice')
    asked[name] = value
  }
  const parsed = SearchQuestion.safeParse(asked)
  if (parsed.success) return parsed.data
  const field = String(parsed.error.issues[0]?.path[0] ?? '')
  throw new BadSearch(field, expected[field] ?? 'cannot be searched for')
}
