/** Everything that an auditor may be shown: all our events but those of keys, which are nobody's steps. */
import { accountEvents, identifierEvents, passwordFormatEvents } from './account/events.ts'
import { auditEvents } from './audit/events.ts'
import { parseFact, type EventOf, type Fact, type Sealed } from './event.ts'
import { ledgerEvents } from './ledger/events.ts'
import { policyEvents } from './policy/events.ts'
import { sealedFields } from './sealed-fields.ts'
import { sessionEvents } from './session/events.ts'
import { tokensEvents } from './session/tokens.ts'

/** No two streams share a name (domain/events.test.ts). */
export const eventSchemas = { ...sessionEvents, ...tokensEvents, ...accountEvents, ...identifierEvents, ...passwordFormatEvents, ...policyEvents, ...auditEvents, ...ledgerEvents }
export type AnyEvent = EventOf<typeof eventSchemas>
export type EventType = AnyEvent['type']
export type DataOf<T extends EventType> = Extract<AnyEvent, { type: T }>['data']

const streamsOf: readonly (readonly [prefix: string, schemas: object])[] = [
  ['session-', sessionEvents],
  ['tokens-', tokensEvents],
  ['account-', accountEvents],
  ['identifier-', identifierEvents],
  ['password-formats', passwordFormatEvents],
  ['policy-', policyEvents],
  ['audit-', auditEvents],
  ['ledger-', ledgerEvents],
]

export const isEventType = (name: string): name is EventType => Object.hasOwn(eventSchemas, name)

/** How the names of the streams begin that have events of this type. */
export const prefixOf = (type: EventType): string => streamsOf.find(([, schemas]) => Object.hasOwn(schemas, type))?.[0] ?? ''

type Stored = { type: string; data: unknown; metadata: { at: string } }

/** @throws UnknownEvent */
export const factOf = (stored: Stored): Fact<AnyEvent> => parseFact(eventSchemas, stored)

export const meaningOf = (type: EventType): string => eventSchemas[type].description ?? ''

/** `under`: whose key hides it. `opens`: whether anybody may have it opened; what only tells whether a secret is right is opened for nobody. */
export type SealedPlace = { field: string; under: 'account' | 'period'; opens: boolean }

/** @throws UnknownEvent */
export const sealedIn = (stored: Stored): (SealedPlace & { value: Sealed })[] => {
  const { type, data } = factOf(stored)
  return sealedFields(eventSchemas[type], data).map(({ path, privacy, value }) => ({
    field: path.join('.'),
    under: privacy === 'sealed by account' ? 'account' : 'period',
    opens: !neverOpened.includes(String(path.at(-1))),
    value,
  }))
}

/** The hash of a password, and what tells whether a PIN is right: of no use to who replays a login, and of use to a thief. */
const neverOpened: readonly string[] = ['hash', 'verifier']
