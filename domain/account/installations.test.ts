import { describe, expect, test } from 'vitest'
import type { Sealed } from '../event.ts'
import type { AccountEvent } from './events.ts'
import { decideBiometricSwitch, decidePinSet, decideUnlock, installationOf, pinBars, pinIsSet, pinLocked } from './installations.ts'
import { evolve, type AccountState } from './state.ts'

const phone = '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60'
const tablet = '6ad2b0c4-1f3b-4f0e-8a53-2c9d7e5f1b20'
const verifier = 'sealed verifier' as Sealed

const registered: AccountEvent = { type: 'AccountRegistered', data: { source: 'added', identifiers: [], mfa: false } }
const account = (...events: AccountEvent[]): AccountState =>
  [registered, ...events].reduce<AccountState | undefined>((state, event) => evolve(state, { ...event, at: '2026-03-02T08:00:00.000Z' }), undefined) as AccountState
const pinHere = decidePinSet(phone, 'server', verifier)
const pinThere = decidePinSet(phone, 'device', undefined)
const wrong = (attemptsLeft: number): AccountEvent => ({ type: 'InstallationPinRejected', data: { installation: phone, attemptsLeft } })
const right: AccountEvent = { type: 'InstallationPinVerified', data: { installation: phone } }
const five = [4, 3, 2, 1, 0].map(wrong)

const unlock = (state: AccountState, matches: boolean, counted = false) => decideUnlock(state, phone, { matches, counted })

describe('A PIN that is kept on the server', () => {
  test('is a fact with its verifier, of this installation alone', () => {
    expect(pinHere).toStrictEqual([{ type: 'InstallationPinSet', data: { installation: phone, keptOn: 'server', verifier } }])
    expect([phone, tablet].map((one) => pinIsSet(installationOf(account(...pinHere), one), 'server'))).toEqual([true, false])
  })

  test('opens, and that writes nothing', () => {
    expect(unlock(account(...pinHere), true)).toEqual({ outcome: 'unlocked', attemptsLeft: 5, events: [] })
  })

  test('is refused when it is wrong, and the fifth in a row locks it', () => {
    expect(unlock(account(...pinHere), false)).toEqual({ outcome: 'pin_rejected', attemptsLeft: 4, events: [wrong(4)] })
    expect(unlock(account(...pinHere, ...five.slice(0, 3)), false)).toEqual({ outcome: 'pin_rejected', attemptsLeft: 1, events: [wrong(1)] })
    expect(unlock(account(...pinHere, ...five.slice(0, 4)), false)).toEqual({ outcome: 'pin_locked', attemptsLeft: 0, events: [wrong(0)] })
  })

  test('makes the wrong ones before it no longer count', () => {
    expect(unlock(account(...pinHere, ...five.slice(0, 4)), true)).toEqual({ outcome: 'unlocked', attemptsLeft: 5, events: [right] })
    expect(unlock(account(...pinHere, ...five.slice(0, 4), right), false)).toEqual({ outcome: 'pin_rejected', attemptsLeft: 4, events: [wrong(4)] })
  })

  test('opens for nobody once it is locked, and counts as none', () => {
    const locked = account(...pinHere, ...five)
    for (const matches of [true, false]) {
      for (const counted of [true, false]) expect(unlock(locked, matches, counted)).toEqual({ outcome: 'pin_locked', attemptsLeft: 0, events: [] })
    }
    expect([pinLocked(installationOf(locked, phone)), pinIsSet(installationOf(locked, phone), 'server')]).toEqual([true, false])
  })

  test('bars, once it is locked, whoever signed in before', () => {
    const [before, after] = ['2026-03-02T07:59:59.999Z', '2026-03-02T08:00:00.001Z']
    const bars = (state: AccountState) => [before, after].map((authTime) => pinBars(installationOf(state, phone), authTime))
    expect(bars(account(...pinHere, ...five))).toEqual([true, false])
    expect(bars(account(...pinHere, ...five.slice(0, 4)))).toEqual([false, false])
    expect(bars(account(...pinHere, ...five, ...pinHere))).toEqual([false, false])
    expect(bars(account(...pinThere))).toEqual([false, false])
  })

  test('is good again when a new one is set', () => {
    expect(unlock(account(...pinHere, ...five, ...pinHere), true)).toEqual({ outcome: 'unlocked', attemptsLeft: 5, events: [] })
  })

  test('given again with the same key is not another attempt', () => {
    expect(unlock(account(...pinHere, wrong(4)), false, true)).toEqual({ outcome: 'pin_rejected', attemptsLeft: 4, events: [] })
    expect(unlock(account(...pinHere, wrong(4), right), true, true)).toEqual({ outcome: 'unlocked', attemptsLeft: 5, events: [] })
  })

  test('of one installation is locked without the others', () => {
    const state = account(...pinHere, ...decidePinSet(tablet, 'server', verifier), ...five)
    expect([pinLocked(installationOf(state, phone)), pinLocked(installationOf(state, tablet))]).toEqual([true, false])
  })
})

describe('A PIN that is kept on the device', () => {
  test('is a fact without a verifier, and does for a plan that keeps it there', () => {
    expect(pinThere).toStrictEqual([{ type: 'InstallationPinSet', data: { installation: phone, keptOn: 'device' } }])
    const here = installationOf(account(...pinThere), phone)
    expect([pinIsSet(here, 'device'), pinIsSet(here, 'server')]).toEqual([true, false])
  })

  test('is not given here', () => {
    expect(unlock(account(...pinThere), true)).toEqual({ outcome: 'pin_not_kept_here', attemptsLeft: 0, events: [] })
    expect(unlock(account(), true)).toEqual({ outcome: 'pin_not_kept_here', attemptsLeft: 0, events: [] })
  })
})

test('Biometrics are switched on and off; what they are already is not said again', () => {
  const switched = (enabled: boolean): AccountEvent => ({ type: 'InstallationBiometricToggled', data: { installation: phone, enabled } })
  expect(decideBiometricSwitch(account(), phone, false)).toEqual([switched(false)])
  expect(decideBiometricSwitch(account(switched(false)), phone, true)).toEqual([switched(true)])
  expect(decideBiometricSwitch(account(switched(true)), phone, true)).toEqual([])
  expect(decideBiometricSwitch(account(switched(true)), tablet, true)).toHaveLength(1)
})
