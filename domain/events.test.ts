import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { accountEvents, identifierEvents, passwordFormatEvents } from './account/events.ts'
import { auditEvents } from './audit/events.ts'
import { ledgerEvents } from './ledger/events.ts'
import { policyEvents } from './policy/events.ts'
import { sessionEvents } from './session/events.ts'
import { tokensEvents } from './session/tokens.ts'
import { describeStored } from './testing-stored.ts'

describe('session- and tokens-', () => describeStored({ ...sessionEvents, ...tokensEvents }, new URL('session/stored/', import.meta.url)))
describe('account-, identifier- and password-formats', () => describeStored({ ...accountEvents, ...identifierEvents, ...passwordFormatEvents }, new URL('account/stored/', import.meta.url)))
describe('audit-', () => describeStored(auditEvents, new URL('audit/stored/', import.meta.url)))
describe('ledger-', () => describeStored(ledgerEvents, new URL('ledger/stored/', import.meta.url)))
describe('policy-', () => describeStored(policyEvents, new URL('policy/stored/', import.meta.url)))

test('No two streams share a name', () => {
  const names = [sessionEvents, tokensEvents, accountEvents, identifierEvents, passwordFormatEvents, auditEvents, ledgerEvents, policyEvents].flatMap((events) => Object.keys(events))
  expect(new Set(names).size).toBe(names.length)
})

test('A start, with everything that an app may tell, takes less than 2 KB', () => {
  const start: unknown = JSON.parse(readFileSync(new URL('session/stored/IdentifierEntered.json', import.meta.url), 'utf8'))
  expect(Buffer.byteLength(JSON.stringify(start))).toBeLessThan(2048)
})
