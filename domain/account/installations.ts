/** What belongs to one installation of an app: its PIN and the switch for local biometrics. Never a login factor. */
import type { Sealed } from '../event.ts'
import type { PinKeeper } from '../session/vocabulary.ts'
import type { AccountEvent } from './events.ts'
import { noInstallation, type AccountState, type Installation } from './state.ts'

/** Wrong PINs in a row that lock the one kept on the server. */
export const pinAttempts = 5

export const installationOf = (state: AccountState, id: string): Installation => state.installations[id] ?? noInstallation

export const pinLocked = ({ pin }: Installation): boolean => pin?.keptOn === 'server' && pin.wrong >= pinAttempts

/** A locked PIN bars who signed in before it was locked, and not who has signed in since: a new PIN may be optional. */
export const pinBars = (installation: Installation, authTime: string): boolean => pinLocked(installation) && authTime <= (installation.pin?.rejectedAt ?? '')

/** A locked PIN counts as none: the next login sets a new one. */
export const pinIsSet = (installation: Installation, keptOn: PinKeeper): boolean => installation.pin?.keptOn === keptOn && !pinLocked(installation)

export const decidePinSet = (installation: string, keptOn: PinKeeper, verifier: Sealed | undefined): AccountEvent[] => [
  { type: 'InstallationPinSet', data: verifier === undefined ? { installation, keptOn } : { installation, keptOn, verifier } },
]

export const decideBiometricSwitch = (state: AccountState, installation: string, enabled: boolean): AccountEvent[] =>
  installationOf(state, installation).biometrics === enabled ? [] : [{ type: 'InstallationBiometricToggled', data: { installation, enabled } }]

export type Unlock = { outcome: 'unlocked' | 'pin_rejected' | 'pin_locked' | 'pin_not_kept_here'; attemptsLeft: number; events: AccountEvent[] }

/** A PIN was judged. The right one makes the wrong ones before it no longer count; a locked one opens for nobody. `counted`: this attempt stands in the log already. */
export function decideUnlock(state: AccountState, installation: string, attempt: { matches: boolean; counted: boolean }): Unlock {
  const here = installationOf(state, installation)
  if (here.pin?.keptOn !== 'server') return { outcome: 'pin_not_kept_here', attemptsLeft: 0, events: [] }
  const { wrong } = here.pin
  if (pinLocked(here)) return { outcome: 'pin_locked', attemptsLeft: 0, events: [] }
  if (attempt.counted) return { outcome: attempt.matches ? 'unlocked' : 'pin_rejected', attemptsLeft: pinAttempts - wrong, events: [] }
  if (attempt.matches) {
    const forgiven: AccountEvent[] = wrong > 0 ? [{ type: 'InstallationPinVerified', data: { installation } }] : []
    return { outcome: 'unlocked', attemptsLeft: pinAttempts, events: forgiven }
  }
  const attemptsLeft = pinAttempts - wrong - 1
  const rejected: AccountEvent = { type: 'InstallationPinRejected', data: { installation, attemptsLeft } }
  return { outcome: attemptsLeft > 0 ? 'pin_rejected' : 'pin_locked', attemptsLeft, events: [rejected] }
}
