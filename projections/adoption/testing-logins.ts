import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import type { SessionEvent } from '../../domain/session/events.ts'
import { login, settings, usedPasskey, usernameless, type Figures } from './testing.ts'

const { verified, requested } = facts
const withPasskey = (person: number): SessionEvent => usedPasskey(person, `passkey-${person + 10}`)

export function ofLogins(figures: Figures): void {
  const some = () =>
    figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified()),
      login(2, '2026-03-02T08:00:00Z', { passkeys: 1 }, requested(), facts.notUsed(), facts.passwordChosen('no_credential'), verified()),
      login(3, '2026-03-02T08:00:00Z', { passkeys: 1 }, requested(), withPasskey(3)),
      usernameless('2026-03-02T08:00:00Z', {}, requested(), withPasskey(4)),
      usernameless('2026-03-02T08:00:00Z', {}, requested(), facts.expired()),
      login(5, '2026-03-02T08:00:00Z', { passkeys: 2 }, requested(), facts.expired()),
      login(null, '2026-03-02T08:00:00Z', {}, facts.wrongPassword()),
      settings(1, '2026-03-02T09:00:00Z', {}),
    )

  test('count once the password or passkey was good', async () => {
    await some()
    expect(await figures.rows('logins')).toEqual({ password: 2, passkey: 2 })
  })

  test('with a passkey are a share of all, and of those of people who have one', async () => {
    await some()
    expect(await figures.rows('passkey-login-rate')).toEqual({ all: '2/4' })
    expect(await figures.rows('passkey-login-rate-of-holders')).toEqual({ all: '2/3' })
  })

  test('that asked somebody for the passkey they have succeed with it, or not', async () => {
    await some()
    expect(await figures.rows('passkey-login-success')).toEqual({ all: '1/3' })
  })

  test('with the password have a cause', async () => {
    const fallback = (person: number, ...events: SessionEvent[]) => login(person, '2026-03-02T08:00:00Z', { passkeys: 1 }, ...events, verified())
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified()),
      // Where it is hidden who has an account, everybody is asked for a passkey.
      login(2, '2026-03-02T08:00:00Z', { accountExistence: 'hidden' }, requested(), facts.passwordChosen('chosen'), verified()),
      fallback(3, requested(), facts.passwordChosen('no_credential')),
      fallback(4, requested(), facts.passwordChosen('cancelled')),
      fallback(5, requested(), facts.passwordChosen('failed')),
      fallback(6, requested(), facts.passwordChosen('chosen')),
      fallback(7),
      login(8, '2026-03-02T08:00:00Z', { passkeys: 1 }, requested(), facts.passwordChosen('chosen'), facts.wrongPassword()),
      login(9, '2026-03-02T08:00:00Z', { passkeys: 1 }, requested(), withPasskey(9)),
    )
    expect(await figures.rows('fallbacks')).toEqual({ no_passkey: '2/7', not_here: '1/7', cancelled: '1/7', failed: '1/7', chosen: '1/7', not_asked: '1/7' })
  })

  test('take so long from the identifier to the proof, by nearest rank', async () => {
    const after = (seconds: number, ...events: SessionEvent[]) => events.map((event, n): [number, SessionEvent] => [n === 0 ? seconds : 0, event])
    await figures.given(
      ...[40, 10, 30, 20].map((seconds, n) => login(n + 1, '2026-03-02T08:00:00Z', {}, ...after(seconds, verified()), [60, facts.completed()])),
      ...[4, 1, 3, 2, 5].map((seconds, n) => login(n + 11, '2026-03-02T08:00:00Z', { passkeys: 1 }, ...after(seconds, requested(), withPasskey(n + 11)))),
      // Without an identifier there is no such moment.
      usernameless('2026-03-02T08:00:00Z', {}, ...after(500, requested(), withPasskey(20))),
      login(21, '2026-03-02T08:00:00Z', {}, ...after(500, facts.wrongPassword())),
    )
    expect(await figures.rows('login-time')).toEqual({ password: [10, 20, 40, 4], passkey: [2, 3, 5, 5] })
    expect(await figures.rows('completion-time')).toEqual({ password: [70, 80, 100, 4] })
  })
}
