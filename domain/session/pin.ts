/** Step 4e: the app PIN. What makes a PIN too simple is known to `factors/pin.ts`; who keeps it is the plan's. */
import { decided, illegal, refuse, type Circumstances, type Decision } from './decision.ts'
import type { SessionState } from './state.ts'

/** `weakness` is undefined for a good PIN. With the PIN kept on the device none is sent. */
export type PinVerdict = { given: false } | { given: true; weakness: string | undefined }

export function decidePin(state: SessionState, pin: PinVerdict, circumstances: Circumstances): Decision {
  const refusal = illegal(state, 'pin', circumstances.now)
  if (refusal) return refusal
  const keptOn = state.view.plan.pinKeptOn
  if (keptOn === 'device' && pin.given) return refuse('pin_belongs_on_device')
  if (keptOn === 'server' && !pin.given) return refuse('pin_expected_here')
  if (pin.given && pin.weakness) return refuse('pin_too_weak', { reason: pin.weakness })
  return decided(state, [{ type: 'PinSet', data: { keptOn } }], circumstances)
}

export function decidePinSkip(state: SessionState, circumstances: Circumstances): Decision {
  return illegal(state, 'pin_skip', circumstances.now) ?? decided(state, [{ type: 'PinSkipped', data: {} }], circumstances)
}
