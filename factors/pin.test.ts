import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPins, pinWeakness } from './pin.ts'

const bytes = Uint8Array.from({ length: 32 }, (_, i) => i)
const key = createSecretKey(bytes)
const pins = createPins(key)

describe('a new PIN', () => {
  test.each(['4071', '83025', '590284', '700613482915'])('may be %s', (pin) => {
    expect(pinWeakness(pin)).toBeUndefined()
  })

  test.each([
    ['empty', '', 'too_short'],
    ['of three digits', '407', 'too_short'],
    ['of thirteen digits', '4071285930642', 'too_long'],
    ['of a million digits', '1'.repeat(1_000_000), 'too_long'],
    ['with a letter', '40a1', 'not_digits'],
    ['with a space', '40 71', 'not_digits'],
    ['with a sign', '-4071', 'not_digits'],
    ['with a line end', '4071\n', 'not_digits'],
    ['in Arabic-Indic digits', '\u0664\u0660\u0667\u0661', 'not_digits'],
    ['in full-width digits', '\uff14\uff10\uff17\uff11', 'not_digits'],
  ])('may not be %s', (_, pin, weakness) => {
    expect(pinWeakness(pin)).toBe(weakness)
  })

  test('may not be one of the twenty most used of four digits, or the ten of six', () => {
    const four = '1234 1111 0000 1212 7777 1004 2000 4444 2222 6969 9999 3333 5555 6666 1122 1313 8888 4321 2001 1010'
    const six = '000000 111111 112233 121212 123123 123456 159753 654321 666666 789456'
    for (const pin of `${four} ${six} 2580 0852 1998 5683`.split(' ')) expect([pin, pinWeakness(pin)]).toEqual([pin, 'too_simple'])
  })

  test('may not go up or down in equal steps, also over the end of the keypad, or repeat itself', () => {
    for (const pin of ['7890', '8901', '0987', '2468', '9753', '345678', '210987', '20202020', '471471']) {
      expect([pin, pinWeakness(pin)]).toEqual([pin, 'too_simple'])
    }
  })

  test('leaves people nearly all PINs to choose from', () => {
    const all = Array.from({ length: 10_000 }, (_, n) => String(n).padStart(4, '0'))
    expect(all.filter((pin) => pinWeakness(pin) !== undefined)).toHaveLength(188)
  })
})

describe('the verifier of a PIN', () => {
  // Computed with Python's hmac module from the same key.
  test('is what another implementation computes from the key, the account, the installation and the PIN', () => {
    expect(pins.verifier('account-1', 'installation-1', '4071')).toBe('JS7MsGXfsseKLdZZN11EtyGCULlDl82AiVc43eU-L0M')
  })

  test('matches this PIN of this account on this installation alone', () => {
    const text = fc.string({ maxLength: 40 })
    fc.assert(fc.property(fc.tuple(text, text, text), fc.tuple(text, text, text), (mine, other) => {
      const verifier = pins.verifier(...mine)
      expect(pins.matches(verifier, ...mine)).toBe(true)
      expect(pins.matches(verifier, ...other)).toBe(mine.every((part, i) => part === other[i]))
      expect(createPins(createSecretKey(bytes.toReversed())).matches(verifier, ...mine)).toBe(false)
    }), { seed: 21 })
  })

  test('does not take a digit of the PIN for one of the installation', () => {
    expect(pins.matches(pins.verifier('account', 'installation1', '234'), 'account', 'installation', '1234')).toBe(false)
    expect(pins.matches(pins.verifier('account","installation', '1', '2'), 'account', 'installation","1', '2')).toBe(false)
  })

  test('matches nothing when it is broken', () => {
    for (const verifier of ['', 'AAAA', '!'.repeat(43), 'A'.repeat(1_000_000)]) {
      expect(pins.matches(verifier, 'account', 'installation', '4071')).toBe(false)
    }
  })
})
