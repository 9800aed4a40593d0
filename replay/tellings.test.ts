import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { eventSchemas, prefixOf, sealedIn, type EventType } from '../domain/all-events.ts'
import { tell } from './tellings.ts'

type Golden = { type: string; data: Record<string, never>; metadata: never }
const folders = ['account', 'audit', 'ledger', 'policy', 'session'].map((name) => new URL(`../domain/${name}/stored/`, import.meta.url))
const goldens = folders.flatMap((folder) => readdirSync(folder).map((file): [string, Golden] => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden]))

test('Every event that was ever stored is told in a sentence, of which nothing is sealed and nothing missing', () => {
  expect(new Set(goldens.map(([, { type }]) => type))).toEqual(new Set(Object.keys(eventSchemas)))
  for (const [file, golden] of goldens) {
    const { sentence, proved, decided } = tell(golden)
    expect([file, sentence]).toEqual([file, expect.stringMatching(/^[\p{Lu}a-z].{9,}[^.]$/u)])
    const all = JSON.stringify([sentence, proved, decided])
    expect([file, all]).toEqual([file, expect.not.stringMatching(/undefined|NaN|\[object/)])
    for (const { value } of sealedIn(golden)) expect(all).not.toContain(value)
  }
})

test('Every event is looked for where it stands', () => {
  for (const folder of Object.keys(eventSchemas)) expect(prefixOf(folder as EventType)).toMatch(/^(session-|tokens-|account-|identifier-|password-formats|policy-|audit-|ledger-)$/)
})
