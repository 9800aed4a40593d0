/** What auditors are answered of logins and people: pseudonyms, and what is sealed stays sealed. */
import { z } from 'zod'
import { Platform } from '../domain/session/vocabulary.ts'

const instant = z.iso.datetime()
const state = z.record(z.string(), z.unknown()).describe('As the rules fold it from the events so far; sealed values are hidden.')
const AsOf = z.union([z.object({ revision: z.int().nonnegative() }), z.object({ time: instant })])

export const StoredEvent = z
  .object({ stream: z.string(), revision: z.int().nonnegative(), id: z.uuid(), type: z.string(), data: z.record(z.string(), z.unknown()), metadata: z.record(z.string(), z.unknown()) })
  .describe('The event to the letter: RFC 8785 makes the leaf of the ledger of it.')

export const Coverage = z
  .object({
    leaf: z.int().nonnegative().nullable().describe('Its place in the tree of the ledger. Null: it is in none yet.'),
    checkpoint: z.int().positive().nullable().describe('The newest checkpoint that covers it. Null: not yet covered.'),
  })
  .describe('What the ledger says of it.')

export const TimelineStep = z.object({
  at: instant,
  actor: z.string(),
  sentence: z.string(),
  meaning: z.string().describe('What the event means, and what it does not imply.'),
  proved: z.object({ what: z.string(), holds: z.boolean(), how: z.string() }).nullable(),
  decided: z.object({ what: z.string(), why: z.string(), policy: z.string().nullable().describe('Its version. Null: no policy has a say in it.') }).nullable(),
  before: state.nullable().describe('Of its own stream. Null: the stream begins with it.'),
  after: state,
  changed: z.array(z.object({ field: z.string(), from: z.unknown(), to: z.unknown() })),
  next: z.array(z.string()).nullable().describe('What was legal then. Null: facts of an account have no order.'),
  sealed: z.array(z.object({ field: z.string(), under: z.enum(['account', 'period']), opens: z.boolean().describe('Whether anybody may have it opened.') })),
  event: StoredEvent,
  ledger: Coverage.nullable().describe('Null while the table of the ledger is out of reach.'),
})

export const SessionReplayAnswer = z
  .object({
    session: z.uuid(),
    account: z.uuid().nullable(),
    app: z.string(),
    platform: Platform,
    installation: z.uuid(),
    startedAt: instant,
    asOf: AsOf.nullable(),
    revision: z.int().nonnegative(),
    status: z.string(),
    step: z.string().nullable(),
    next: z.array(z.string()),
    state,
    tokens: state.nullable(),
    steps: z.array(TimelineStep),
  })
  .describe('A login, step by step: its own events, those of its tokens, and those that it left in the account.')

export const LoginSummary = z.object({
  session: z.uuid(),
  account: z.uuid().nullable(),
  app: z.string(),
  platform: Platform,
  installation: z.uuid(),
  startedAt: instant,
  lastAt: instant,
  signedInBy: z.string().nullable().describe('Null: nobody proved to be the person, so it may have been somebody else.'),
  outcome: z.string(),
  offer: z.object({ outcome: z.string(), reason: z.string().nullable(), number: z.int().nullable(), mode: z.string().nullable() }).nullable(),
  passkey: z.string().nullable(),
})

export const AccountReplayAnswer = z
  .object({
    account: z.uuid(),
    asOf: AsOf.nullable(),
    revision: z.int().nonnegative(),
    status: z.string(),
    registeredAt: instant,
    state,
    passkeys: z.array(
      z.object({ passkey: z.string(), status: z.string(), provider: z.string().describe('AAGUID.'), linkedAt: instant, app: z.string(), session: z.uuid(), installation: z.uuid(), backedUp: z.boolean() }),
    ),
    sessions: z.array(LoginSummary).nullable().describe('The newest first. Null while the rows that name them are out of reach.'),
    olderSessions: z.int().nonnegative().describe('Logins that are not among `sessions`, since there are so many.'),
    steps: z.array(TimelineStep),
  })
  .describe('A person, by the pseudonym that the log has.')

export const SearchAnswer = z
  .object({
    source: z.enum(['rows', 'rows and streams', 'log']).describe('Where it was looked.'),
    order: z.enum(['newest first', 'oldest first']),
    found: z.array(
      z.object({
        at: instant.describe('When the event happened; without one, when the login began.'),
        session: z.uuid().nullable(),
        account: z.uuid().nullable(),
        app: z.string().nullable(),
        platform: z.string().nullable(),
        outcome: z.string().nullable().describe('What the login came to.'),
        offer: z.string().nullable().describe('What became of its offer.'),
        event: z.object({ stream: z.string(), revision: z.int().nonnegative(), type: z.string(), sentence: z.string() }).nullable(),
      }),
    ),
    looked: z.object({ logins: z.int().nonnegative(), events: z.int().nonnegative() }),
    until: instant.nullable().describe('How far it was looked, where there is more.'),
    after: z.string().nullable().describe('Asks for the next page. Null: that was all. A page may be empty and not the last.'),
  })
  .describe('Logins, or with `type` or `reason` events.')

export const LookAnswer = z
  .object({
    look: z.uuid().describe('The fact that it was looked: the stream `audit-<look>`.'),
    stream: z.string(),
    revision: z.int().nonnegative(),
    opened: z.array(z.object({ field: z.string(), value: z.string().nullable().describe('Null: it is no longer kept.') })),
  })
  .describe('What was sealed.')
export const FoundAccountAnswer = z.object({ account: z.uuid() })
