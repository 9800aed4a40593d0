import { describe, expect, test } from 'vitest'
import { createBlocklist } from './password-blocklist.ts'

const blocks = createBlocklist({ passwords: ['iloveyou1', 'Passw0rd', 'ﬁddlesticks'], words: ['shop', 'Northwind Shop', 'shop.example'] })
const own = ['ada@example.com', '+436601234567', 'countess']

describe('A password is guessed first', () => {
  test.each(['iloveyou1', 'ILoveYou1', 'passw0rd', 'fiddlesticks'])('when it is of the list, however it is written: %s', (password) => {
    expect(blocks(password, [])).toBe(true)
  })

  test.each(['northwind', 'Northwind2026!', '123northwind', 'NorthwindShop', 'northwind-northwind', 'shop.example', 'shopshopshop'])('when it is a name of the service: %s', (password) => {
    expect(blocks(password, [])).toBe(true)
  })

  test.each(['ada@example.com', 'AdaAdaAda', 'Ada1815!', 'countess99', '+43 660 1234567', '436601234567'])('when it is how one signs in: %s', (password) => {
    expect(blocks(password, own)).toBe(true)
    expect(blocks(password, [])).toBe(false)
  })
})

describe('A password may', () => {
  test.each(['iloveyou12', 'my northwind account', 'countess of lovelace', '7 4 1 9 3 0 2 8', '!!!!!!!!', 'correct horse battery staple'])('hold a word, or none at all: %s', (password) => {
    expect(blocks(password, own)).toBe(false)
  })

  test('be as long as any: looking at it takes no time', () => {
    expect(blocks('ab'.repeat(511) + 'c', own)).toBe(false)
    expect(blocks('x'.repeat(1023) + 'y', own)).toBe(false)
  })
})
