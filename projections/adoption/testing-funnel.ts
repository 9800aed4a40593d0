import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import { appendedThen, codeThen, inAccount, login, sessionIn, settings, usedPasskey, type Figures } from './testing.ts'

const { verified, offered, started, withheld } = facts
const steps = (...counts: number[]) =>
  Object.fromEntries(['password', 'eligible', 'offered', 'started', 'created', 'activated', 'used'].map((step, n) => [step, `${counts[n]}/${counts[Math.max(0, n - 1)]}`]))

export function ofFunnel(figures: Figures): void {
  test('loses at each step those who did not come to the next, in the same login', async () => {
    const complete = login(1, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), appendedThen, facts.issued(), codeThen)
    await figures.given(
      complete,
      login(1, '2026-03-03T08:00:00Z', { passkeys: 1 }, facts.requested(), usedPasskey(1, `made-by-${sessionIn(complete)}`)),
      login(2, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), appendedThen, facts.issued(), codeThen),
      login(3, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), appendedThen, facts.issued(), facts.expired()),
      login(4, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), facts.cancelled()),
      login(5, '2026-03-02T08:00:00Z', {}, verified(), offered(), facts.skipped()),
      login(6, '2026-03-02T08:00:00Z', {}, verified(), withheld('cool_down')),
      login(7, '2026-03-02T08:00:00Z', {}, verified(), withheld('has_passkey_here')),
      login(8, '2026-03-02T08:00:00Z', {}, facts.wrongPassword(), facts.expired()),
    )
    expect(await figures.rows('funnel')).toEqual(steps(7, 6, 5, 4, 3, 2, 1))
  })

  test('counts logins, or people who came to a step in any of theirs', async () => {
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified(), offered(), facts.skipped()),
      login(1, '2026-03-03T08:00:00Z', {}, verified(), offered(2), started(), appendedThen, codeThen),
      login(2, '2026-03-03T08:00:00Z', {}, verified(), offered(), facts.skipped()),
    )
    expect(await figures.rows('funnel')).toEqual(steps(3, 3, 3, 1, 1, 1, 0))
    expect(await figures.rows('funnel-people')).toEqual(steps(2, 2, 2, 1, 1, 1, 0))
  })

  test.each([
    ['could have been made', ['switched_off', 'kill_switch', 'not_rolled_out', 'capped_lifetime', 'capped_in_a_row', 'capped_per_week', 'paused', 'cool_down', 'history_unavailable'], 1],
    ['could not be made', ['has_passkey_here', 'never_again', 'not_supported', 'device_not_able', 'os_not_eligible', 'app_not_eligible', 'no_screen_lock', 'no_contact'], 0],
  ] as const)('has as eligible those of whom an offer was withheld that %s', async (_, reasons, eligible) => {
    await figures.given(...reasons.map((reason, n) => login(n, '2026-03-02T08:00:00Z', {}, verified(), withheld(reason))))
    expect(await figures.rows('funnel')).toMatchObject({ eligible: `${eligible * reasons.length}/${reasons.length}`, offered: `0/${eligible * reasons.length}` })
  })

  test('leaves out the settings, logins with a passkey, and conditional offers unless they are asked for', async () => {
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified(), offered()),
      login(2, '2026-03-02T08:00:00Z', {}, verified(), offered(1, 'post_login', 'conditional'), started(), appendedThen),
      settings(3, '2026-03-02T08:00:00Z', {}, offered(1, 'settings'), started(), appendedThen),
      login(4, '2026-03-02T08:00:00Z', { passkeys: 1 }, facts.requested(), usedPasskey(4, 'old', { crossDevice: true }), offered(1, 'cross_device')),
    )
    expect(await figures.rows('funnel')).toEqual(steps(1, 1, 1, 0, 0, 0, 0))
    expect(await figures.rows('funnel', 'mode=conditional')).toEqual(steps(1, 1, 1, 1, 1, 1, 0))
    expect(await figures.rows('funnel', 'by=mode')).toMatchObject({ 'manual offered': '1/1', 'conditional created': '1/1' })
  })

  test('does not take a passkey for activated in a login that never said it was created', async () => {
    // The account was written, and the engine died before the login was.
    const lost = login(1, '2026-03-02T08:00:00Z', {}, verified(), offered(), started())
    await figures.given(lost, inAccount(1, '2026-03-02T09:00:00Z', { type: 'PasskeyActivated', data: { passkey: 'passkey-01' } }, sessionIn(lost)))
    expect(await figures.rows('funnel')).toEqual(steps(1, 1, 1, 1, 0, 0, 0))
  })

  test('does not take another person’s use of a passkey with the same id for one', async () => {
    const mine = login(1, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), appendedThen)
    await figures.given(mine, login(2, '2026-03-03T08:00:00Z', { passkeys: 1 }, facts.requested(), usedPasskey(2, `made-by-${sessionIn(mine)}`)))
    expect(await figures.rows('funnel')).toMatchObject({ activated: '1/1', used: '0/1' })
  })
}
