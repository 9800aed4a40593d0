import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { Policy } from '../policy.ts'
import { decideAdoption, evolve, type PolicyState } from './adoption.ts'
import type { PolicyEvent } from './events.ts'

type Written = z.input<typeof Policy>
const manual: Written = { version: '7' }
const automatic: Written = { version: '7', append: { mode: 'automatic' } }

const after = (...events: PolicyEvent[]): PolicyState | undefined =>
  events.reduce<PolicyState | undefined>((state, event, second) => evolve(state, { ...event, at: `2026-03-02T08:00:0${second}.000Z` }), undefined)
const adopting = (policy: Written, { stated = true, after: before = [] as PolicyEvent[] } = {}) => decideAdoption(after(...before), Policy.parse(policy), { stated })
const adopted = (policy: Written): PolicyEvent[] => adopting(policy).events

describe('A policy that is taken', () => {
  test('is a fact, with all its defaults, with who wanted it and why', () => {
    const { version, by, why, ...all } = Policy.parse({ ...manual, by: 'growth', why: 'fewer declined' })
    expect(adopted({ ...manual, by: 'growth', why: 'fewer declined' })).toEqual([{ type: 'PolicyAdopted', data: { version, policy: all, by, why } }])
    expect(adopted(manual)).toEqual([{ type: 'PolicyAdopted', data: { version: '7', policy: all } }])
  })

  test('is none again, though its words stand in another order or somebody else wants it', () => {
    const { pause: _, ...turned } = Policy.parse({}).append
    const again = { by: 'support', pinKeptOn: 'device', append: { pause: { days: 30, after: 3 }, ...turned }, version: '7' } as const
    expect(adopting(again, { after: adopted(manual) })).toMatchObject({ outcome: 'unchanged', events: [] })
  })

  test('is a fact whenever it comes after another one: the way back, too', () => {
    const other: Written = { version: '8', append: { mode: 'automatic' } }
    const there = [...adopted(manual), ...adopted(other)]
    expect(adopting(manual, { after: there })).toMatchObject({ outcome: 'adopted', policy: { version: '7' }, events: adopted(manual) })
    expect(after(...there)?.current).toEqual({ policy: Policy.parse(other), at: '2026-03-02T08:00:01.000Z' })
  })
})

describe('A version', () => {
  test('says the same for ever: another content is refused, and the policy before stays', () => {
    expect(adopting(automatic, { after: adopted(manual) })).toEqual({ outcome: 'version_taken', policy: Policy.parse(manual), events: [] })
    const later = [...adopted(manual), ...adopted({ version: '8' })]
    expect(adopting(automatic, { after: later })).toEqual({ outcome: 'version_taken', policy: Policy.parse({ version: '8' }), events: [] })
  })

  test('that nobody chose is told apart by what it says', () => {
    const first = adopted({})
    const second = adopting({ append: { mode: 'automatic' } }, { stated: false, after: first })
    expect(second).toMatchObject({ outcome: 'adopted', policy: { version: expect.stringMatching(/^1-[0-9a-f]{8}$/), append: { mode: 'automatic' } } })
    const again = { stated: false, after: [...first, ...second.events] }
    expect(adopting({ append: { mode: 'automatic' } }, again)).toEqual({ outcome: 'unchanged', policy: second.policy, events: [] })
    expect(adopting({ append: { mode: 'automatic', conditional: true } }, again).policy.version).not.toBe(second.policy.version)
    expect(adopting({}, again)).toMatchObject({ outcome: 'adopted', policy: { version: '1' } })
  })
})

describe('A policy of another release', () => {
  const fact = (policy: PolicyEvent['data']['policy'], version = '7'): PolicyEvent => ({ type: 'PolicyAdopted', data: { version, policy } })

  test('of before there was a field says what the field’s default says', () => {
    expect(adopting(manual, { after: [fact({ order: ['append', 'otp', 'pin', 'biometrics'] })] })).toMatchObject({ outcome: 'unchanged' })
  })

  test('of after there will be one keeps nobody from starting, and is not decided by', () => {
    expect(after(fact({ colour: 'blue' }))?.current).toBeNull()
    expect(adopting(manual, { after: [fact({ colour: 'blue' })] })).toMatchObject({ outcome: 'adopted', policy: { version: '7' } })
  })
})
