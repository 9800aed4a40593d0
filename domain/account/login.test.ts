import { describe, expect, test } from 'vitest'
import type { Sealed } from '../event.ts'
import type { AccountEvent } from './events.ts'
import { decideLeftByLogin, leavesNothing, type LeftByLogin } from './login.ts'
import type { NewLink } from './passkeys.ts'
import { evolve, type AccountState } from './state.ts'

const installation = '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60'
const now = '2026-03-02T08:01:00.000Z'
const registered: AccountEvent = { type: 'AccountRegistered', data: { source: 'added', identifiers: [], mfa: false } }
const account = (...events: AccountEvent[]): AccountState =>
  [registered, ...events].reduce<AccountState | undefined>((state, event) => evolve(state, { ...event, at: now }), undefined) as AccountState

const link: NewLink = {
  passkey: 'one',
  publicKey: 'pQECAyYgASFYIA',
  algorithm: -7,
  aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd',
  counter: 0,
  transports: [],
  backupEligible: false,
  backedUp: false,
  uvInitialized: true,
  challenge: 'challenge',
  session: '0b8f1a7e-52a3-4d0c-8f3e-9c1d2b3a4f50',
  installation,
  app: 'shop',
}
const linked: AccountEvent = { type: 'PasskeyLinked', data: link }
const activated: AccountEvent = { type: 'PasskeyActivated', data: { passkey: 'one' } }
const never: AccountEvent = { type: 'AppendPreferenceChanged', data: { never: true } }
const pin: AccountEvent = { type: 'InstallationPinSet', data: { installation, keptOn: 'server', verifier: 'sealed' as Sealed } }
const biometrics: AccountEvent = { type: 'InstallationBiometricToggled', data: { installation, enabled: true } }
const leaving = (left: Omit<LeftByLogin, 'installation'>, ...before: AccountEvent[]) => decideLeftByLogin(account(...before), { installation, ...left }, now)

describe('A login leaves in the account', () => {
  test.each<[string, Omit<LeftByLogin, 'installation'>, AccountEvent[]]>([
    ['a passkey that waits for its code', { link }, [linked]],
    ['a passkey that needs none', { link, activate: 'one' }, [linked, activated]],
    ['that no passkey is to be offered again', { neverOffer: true }, [never]],
    ['a PIN', { pin: { keptOn: 'server', verifier: 'sealed' as Sealed } }, [pin]],
    ['the switch for biometrics', { biometrics: true }, [biometrics]],
    [
      'all of it together',
      { link, activate: 'one', neverOffer: true, pin: { keptOn: 'server', verifier: 'sealed' as Sealed }, biometrics: true },
      [linked, activated, never, pin, biometrics],
    ],
    ['nothing', {}, []],
  ])('%s', (_, left, events) => {
    expect(leaving(left)).toEqual({ outcome: 'done', events })
    expect(leavesNothing({ installation, ...left })).toBe(events.length === 0)
  })

  test('a passkey that got its code later', () => {
    expect(leaving({ activate: 'one' }, linked)).toEqual({ outcome: 'done', events: [activated] })
  })

  test('what is there already only once, so that a repeat after a crash goes on', () => {
    const left = { link, activate: 'one', neverOffer: true, biometrics: true }
    expect(leaving(left, linked, activated, never, biometrics)).toEqual({ outcome: 'done', events: [] })
    expect(leaving({ link, activate: 'one' }, linked)).toEqual({ outcome: 'done', events: [activated] })
  })
})

describe('A login leaves nothing', () => {
  const all = { link: { ...link, passkey: 'two' }, neverOffer: true, biometrics: true }

  test('when its passkey is not to be had: all or nothing', () => {
    expect(leaving(all, linked)).toEqual({ outcome: 'challenge_used', events: [] })
    expect(leaving({ ...all, link: { ...link, challenge: 'another' } }, linked)).toEqual({ outcome: 'passkey_exists', events: [] })
  })

  test.each<AccountEvent>([
    { type: 'AccountDisabled', data: {} },
    { type: 'AccountErased', data: {} },
  ])('when the account is gone: $type', (gone) => {
    expect(leaving(all, gone)).toEqual({ outcome: 'account_gone', events: [] })
  })
})
