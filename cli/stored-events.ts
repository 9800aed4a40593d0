/** All that is stored, by the streams that it stands in. */
import { accountEvents, identifierEvents, passwordFormatEvents } from '../domain/account/events.ts'
import { auditEvents } from '../domain/audit/events.ts'
import { ledgerEvents } from '../domain/ledger/events.ts'
import { policyEvents } from '../domain/policy/events.ts'
import { sealedFields } from '../domain/sealed-fields.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { tokensEvents } from '../domain/session/tokens.ts'
import type { Leaf } from '../audit/canonical.ts'
import type { Parsed, Schemas } from '../audit/examination.ts'
import { keyEvents } from '../vault/events.ts'
import { periodKeyIdOf } from '../vault/sealing.ts'

const byPrefix: Readonly<Record<string, Schemas>> = {
  'session-': sessionEvents,
  'tokens-': tokensEvents,
  'account-': accountEvents,
  'identifier-': identifierEvents,
  'key-': keyEvents,
  'ledger-': ledgerEvents,
  'audit-': auditEvents,
  'policy-': policyEvents,
  'password-formats': passwordFormatEvents,
}
const prefixes = Object.entries(byPrefix)

export const storedTypes = (): string[] => [...new Set(Object.values(byPrefix).flatMap((schemas) => Object.keys(schemas)))]

/** Undefined for a stream that no release before this one has written. */
export function schemasOf(stream: string): Schemas | undefined {
  const [, schemas] = prefixes.find(([prefix]) => (prefix.endsWith('-') ? stream.startsWith(prefix) : stream === prefix)) ?? []
  return schemas
}

/** A handful of months; the UUID of one costs as much as reading an event. */
const periods = new Map<string, string>()
function keyOfPeriod(period: string): string {
  const key = periods.get(period) ?? periodKeyIdOf(period)
  periods.set(period, key)
  return key
}

/** What a key hides: a person's values, or those that age in a month. */
export type KeyNeeded = { key: string; account?: string; period?: string }

/** Values are sealed as `a1.<account>.<...>` and `p1.<period>.<account, or nothing>.<...>` (`vault/vault.ts`). */
export function keysNeeded({ stream, revision }: Leaf, { schema, data }: Parsed): KeyNeeded[] {
  // Of a person all, of a login the event that it begins with: it has what was typed and the device. Others repeat what these name.
  if (!stream.startsWith('account-') && !(revision === 0 && stream.startsWith('session-'))) return []
  return sealedFields(schema, data).flatMap(({ value }) => {
    const [kind, first = '', second = ''] = value.split('.')
    if (kind === 'a1') return [{ key: first, account: first }]
    if (kind !== 'p1') return []
    return [{ key: keyOfPeriod(first), period: first }, ...(second === '' ? [] : [{ key: second, account: second }])]
  })
}
