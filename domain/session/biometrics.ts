/** Step 4f: local biometric unlock, on or off. "Off" is an answer, passing the question over is none. */
import { decided, illegal, type Circumstances, type Decision } from './decision.ts'
import type { SessionState } from './state.ts'

export function decideBiometrics(state: SessionState, enabled: boolean, circumstances: Circumstances): Decision {
  return illegal(state, 'biometrics', circumstances.now) ?? decided(state, [{ type: 'BiometricToggled', data: { enabled } }], circumstances)
}

export function decideBiometricsSkip(state: SessionState, circumstances: Circumstances): Decision {
  return illegal(state, 'biometrics_skip', circumstances.now) ?? decided(state, [{ type: 'BiometricSkipped', data: {} }], circumstances)
}
