import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import { login, type Figures } from './testing.ts'

const { verified } = facts

export function ofGroups(figures: Figures): void {
  let person = 0
  const people = (count: number, app: string, at = '2026-03-02T08:00:00Z') => Array.from({ length: count }, () => login((person += 1), at, { app }, verified()))

  test('are not shown below the number that is configured, which counts people and not logins', async () => {
    await figures.given(...people(3, 'a'), ...people(2, 'b'), ...people(2, 'c'), ...Array.from({ length: 9 }, () => login(1000, '2026-03-02T08:00:00Z', { app: 'd' }, verified())))
    expect(await figures.rows('passkey-login-rate', 'by=app', { k: 3 })).toEqual({ a: '0/3', b: 'fewer than 3', c: 'fewer than 3', d: 'fewer than 3' })
    expect(await figures.rows('passkey-login-rate', 'by=app')).toEqual({ a: '0/3', b: '0/2', c: '0/2', d: '0/9' })
  })

  test('take the next smallest with them where the total would give one away', async () => {
    await figures.given(...people(9, 'a'), ...people(5, 'b'), ...people(2, 'c'))
    expect(await figures.rows('passkey-login-rate', 'by=app', { k: 3 })).toEqual({ a: '0/9', b: 'fewer than 3', c: 'fewer than 3' })
  })

  test('take the next smallest period with them, and what is then alone in that', async () => {
    const [monday, tuesday] = ['2026-03-02T08:00:00Z', '2026-03-03T08:00:00Z']
    await figures.given(...people(2, 'a', monday), ...people(8, 'b', monday), ...people(9, 'a', tuesday), ...people(7, 'b', tuesday))
    const hidden = 'fewer than 3'
    expect(await figures.rows('passkey-login-rate', 'by=app&every=day', { k: 3 })).toEqual({ '2026-03-02 a': hidden, '2026-03-02 b': hidden, '2026-03-03 a': hidden, '2026-03-03 b': hidden })
  })

  test('are of the metric’s own making, too', async () => {
    await figures.given(...people(5, 'a'), login(2001, '2026-03-02T08:00:00Z', { app: 'a', passkeys: 1 }, verified()))
    expect(await figures.rows('fallbacks', '', { k: 3 })).toEqual({ no_passkey: 'fewer than 3', not_asked: 'fewer than 3' })
  })

  test('of nobody that is known are people of none', async () => {
    await figures.given(...Array.from({ length: 20 }, () => login(null, '2026-03-02T08:00:00Z', { passkeys: 1 }, facts.requested())))
    expect(await figures.rows('passkey-login-success', '', { k: 2 })).toEqual({ all: 'fewer than 2' })
    await figures.also(login(1, '2026-03-02T08:00:00Z', { passkeys: 1 }, facts.requested()))
    expect(await figures.rows('passkey-login-success', '', { k: 2 })).toEqual({ all: 'fewer than 2' })
    await figures.also(login(2, '2026-03-02T08:00:00Z', { passkeys: 1 }, facts.requested()))
    expect(await figures.rows('passkey-login-success', '', { k: 2 })).toEqual({ all: '0/22' })
  })
}
