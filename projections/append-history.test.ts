import { describe, expect, test } from 'vitest'
import type { SessionEvent } from '../domain/session/events.ts'
import { account, facts } from '../domain/session/given.ts'
import { appendHistory } from './append-history.ts'
import { at, rowOf } from './testing-rows.ts'

const { entered, verified, offered, started, appended } = facts
const row = (...events: SessionEvent[]) => rowOf(appendHistory, 'session-1', entered(), verified(), ...events)
const login = {
  account, app: 'shop', platform: 'ios', offer: null, offered_at: null, mode: null, entry_point: null, variant: null, policy: null, outcome: 'none', reason: null, starts: 0, settled_at: null,
}
const offer = { ...login, offer: 3, offered_at: at(2), mode: 'manual', entry_point: 'post_login', policy: '1' }

describe('The history of an offer', () => {
  test.each<[string, SessionEvent[], object]>([
    ['of a login that did not come so far', [], login],
    ['that was withheld', [facts.withheld('never_again')], { ...login, policy: '1', outcome: 'withheld', reason: 'never_again', settled_at: at(2) }],
    ['that was made', [offered(3)], { ...offer, outcome: 'offered' }],
    ['that was taken', [offered(3), started()], { ...offer, outcome: 'started', starts: 1 }],
    ['that came to a passkey', [offered(3), started(), appended()], { ...offer, outcome: 'created', starts: 1, settled_at: at(4) }],
    ['that was declined', [offered(3), facts.skipped()], { ...offer, outcome: 'declined', reason: 'declined', settled_at: at(3) }],
    ['that was declined for ever', [offered(3), facts.skipped('never')], { ...offer, outcome: 'declined', reason: 'never', settled_at: at(3) }],
    ['whose prompt was dismissed', [offered(3), started(), facts.cancelled()], { ...offer, outcome: 'cancelled', reason: 'dismissed_or_timed_out', starts: 1, settled_at: at(4) }],
    ['whose prompt never came', [offered(3), started(), facts.notShown()], { ...offer, outcome: 'not_shown', reason: 'not_handled', starts: 1, settled_at: at(4) }],
    ['that failed on the device', [offered(3), started(), facts.failedThere()], { ...offer, outcome: 'failed', reason: 'failed', starts: 1, settled_at: at(4) }],
    ['that failed here', [offered(3), started(), facts.failedHere()], { ...offer, outcome: 'failed', reason: 'wrong_origin', starts: 1, settled_at: at(4) }],
    ['that was taken again after it was dismissed', [offered(3), started(), facts.cancelled(), started(2)], { ...offer, outcome: 'started', starts: 2 }],
  ])('%s', (_, events, expected) => expect(row(...events)).toEqual(expected))

  test('is left as it is by every other event', () => {
    const before = row(offered(3), started(), appended())
    const passkey = [facts.requested(), facts.notUsed(), facts.passkeyRejected(), facts.passwordChosen()]
    const others = [...passkey, facts.wrongPassword(), facts.issued(), facts.sent(), facts.undelivered(), facts.codeRejected(), facts.codeVerified(), facts.codeSkipped()]
    const rest = [facts.pinSet(), facts.pinSkipped(), facts.biometrics(), facts.biometricsSkipped(), facts.completed(), facts.expired(), facts.ended('signed_out')]
    expect(row(offered(3), started(), appended(), ...others, ...rest)).toEqual(before)
  })

  test('of an identifier that nobody owns names no account', () => {
    const nobody = entered()
    expect(rowOf(appendHistory, 'session-1', { ...nobody, data: { ...nobody.data, account: null } })).toMatchObject({ account: null, app: 'shop' })
  })

  test('of a login without an identifier names the account once the passkey has said whose it is', () => {
    const unnamed = rowOf(appendHistory, 'session-1', facts.usernameless())
    expect(unnamed).toEqual({ ...login, account: null })
    expect(rowOf(appendHistory, 'session-1', facts.usernameless(), facts.passkeyVerified())).toEqual(login)
  })

  test('of the settings names whoever is signed in', () => {
    expect(rowOf(appendHistory, 'session-1', facts.settings(), facts.offered(1, 'settings'))).toMatchObject({ account, app: 'shop', platform: 'ios', offer: 1, outcome: 'offered' })
  })
})
