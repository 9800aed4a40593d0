import { describe, test } from 'vitest'
import { doing, facts, given, type Command } from './given.ts'
import { decidePin, type PinVerdict } from './pin.ts'

const { entered, verified, withheld, pinSet, pinSkipped, completed } = facts

const off = { otp: 'off', pin: 'off', biometrics: 'off' } as const
const due = (pin: 'optional' | 'required', pinKeptOn: 'device' | 'server', biometrics: 'off' | 'required' = 'required') => {
  const branch = { ...off, pin, biometrics }
  return [entered({ policy: { pinKeptOn, withPasskey: branch, withoutPasskey: branch } }), verified(), withheld()]
}
const set = (verdict: PinVerdict): Command => (state, circumstances) => decidePin(state, verdict, circumstances)
const good = { given: true, weakness: undefined } as const

describe('A PIN that is kept on the device', () => {
  test('is said to be set', () => {
    given(...due('required', 'device')).when(set({ given: false })).then(pinSet('device'))
  })

  test('is not to be sent', () => {
    given(...due('required', 'device')).when(set(good)).refused('pin_belongs_on_device')
    given(...due('required', 'device')).when(set({ given: true, weakness: 'too_simple' })).refused('pin_belongs_on_device')
  })
})

describe('A PIN that is kept on the server', () => {
  test('is set', () => {
    given(...due('required', 'server')).when(set(good)).then(pinSet('server'))
  })

  test('is to be sent', () => {
    given(...due('required', 'server')).when(set({ given: false })).refused('pin_expected_here')
  })

  test('is refused when it is too weak, which costs nothing', () => {
    given(...due('required', 'server'))
      .when(set({ given: true, weakness: 'too_simple' }))
      .refused({ refused: 'pin_too_weak', reason: 'too_simple' })
  })
})

describe('The step', () => {
  test('may be passed over where it is optional, and not where it is required', () => {
    given(...due('optional', 'device')).when(doing.pin_skip).then(pinSkipped())
    given(...due('required', 'device')).when(doing.pin_skip).refused('step_not_legal')
  })

  test('completes the login when it is the last', () => {
    given(...due('optional', 'server', 'off')).when(set(good)).then(pinSet('server'), completed())
    given(...due('optional', 'device', 'off')).when(doing.pin_skip).then(pinSkipped(), completed())
  })

  test('is taken once', () => {
    given(...due('optional', 'device'), pinSet()).when(doing.pin).refused('step_not_legal')
    given(...due('optional', 'device'), pinSkipped()).when(doing.pin).refused('step_not_legal')
  })

  test('is not asked where this installation has its PIN', () => {
    const [first, , ...rest] = due('required', 'device')
    given(first!, verified({ pinHere: true }), ...rest).when(doing.pin).refused('step_not_legal')
    given(first!, verified({ pinHere: true }), ...rest).when(doing.biometrics).then(facts.biometrics(), completed())
  })
})
