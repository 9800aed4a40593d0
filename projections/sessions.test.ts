import { describe, expect, test } from 'vitest'
import { sessionEvents, type SessionEvent } from '../domain/session/events.ts'
import { account, facts, folded } from '../domain/session/given.ts'
import { at, rowOf } from './testing-rows.ts'
import { sessions } from './sessions.ts'

const { entered, verified, offered, started, appended, issued, sent, codeVerified, pinSet, biometrics, completed } = facts
const row = (...events: SessionEvent[]) => rowOf(sessions, 'session-1', ...events)

describe('The row of a login', () => {
  test('begins with its first event', () => {
    expect(row(entered())).toEqual({
      revision: 0, account, app: 'shop', status: 'running', started_at: at(0), updated_at: at(0), expires_at: '2026-03-02T08:15:00.000Z', view: folded([entered()]).view,
    })
  })

  const ends: [string, SessionEvent][] = [['completed', completed()], ['expired', facts.expired()], ['ended', facts.ended('too_many_refusals')]]
  test.each(ends)('says that it is %s', (status, last) => {
    expect(row(entered(), verified(), last)).toMatchObject({ status, revision: 2, started_at: at(0), updated_at: at(2) })
  })

  // Every type there is, some of them the second time with another answer.
  const walks: SessionEvent[][] = [
    [
      entered(), facts.wrongPassword(), verified(), offered(), started(), facts.cancelled(), started(2), facts.failedHere(), started(3), appended(3),
      issued(), facts.undelivered(), issued(2, 1), sent(2), facts.codeRejected(4, 'wrong_code', 2), codeVerified(), pinSet(), biometrics(), completed(),
    ],
    [entered(), verified(), offered(), started(), facts.failedThere(), facts.codeSkipped(), facts.pinSkipped(), facts.biometricsSkipped(), completed(), facts.expired()],
    [entered(), verified(), facts.withheld(), facts.ended('no_contact'), completed()],
    [entered({ passkeys: 1 }), facts.requested(), facts.notUsed(), facts.requested(2), facts.passkeyRejected(), facts.passwordChosen(), verified()],
    [facts.usernameless(), facts.requested(), facts.passkeyVerified(), facts.withheld('has_passkey_here'), completed('passkey-00', ['swk', 'user', 'mfa'])],
    [facts.settings(), offered(), started(), appended(), completed('passkey-01')],
    [entered(), verified(), offered(), facts.notShown(), facts.expired()],
    [entered(), verified(), offered(), facts.skipped('never'), facts.expired()],
  ]

  test('has the state that decisions are made on, after every event', () => {
    for (const events of walks) {
      for (let length = 1; length <= events.length; length += 1) expect(row(...events.slice(0, length)).view).toEqual(folded(events.slice(0, length)).view)
    }
    expect(new Set(walks.flat().map(({ type }) => type))).toEqual(new Set(Object.keys(sessionEvents)))
  })

  test('holds no challenge, no hash and nothing sealed', () => {
    const text = JSON.stringify(row(entered(), verified(), offered(), started(), issued()))
    const { flowTokenHash, identifier } = entered().data as Extract<SessionEvent, { type: 'IdentifierEntered' }>['data']
    for (const hidden of [flowTokenHash, identifier, 'challenge-1', 'sealed']) expect(text).not.toContain(hidden)
  })

  test('cannot be made of an event that this release does not know', () => {
    expect(() => rowOf(sessions, 'session-1', entered(), { type: 'PasswordVerified.v9', data: {} })).toThrow('unknown event type')
  })
})
