import { describe, expect, test } from 'vitest'
import { account, at } from './given.ts'
import { decideIssue, decideRefresh, decideSignOut, evolve, lifetimes, type TokensEvent, type TokensState } from './tokens.ts'

const login = { account, app: 'shop', installation: '1f7c9a52-8f0e-4c53-9d54-7a2c5f1b3e60', amr: ['pwd'], authTime: at(0) }
const day = 86_400

const folded = (...events: TokensEvent[]): TokensState =>
  events.reduce<TokensState | undefined>((state, event) => evolve(state, { ...event, at: at(0) }), undefined) as TokensState
const issued = decideIssue(login, at(100))
/** Refreshed `times` times, the last time at `at(seconds)`. */
function refreshed(times: number, seconds: number): TokensState {
  let state = folded(...issued)
  for (let n = 1; n <= times; n += 1) state = folded(...decideRefresh(state, { generation: n - 1, sameKey: false }, at(100 + ((seconds - 100) * n) / times)).events)
  return state
}

describe('Tokens are issued at completion', () => {
  test('with generation 0, for 90 days without use and a year in all', () => {
    expect(issued).toStrictEqual([
      {
        type: 'TokensIssued',
        data: { ...login, generation: 0, renewedAt: at(100), idleExpiresAt: at(100 + 90 * day), expiresAt: at(100 + 365 * day) },
      },
    ])
  })
})

describe('A policy may say how long somebody stays signed in', () => {
  const lifetime = { idle: 3_600, absolute: day }
  const brief = folded(...decideIssue(login, at(100), lifetime))

  test('without use', () => {
    expect(brief).toMatchObject({ idleExpiresAt: at(3_700), expiresAt: at(100 + day) })
    expect(decideRefresh(brief, { generation: 0, sameKey: false }, at(3_700), lifetime)).toEqual({ outcome: 'session_over', events: [] })
    expect(folded(...decideRefresh(brief, { generation: 0, sameKey: false }, at(3_699), lifetime).events).idleExpiresAt).toBe(at(7_299))
  })

  test('and in all, however much it is used', () => {
    const used = folded(...decideRefresh({ ...brief, idleExpiresAt: at(day) }, { generation: 0, sameKey: false }, at(day - 1), lifetime).events)
    expect(used.idleExpiresAt).toBe(at(100 + day))
    expect(folded(...decideIssue(login, at(100), { idle: day, absolute: 3_600 })).idleExpiresAt).toBe(at(3_700))
  })
})

describe('The refresh token that is good now', () => {
  test('is exchanged for its successor, which moves neither the authentication nor the last day', () => {
    const { outcome, events } = decideRefresh(folded(...issued), { generation: 0, sameKey: false }, at(day))
    expect(outcome).toBe('refreshed')
    expect(events).toStrictEqual([
      { type: 'TokensRefreshed', data: { ...login, generation: 1, renewedAt: at(day), idleExpiresAt: at(91 * day), expiresAt: at(100 + 365 * day) } },
    ])
  })

  test('is good for 90 days without use', () => {
    expect(decideRefresh(refreshed(1, 200), { generation: 1, sameKey: false }, at(199.999 + 90 * day)).outcome).toBe('refreshed')
    expect(decideRefresh(refreshed(1, 200), { generation: 1, sameKey: false }, at(200 + 90 * day))).toEqual({ outcome: 'session_over', events: [] })
  })

  test('is good for a year in all, however much it is used', () => {
    const used = refreshed(10, 300 * day)
    expect(used.idleExpiresAt).toBe(used.expiresAt)
    expect(decideRefresh(used, { generation: 10, sameKey: false }, at(99.999 + 365 * day)).outcome).toBe('refreshed')
    expect(decideRefresh(used, { generation: 10, sameKey: false }, at(100 + 365 * day))).toEqual({ outcome: 'session_over', events: [] })
  })
})

describe('Rotation: generation 3 is good, since at(1000)', () => {
  const same = { outcome: 'refreshed', events: [] } as const
  const reused = { outcome: 'reused', events: ['RefreshReused'] } as const
  const next = { outcome: 'refreshed', events: ['TokensRefreshed'] } as const

  test.each([
    ['3', 'another key', { generation: 3, sameKey: false }, 1000, next],
    ['3', 'another key, much later', { generation: 3, sameKey: false }, 1000 + day, next],
    ['2', 'the same key', { generation: 2, sameKey: true }, 1001, same],
    ['2', 'the same key, much later', { generation: 2, sameKey: true }, 1000 + day, same],
    ['2', 'another key, at once', { generation: 2, sameKey: false }, 1000, same],
    ['2', 'another key, within a minute', { generation: 2, sameKey: false }, 1059.999, same],
    ['2', 'another key, after a minute', { generation: 2, sameKey: false }, 1060, reused],
    ['1', 'another key', { generation: 1, sameKey: false }, 1001, reused],
    ['1', 'the same key: its successor was used', { generation: 1, sameKey: true }, 1001, reused],
    ['0', 'another key', { generation: 0, sameKey: false }, 1001, reused],
    ['4, which nobody was given', 'another key', { generation: 4, sameKey: false }, 1001, reused],
  ])('%s with %s', (_, __, presented, now, expected) => {
    const { outcome, events } = decideRefresh(refreshed(3, 1000), presented, at(now))
    expect({ outcome, events: events.map(({ type }) => type) }).toEqual(expected)
  })

  test('the minute is that of the design', () => {
    expect(lifetimes).toEqual({ idle: 90 * day, absolute: 365 * day, access: 600, grace: 60 })
  })
})

describe('A signed-in session is over', () => {
  const stolen = decideRefresh(refreshed(3, 1000), { generation: 1, sameKey: false }, at(1001)).events
  const signedOut = decideSignOut(refreshed(3, 1000))

  test.each([
    ['reused', stolen],
    ['signed_out', signedOut],
  ] as const)('%s: for every token, the newest too', (ended, events) => {
    const state = folded(...events)
    expect(state.ended).toBe(ended)
    for (const generation of [0, 1, 2, 3]) {
      for (const sameKey of [true, false]) expect(decideRefresh(state, { generation, sameKey }, at(1001))).toEqual({ outcome: 'session_over', events: [] })
    }
    expect(decideSignOut(state)).toEqual([])
  })
})

test('The last event is enough: it says what all of them say', () => {
  const before = folded(...issued)
  const events = [...issued, ...decideRefresh(before, { generation: 0, sameKey: false }, at(200)).events, ...decideSignOut(refreshed(1, 200))]
  expect(folded(...events.slice(-1))).toEqual(folded(...events))
})
