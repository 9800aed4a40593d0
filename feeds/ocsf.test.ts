import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sealedIn, type EventType } from '../domain/all-events.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { ocsfOf, type OcsfEvent, type Place } from './ocsf.ts'
import { securityOf } from './security.ts'
import { faultsOf } from './testing-ocsf.ts'

const folders = ['account', 'session', 'audit', 'ledger', 'policy']
const id = 'a8d1c5de-32a6-5a0c-8a8e-0b6c1b4e7f10'
const goldens = folders.flatMap((folder) => {
  const url = new URL(`../domain/${folder}/stored/`, import.meta.url)
  return readdirSync(url).map((file): [string, Recorded] => [file, { stream: `${folder}-${id}`, revision: 3, position: '1', ...(JSON.parse(readFileSync(new URL(file, url), 'utf8')) as object) } as Recorded])
})
const places: Place[] = [
  { account: null, app: 'shop', platform: 'ios', installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60', settings: false },
  { account: '5d0f4b6e-3d5c-4f0a-9a3e-0c6f2b7d1e42', app: null, platform: 'web', installation: null, settings: false },
  { account: null, app: 'shop', platform: 'web', installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60', settings: true },
]

describe('Every event that was ever stored', () => {
  test('is one of OCSF, by its schema, or is left out for a reason', () => {
    let sent = 0
    for (const [file, golden] of goldens) {
      const mapping = securityOf[golden.type as EventType]
      for (const place of places) {
        const event = ocsfOf(golden, place)
        if (typeof mapping === 'string') expect([file, event, mapping]).toEqual([file, undefined, expect.stringMatching(/.{10}/)])
        if (!event) continue
        sent += 1
        expect([file, faultsOf(event)]).toEqual([file, []])
        for (const { value } of sealedIn(golden)) expect(JSON.stringify(event)).not.toContain(value)
        expect((event['metadata'] as OcsfEvent)['uid']).toBe(golden.id)
      }
    }
    expect(sent).toBeGreaterThan(60)
  })

  test('which the schema would not let through, were it another', () => {
    const golden = goldens.find(([file]) => file === 'PasswordRejected.json')![1]
    const good = ocsfOf(golden, places[0]!)!
    expect(faultsOf(good)).toEqual([])
    const { user: _, ...nobody } = good
    const broken = [nobody, { ...good, ip: '192.0.2.1' }, { ...good, severity_id: 9 }, { ...good, time: '2026' }, { ...good, user: {} }, { ...good, activity_id: 2 }, { ...good, service: undefined }, { ...good, auth_factors: [{ factor_type_id: 44 }] }]
    for (const wrong of broken) expect(faultsOf(wrong)).not.toEqual([])
  })
})

test('A login in the settings is none', () => {
  const completed = goldens.find(([file]) => file === 'SessionCompleted.json')![1]
  expect([ocsfOf(completed, places[2]!), ocsfOf(completed, places[0]!)]).toEqual([undefined, expect.objectContaining({ activity_name: 'Logon' })])
})
