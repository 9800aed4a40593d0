import { readFileSync, readdirSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { sealedIn, type EventType } from '../domain/all-events.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { openApi, password } from '../http/testing.ts'
import { createLines } from './lines.ts'
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

describe('A login, for a SIEM', async () => {
  const api = await openApi({ policy: { withPasskey: { otp: 'required', pin: 'off', biometrics: 'off' } } })
  afterAll(() => api.close())
  await api.register()
  const login = await api.start()
  await login.step('password', { password: 'wrong' })
  await login.step('password', { password })
  await login.step('append', { credential: await api.credential(login) })
  await login.step('otp/send', { channel: 'email' })
  const { body } = await login.step('otp', { code: api.code() })
  await api.call('DELETE', login.path, { token: body.tokens.accessToken })
  const stored: Recorded[] = []
  for await (const recorded of api.log.readAll({ prefixes: ['session-', 'tokens-', 'account-'] })) stored.push(recorded)
  const feed = async (some: readonly Recorded[]) => {
    const lineOf = createLines(api.log)
    const lines = []
    for (const recorded of some) lines.push(await lineOf(recorded))
    return lines.flatMap((line) => (line === undefined ? [] : [JSON.parse(line) as OcsfEvent]))
  }

  test('is its proofs, its end and what it changed, in their order', async () => {
    const events = await feed(stored)
    expect(events.map(({ type_name, status, status_detail = null, is_mfa = null }) => [type_name, status, status_detail, is_mfa])).toEqual([
      ['Account Change: Create', 'Success', 'added', null],
      ['Account Change: Password Change', 'Success', null, null],
      ['Account Change: Contact Added', 'Success', null, null],
      ['Authentication: Logon', 'Failure', 'wrong_password', null],
      ['Authentication: Preauth', 'Success', null, null],
      ['Account Change: Passkey Linked', 'Success', null, null],
      ['Account Change: MFA Factor Enable', 'Success', null, null],
      ['Authentication: Preauth', 'Success', null, null],
      ['Authentication: Logon', 'Success', null, false],
      ['Authentication: Authentication Ticket', 'Success', null, null],
      ['Authentication: Logoff', 'Success', null, null],
    ])
    for (const event of events) {
      expect(faultsOf(event)).toEqual([])
      expect(event['user']).toEqual({ uid: api.world.account, type: 'User', type_id: 1 })
    }
    expect(events[3]).toMatchObject({ service: { name: 'shop' }, session: { uid: login.id }, actor: { app_name: 'app', app_uid: 'shop' }, src_endpoint: { type: 'Mobile', os: { name: 'iOS' } }, auth_factors: [{ factor_type: 'Password' }] })
    expect(JSON.stringify(events)).not.toMatch(/ada@|192\.0\.2\.1|a1\.|p1\./)
  })

  test('is told the same from any event on, as after a restart', async () => {
    const all = await feed(stored)
    const half = stored.length >> 1
    expect([...(await feed(stored.slice(0, half))), ...(await feed(stored.slice(half)))]).toEqual(all)
  })

  test('in the settings is none', async () => {
    const completed = stored.find(({ type }) => type === 'SessionCompleted')!
    expect([ocsfOf(completed, { ...places[0]!, settings: true }), ocsfOf(completed, places[0]!)]).toEqual([undefined, expect.objectContaining({ activity_name: 'Logon' })])
  })
})
