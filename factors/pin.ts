import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto'

export type PinWeakness = 'not_digits' | 'too_short' | 'too_long' | 'too_simple'

/** What speaks against a new PIN; undefined when nothing does. 4 to 12 ASCII digits. */
export function pinWeakness(pin: string): PinWeakness | undefined {
  if (!/^[0-9]*$/.test(pin)) return 'not_digits'
  if (pin.length < 4) return 'too_short'
  if (pin.length > 12) return 'too_long'
  return isEvenlyStepped(pin) || isRepeated(pin) || common.has(pin) ? 'too_simple' : undefined
}

export type Pins = {
  /** What is kept of a PIN (base64url). Tied to account and installation: the same PIN elsewhere gives another one. */
  verifier(account: string, installation: string, pin: string): string
  matches(verifier: string, account: string, installation: string, pin: string): boolean
}

/** `key`: 32 bytes, of PINs alone. A PIN has too few values for a hash to hide it, so what hides it is this key. */
export function createPins(key: KeyObject): Pins {
  // JSON keeps the three apart: no other triple gives the same text.
  const mac = (...triple: [account: string, installation: string, pin: string]) => createHmac('sha256', key).update(JSON.stringify(triple)).digest()
  return {
    verifier: (account, installation, pin) => mac(account, installation, pin).toString('base64url'),
    matches: (verifier, account, installation, pin) => {
      const stored = Buffer.from(verifier, 'base64url')
      return stored.length === 32 && timingSafeEqual(stored, mac(account, installation, pin))
    },
  }
}

/** 1111, 1234, 9876, 2468, and over the end of the keypad 7890: from digit to digit always the same step. */
const isEvenlyStepped = (pin: string) => {
  const steps = [...pin].slice(1).map((digit, i) => (Number(digit) - Number(pin[i]) + 10) % 10)
  return new Set(steps).size === 1
}

/** 1212, 123123, 20202020: the same digits over and over. */
const isRepeated = (pin: string) => /^([0-9]+)\1+$/.test(pin)

// The most used PINs of leaked lists that neither rule names: "PIN analysis" (DataGenetics, 2012), and for six digits
// "This PIN Can Be Easily Guessed" (Markert and others, IEEE S&P 2020).
const common = new Set(['1004', '1122', '2000', '2001', '2580', '0852', '1998', '5683', '112233', '159753', '789456'])
