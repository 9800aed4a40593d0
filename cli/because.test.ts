import { userInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { readConfig, type Config } from '../config.ts'
import { becauseOf } from './because.ts'
import { Misuse } from './misuse.ts'

const embedded = readConfig({})
const production: Config = { ...embedded, eventStoreDbUrl: 'esdb://node.example:2113' }
const given = { as: 'jo', why: 'Ticket 4711' }

describe('Who gives a command, and why', () => {
  test('is taken as it was said', () => {
    for (const config of [embedded, production]) expect(becauseOf(config, given)).toEqual({ who: 'jo', why: 'Ticket 4711' })
  })

  test('must be said in production, and is told how', () => {
    expect(() => becauseOf(production, { why: 'Ticket 4711' })).toThrow(new Misuse('--as NAME is missing: the log keeps who gave this command, and why'))
    expect(() => becauseOf(production, { as: 'jo' })).toThrow('--why TEXT is missing')
  })

  test('may be left out on the embedded default, and is then who the system says', () => {
    expect(becauseOf(embedded, {})).toEqual({ who: userInfo().username, why: 'from the terminal' })
  })

  test('must be said there too for what cannot be undone', () => {
    expect(() => becauseOf(embedded, { as: 'jo' }, { always: true })).toThrow('--why TEXT is missing')
  })

  test('is refused where it would keep the name of somebody who may have to be forgotten', () => {
    expect(() => becauseOf(embedded, { ...given, why: 'ada@example.com asks' })).toThrow(Misuse)
    expect(() => becauseOf(embedded, { ...given, as: '' })).toThrow('--as must name somebody')
  })
})
