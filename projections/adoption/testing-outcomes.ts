import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import { appendedThen, login, type Figures } from './testing.ts'

const { verified, offered, started } = facts

export function ofOutcomes(figures: Figures): void {
  const offers = async () =>
    figures.given(
      ...[[], [started()], [started(), appendedThen], [facts.skipped()], [facts.skipped('never')], [started(), facts.cancelled()], [started(), facts.notShown()], [started(), facts.failedThere()], [started(), facts.failedHere()]].map(
        (events, n) => login(n + 1, '2026-03-02T08:00:00Z', {}, verified(), offered(), ...events),
      ),
      login(20, '2026-03-02T08:00:00Z', {}, verified(), offered(1, 'post_login', 'conditional'), started(), facts.failedThere()),
    )

  test('is one thing each', async () => {
    await offers()
    expect(await figures.rows('outcomes')).toEqual({
      offered: '1/9', started: '1/9', created: '1/9', declined: '1/9', never: '1/9', cancelled: '1/9', not_shown: '1/9', failed: '2/9',
    })
  })

  test('has reasons of ours, and codes of the platforms, as shares of all offers', async () => {
    await offers()
    expect(await figures.rows('outcome-reasons')).toEqual({
      'declined none': '1/9', 'never none': '1/9', 'cancelled dismissed_or_timed_out': '1/9', 'not_shown not_handled': '1/9', 'failed failed': '1/9', 'failed wrong_origin': '1/9',
    })
    expect(await figures.rows('outcome-codes')).toEqual({ 'cancelled 1001': '1/9', 'not_shown 1003': '1/9', 'failed 1004': '1/9', 'failed none': '1/9' })
    expect(await figures.rows('outcome-codes', 'mode=conditional')).toEqual({ 'failed 1004': '1/1' })
  })

  test('is the last that was heard', async () => {
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), facts.cancelled(), started(2), facts.failedThere()),
      login(2, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), facts.cancelled(), started(2)),
      // What comes late undoes no passkey.
      login(3, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), appendedThen, facts.failedThere()),
    )
    expect(await figures.rows('outcomes')).toEqual({ failed: '1/3', started: '1/3', created: '1/3' })
    expect(await figures.rows('outcome-codes')).toEqual({ 'failed 1004': '1/3' })
  })

  test('is withheld for a reason, of all that were decided', async () => {
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified(), facts.withheld('cool_down')),
      login(2, '2026-03-02T08:00:00Z', {}, verified(), facts.withheld('cool_down')),
      login(3, '2026-03-02T08:00:00Z', {}, verified(), facts.withheld('paused')),
      login(4, '2026-03-02T08:00:00Z', {}, verified(), offered()),
      login(5, '2026-03-02T08:00:00Z', {}, verified()),
    )
    expect(await figures.rows('withheld')).toEqual({ cool_down: '2/4', paused: '1/4' })
  })
}
