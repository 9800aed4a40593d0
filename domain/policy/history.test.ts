import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { AppendPolicy } from './append.ts'
import { sparedBy, type OfferOutcome, type PastOffer } from './history.ts'

const now = '2026-03-02T08:00:00.000Z'
const at = (hours: number): string => new Date(Date.parse(now) + hours * 3_600_000).toISOString()
/** So many hours ago. */
const offer = (hours: number, outcome: OfferOutcome = 'unanswered', more: Partial<PastOffer> = {}): PastOffer => ({
  at: at(-hours), mode: 'manual', entryPoint: 'post_login', outcome, settledAt: outcome === 'unanswered' ? null : at(-hours), ...more,
})
const nothing = { coolDownHours: { declined: 0, cancelled: 0, notShown: 0, failed: 0, unanswered: 0 }, caps: { inARow: null, perWeek: null, lifetime: null }, pause: null }
const spared = (policy: z.input<typeof AppendPolicy>, recent: PastOffer[], offers = recent.length) => sparedBy(AppendPolicy.parse({ ...nothing, ...policy }), { offers, recent }, now)

describe('A cool-down', () => {
  const hours = { declined: 5, cancelled: 4, notShown: 3, failed: 2, unanswered: 1 }

  test.each(Object.entries(hours) as [OfferOutcome, number][])('has the length of the outcome: %s, %i hours', (outcome, length) => {
    expect(spared({ coolDownHours: hours }, [offer(length - 0.01, outcome)])).toEqual({ reason: 'cool_down', until: at(0.01) })
    expect(spared({ coolDownHours: hours }, [offer(length, outcome)])).toBeUndefined()
  })

  test('begins with what became of the offer, not with the offer', () => {
    expect(spared({ coolDownHours: hours }, [offer(9, 'declined', { settledAt: at(-1) })])).toEqual({ reason: 'cool_down', until: at(4) })
  })

  test('is none after a passkey, nor after whatever became of a conditional offer', () => {
    expect(spared({ coolDownHours: hours }, [offer(0, 'created'), offer(1, 'failed', { mode: 'conditional' }), offer(1, 'cancelled', { mode: 'conditional' })])).toBeUndefined()
  })

  test('lasts as long as the longest that is running, whichever offer came last and wherever it was made', () => {
    expect(spared({ coolDownHours: hours }, [offer(1, 'failed', { entryPoint: 'settings' }), offer(2, 'declined')])).toEqual({ reason: 'cool_down', until: at(3) })
  })

  test('may be longer than time is written', () => {
    expect(spared({ coolDownHours: { declined: 87_600 } }, [offer(1, 'declined', { settledAt: '9998-01-01T00:00:00.000Z' })])).toMatchObject({ until: '9999-12-31T23:59:59.999Z' })
  })
})

describe('A cap', () => {
  const three = [offer(3), offer(2), offer(1)]

  test('on a lifetime counts all there were, though the newest alone are known', () => {
    expect(spared({ caps: { ...nothing.caps, lifetime: 70 } }, three, 69)).toBeUndefined()
    expect(spared({ caps: { ...nothing.caps, lifetime: 70 } }, three, 70)).toEqual({ reason: 'capped_lifetime', until: null })
  })

  test('in a row counts those since the last passkey, however it was created', () => {
    const caps = { ...nothing.caps, inARow: 2 }
    expect(spared({ caps }, [offer(1), offer(2)])).toEqual({ reason: 'capped_in_a_row', until: null })
    expect(spared({ caps }, [offer(1)])).toBeUndefined()
    expect(spared({ caps }, [offer(1), offer(2, 'created'), offer(3)])).toBeUndefined()
    expect(spared({ caps }, [offer(1), offer(2, 'created', { mode: 'conditional' }), offer(3)])).toBeUndefined()
    expect(spared({ caps }, [offer(1), offer(2, 'failed', { mode: 'conditional' }), offer(3)])).toMatchObject({ reason: 'capped_in_a_row' })
  })

  test('on a week ends when the first of them is a week old', () => {
    const caps = { ...nothing.caps, perWeek: 2 }
    expect(spared({ caps }, [offer(1), offer(167), offer(168)])).toEqual({ reason: 'capped_per_week', until: at(1) })
    expect(spared({ caps }, [offer(1), offer(168)])).toBeUndefined()
    expect(spared({ caps }, [offer(1), offer(2, 'failed', { mode: 'conditional' })])).toBeUndefined()
  })
})

describe('A pause', () => {
  const pause = { after: 2, days: 10 }
  const days = (count: number) => count * 24

  test('comes after so many offers without a passkey, and ends by itself', () => {
    expect(spared({ pause }, [offer(days(1))])).toBeUndefined()
    expect(spared({ pause }, [offer(days(1)), offer(days(2))])).toEqual({ reason: 'paused', until: at(days(9)) })
    expect(spared({ pause }, [offer(days(10)), offer(days(11))])).toBeUndefined()
  })

  test('comes again after as many again, however many there were', () => {
    const everyDay = Array.from({ length: 64 }, (_, number) => offer(days(1 + number)))
    expect(spared({ pause }, everyDay)).toEqual({ reason: 'paused', until: at(days(9)) })
    expect(spared({ pause }, [offer(days(5)), offer(days(20)), offer(days(21))])).toBeUndefined()
    expect(spared({ pause }, [offer(days(4)), offer(days(5)), offer(days(20)), offer(days(21))])).toEqual({ reason: 'paused', until: at(days(6)) })
  })

  test('is none after a passkey', () => {
    expect(spared({ pause }, [offer(days(1), 'created'), offer(days(2)), offer(days(3))])).toBeUndefined()
  })
})
