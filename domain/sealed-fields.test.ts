import { expect, test } from 'vitest'
import { accountEvents } from './account/events.ts'
import { sealedFields } from './sealed-fields.ts'
import { sessionEvents } from './session/events.ts'

const paths = (schema: Parameters<typeof sealedFields>[0], data: unknown) => sealedFields(schema, data).map(({ path, privacy, value }) => [path.join('.'), privacy, value])

test('Sealed fields are found where they stand, in lists too, and none that is clear', () => {
  const identifiers = [{ kind: 'email', lookup: 'a1.looks.sealed', value: 'a1.x.one' }, { kind: 'username', lookup: 'f00', value: 'a1.x.two' }]
  expect(paths(accountEvents.AccountRegistered, { source: 'added', identifiers, mfa: false })).toEqual([
    ['identifiers.0.value', 'sealed by account', 'a1.x.one'],
    ['identifiers.1.value', 'sealed by account', 'a1.x.two'],
  ])
})

test('What was left out is not there', () => {
  const data = { identifier: 'p1.2026-03..i', address: 'p1.2026-03..a', locale: 'p1.2026-03..locale' }
  expect(paths(sessionEvents.IdentifierEntered, data)).toEqual([['address', 'sealed by period', 'p1.2026-03..a'], ['identifier', 'sealed by period', 'p1.2026-03..i']])
  expect(paths(accountEvents.InstallationPinSet, { installation: 'x', keptOn: 'device' })).toEqual([])
})
