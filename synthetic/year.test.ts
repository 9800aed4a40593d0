/** The year is one that an engine could have written; and it is the same each time. */
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountEvents } from '../domain/account/events.ts'
import { evolve as evolveAccount, type AccountState } from '../domain/account/state.ts'
import { parseFact, type Sealed } from '../domain/event.ts'
import { legalActions } from '../domain/session/flow.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { evolve, type SessionState } from '../domain/session/state.ts'
import { evolve as evolveTokens, tokensEvents, type TokensState } from '../domain/session/tokens.ts'
import { findOwner } from '../engine/people.ts'
import type { Recorded } from '../eventlog/event-log.ts'
import { openTestFile, type BreakableLog } from '../eventlog/testing.ts'
import { createStreams } from '../eventlog/transact.ts'
import { openVault } from '../vault/vault.ts'
import { writeYear } from './write.ts'
import { createYear } from './year.ts'

const logins = process.env['PROVE'] ? 20_000 : 400
const wanted = { seed: Number(process.env['PROVE_SEED'] ?? 20_260_302), logins, until: new Date('2026-11-29T00:00:00.000Z') }

let file: ReturnType<typeof openTestFile>
let log: BreakableLog
let written: { events: number; logins: number }
const year = createYear(wanted)
beforeAll(async () => {
  file = openTestFile()
  log = file.open()
  written = await writeYear(log, year)
})
afterAll(() => file.remove())

const digest = (seed: number): string => {
  const hash = createHash('sha256')
  for (const one of createYear({ ...wanted, seed, logins: 60 }).appends()) hash.update(JSON.stringify(one))
  return hash.digest('hex')
}

test('The same seed gives the same events, byte for byte, and another seed others', () => {
  expect(digest(1)).toBe(digest(1))
  expect(digest(1)).not.toBe(digest(2))
})

describe('In the log', () => {
  test('no event is there twice, every person is there once, and the clock never steps back, in a stream or between them', async () => {
    const ids = new Set<string>()
    let [before, people] = ['', 0]
    for await (const { id, metadata: { at }, type, stream } of log.readAll({})) {
      // What was sealed away has left its place.
      if (type === '') continue
      expect(ids.has(id), `${type} in ${stream}`).toBe(false)
      ids.add(id)
      expect(at >= before, `${type} in ${stream}`).toBe(true)
      before = at
      if (type === 'AccountRegistered') people += 1
    }
    expect(people).toBe(year.people)
  })

  test('there are about as many logins as were wanted', () => {
    expect(Math.abs(written.logins - logins)).toBeLessThan(5 * Math.sqrt(logins))
    expect(written.events / written.logins).toBeGreaterThan(8)
    expect(written.events / written.logins).toBeLessThan(13)
  })

  test('every session, account and signed-in session folds; every step was legal when it was taken, and no login is left unfinished', async () => {
    const sessions = new Map<string, SessionState>()
    const accounts = new Map<string, AccountState>()
    const tokens = new Map<string, TokensState>()
    const offers = new Map<string, number>()
    for await (const event of log.readAll({ prefixes: ['session-', 'account-', 'tokens-'] })) {
      if (event.stream.startsWith('account-')) accounts.set(event.stream, evolveAccount(accounts.get(event.stream), parseFact(accountEvents, event)))
      else if (event.stream.startsWith('tokens-')) tokens.set(event.stream, evolveTokens(tokens.get(event.stream), parseFact(tokensEvents, event)))
      else {
        const before = sessions.get(event.stream)
        expectLegal(before, event)
        const after = evolve(before, parseFact(sessionEvents, event))
        sessions.set(event.stream, after)
        const { append, account } = after.view
        if (event.type !== 'AppendOffered' || account === null || append.offer?.mode === 'conditional') continue
        offers.set(account, (offers.get(account) ?? 0) + 1)
        // In the settings it is made while nobody can tell how many there were, too.
        if (append.offer?.entryPoint !== 'settings' || append.offer.number > 1) expect(append.offer?.number, event.stream).toBe(offers.get(account))
      }
    }
    expect(sessions.size).toBe(written.logins)
    for (const [stream, { view }] of sessions) {
      expect(view.status, stream).not.toBe('running')
      // A passkey belongs to whoever made it, and a login that came to nothing leaves none that can sign in.
      const made = accounts.get(`account-${view.account}`)?.passkeys.find(({ passkey }) => passkey === view.passkey)
      if (view.passkey !== null) expect(made, stream).toBeDefined()
      if (made && view.status !== 'completed') expect(made.status, stream).toBe('revoked')
      expect(tokens.has(stream.replace('session-', 'tokens-')), stream).toBe(view.status === 'completed' && view.purpose === 'login')
    }
    expect([...accounts.values()].flatMap(({ notices }) => notices)).toEqual([])
  })

  test('what is sealed can be opened by an engine that has the master key, which finds everybody by their identifier', async () => {
    const streams = createStreams({ log, now: () => wanted.until, newId: randomUUID })
    const vault = await openVault({ streams, masterKeys: year.masterKeys })
    let people = 0
    for await (const event of log.readAll({ prefixes: ['account-', 'session-'] })) {
      const { data, stream, type } = event
      const sealed = type === 'AccountRegistered' ? (data['identifiers'] as { value: string; lookup: string }[]) : []
      for (const { value, lookup } of sealed) {
        const opened = await vault.open(value as Sealed)
        const gone = opened === undefined
        expect((await findOwner(streams, lookup))?.id).toBe(gone ? undefined : stream.slice('account-'.length))
        if (!gone) expect(vault.lookup(opened)).toBe(lookup)
        people += 1
      }
      if (type === 'IdentifierEntered') for (const field of ['identifier', 'address', 'deviceModel', 'userAgent']) await vault.open(data[field] as Sealed)
    }
    expect(people).toBeGreaterThanOrEqual(year.people)
  })
})

/** Of the actions that a fact stands for, at least one was offered just before it. */
const actionsOf: Record<string, readonly string[]> = {
  PasskeyVerified: ['passkey'], PasskeyRejected: ['passkey'], PasskeyNotUsed: ['passkey_report'], PasswordChosen: ['password'], PasswordVerified: ['password'], PasswordRejected: ['password'],
  AppendStarted: ['append_options'], PasskeyAppended: ['append'], AppendSkipped: ['append_skip'], AppendCancelled: ['append_report'], AppendNotShown: ['append_report'], AppendFailed: ['append', 'append_report'],
  OtpIssued: ['otp_send'], OtpVerified: ['otp'], OtpRejected: ['otp'], PinSet: ['pin'], PinSkipped: ['pin_skip'], BiometricToggled: ['biometrics'], BiometricSkipped: ['biometrics_skip'],
}

function expectLegal(before: SessionState | undefined, { type, stream, metadata }: Recorded): void {
  const actions = actionsOf[type]
  if (!actions) return
  const legal: readonly string[] = before ? legalActions(before.view, metadata.at) : []
  expect(actions.some((action) => legal.includes(action)), `${type} in ${stream}, where ${legal.join(', ')} was legal`).toBe(true)
}
