import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import type { SessionEvent } from '../../domain/session/events.ts'
import { appendedThen, inAccount, login, sessionIn, usedPasskey, type Figures } from './testing.ts'

const { verified, offered, started, withheld } = facts
const installation = '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60'
const off = { type: 'InstallationBiometricToggled' as const, data: { installation, enabled: false } }

export function ofSteps(figures: Figures): void {
  const walk = (person: number, ...events: SessionEvent[]) => login(person, '2026-03-02T08:00:00Z', {}, verified(), withheld(), ...events)

  test('are asked for once the login comes to them, and answered, passed over or left', async () => {
    const code = [facts.issued(), facts.codeVerified()]
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified(), offered()),
      walk(2), walk(3, facts.issued(), facts.codeRejected(), facts.expired()), walk(4, ...code), walk(5, ...code, facts.pinSkipped()),
      walk(6, ...code, facts.pinSet(), facts.biometrics(true)), walk(7, ...code, facts.pinSet(), facts.biometrics(false)), walk(8, ...code, facts.pinSet(), facts.biometricsSkipped(), facts.completed()),
      login(9, '2026-03-02T08:00:00Z', {}, facts.wrongPassword()),
    )
    expect(await figures.rows('code')).toEqual({ done: '5/7', open: '2/7' })
    expect(await figures.rows('pin')).toEqual({ done: '3/5', skipped: '1/5', open: '1/5' })
    expect(await figures.rows('biometrics')).toEqual({ on: '1/4', off: '1/4', skipped: '1/4', open: '1/4' })
  })

  test('are not asked for where the plan has none, where they were settled before, and where a code can go nowhere', async () => {
    const none = { otp: 'off', pin: 'off', biometrics: 'off' } as const
    const entered = facts.entered({ policy: { withPasskey: none, withoutPasskey: none } })
    const { plan } = entered.data as { plan: never }
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', { plan }, verified(), withheld(), facts.completed()),
      login(2, '2026-03-02T08:00:00Z', {}, verified({ pinHere: true, biometricsHere: true }), withheld(), facts.codeSkipped('no_contact'), facts.completed()),
    )
    for (const step of ['code', 'pin', 'biometrics']) expect(await figures.rows(step)).toEqual({})
  })

  test('count codes that no carrier took, of all that were made', async () => {
    await figures.given(walk(1, facts.issued(), facts.undelivered(), facts.issued(2), facts.sent(2)), walk(2, facts.issued(), facts.sent()), walk(3))
    expect(await figures.rows('code-delivery-failures')).toEqual({ all: '1/3' })
  })

  test('count biometrics that were switched off again later, by the same person on the same installation', async () => {
    const on = (person: number) => walk(person, facts.codeSkipped(), facts.pinSkipped(), facts.biometrics(true), facts.completed())
    const [first, second, third] = [on(1), on(2), on(3)]
    const before = login(1, '2026-02-27T08:00:00Z', {}, verified())
    await figures.given(
      // It had been off before.
      before, inAccount(1, '2026-02-27T09:00:00Z', off, sessionIn(before)),
      // Signed in by another login meanwhile.
      first, login(1, '2026-03-03T08:00:00Z', {}, verified()), inAccount(1, '2026-03-04T08:00:00Z', off, sessionIn(first)),
      second, inAccount(2, '2026-03-01T08:00:00Z', off, sessionIn(second)),
      third, inAccount(3, '2026-03-04T08:00:00Z', { ...off, data: { ...off.data, enabled: true } }, sessionIn(third)),
      walk(4, facts.codeSkipped(), facts.pinSkipped(), facts.biometrics(false)),
    )
    expect(await figures.rows('biometrics-switched-off')).toEqual({ all: '1/3' })
  })

  test('count passkeys by what keeps them, and whether they are backed up', async () => {
    const made = (person: number, says: object) => {
      const appended = { ...appendedThen, data: { ...appendedThen.data, ...says } } as SessionEvent
      return login(person, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), appended)
    }
    const [apple, google] = ['fbfc3007-154e-4ecc-8c0b-6e020557d7bd', 'ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4']
    const third = made(3, { aaguid: google, backupEligible: false, backedUp: false })
    await figures.given(
      made(1, {}), made(2, { backedUp: false }), third,
      login(3, '2026-03-03T08:00:00Z', { passkeys: 1 }, facts.requested(), usedPasskey(3, `made-by-${sessionIn(third)}`)),
    )
    expect(await figures.rows('providers')).toEqual({ [apple]: '2/3', [google]: '1/3' })
    expect(await figures.rows('backup')).toEqual({ backed_up: '1/3', eligible: '1/3', device_bound: '1/3' })
    // A login with a passkey is that of what keeps it.
    expect(await figures.rows('logins', `provider=${google}`)).toEqual({ password: 1, passkey: 1 })
  })
}
