import { expect, test } from 'vitest'
import { decideBiometrics } from './biometrics.ts'
import { doing, facts, folded, given } from './given.ts'

const { entered, verified, withheld, biometrics, biometricsSkipped, completed } = facts

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
const due = (wanted: 'optional' | 'required', pin: 'off' | 'required' = 'off') => {
  const branch = { ...off, pin, biometrics: wanted }
  return [entered({ policy: { order: ['append', 'otp', 'biometrics', 'pin'], withPasskey: branch, withoutPasskey: branch } }), verified(), withheld()]
}

test.each([true, false])('On or off, both are an answer: %s', (enabled) => {
  given(...due('required', 'required')).when((state, circumstances) => decideBiometrics(state, enabled, circumstances)).then(biometrics(enabled))
  expect(folded([...due('required'), biometrics(enabled)]).view.biometrics).toBe(enabled ? 'on' : 'off')
})

test('The question may be passed over where it is optional, and not where it is required', () => {
  given(...due('optional', 'required')).when(doing.biometrics_skip).then(biometricsSkipped())
  given(...due('required', 'required')).when(doing.biometrics_skip).refused('step_not_legal')
})

test('The login is completed when this was the last step', () => {
  given(...due('required')).when(doing.biometrics).then(biometrics(), completed())
  given(...due('optional')).when(doing.biometrics_skip).then(biometricsSkipped(), completed())
})

test('The question is asked once, and not where this installation has its answer', () => {
  given(...due('optional', 'required'), biometrics(false)).when(doing.biometrics).refused('step_not_legal')
  given(...due('optional', 'required'), biometricsSkipped()).when(doing.biometrics).refused('step_not_legal')
  const [first, , ...rest] = due('required', 'required')
  given(first!, verified({ biometricsHere: true }), ...rest).when(doing.biometrics).refused('step_not_legal')
})
