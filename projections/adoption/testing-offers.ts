import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import { appendedThen, login, settings, type Figures } from './testing.ts'

const { verified, offered, started } = facts
const created = [started(), appendedThen]
const conditional = (number = 1) => offered(number, 'post_login', 'conditional')

export function ofOffers(figures: Figures): void {
  test('come to a passkey or not, each counted once, those of the settings too', async () => {
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), facts.cancelled(), started(2), facts.appended(2)),
      login(2, '2026-03-02T08:00:00Z', {}, verified(), offered(), started(), facts.cancelled()),
      settings(2, '2026-03-03T08:00:00Z', {}, offered(1, 'settings'), ...created),
      login(3, '2026-03-02T08:00:00Z', {}, verified(), facts.withheld()),
    )
    expect(await figures.rows('creation-per-offer')).toEqual({ all: '2/3' })
    expect(await figures.rows('creation-per-offer', 'by=entryPoint')).toEqual({ post_login: '1/2', settings: '1/1' })
  })

  test('are told apart by their number: 1, 2-3, 4, 5+', async () => {
    await figures.given(...[1, 2, 3, 4, 5, 17].map((number) => login(number, '2026-03-02T08:00:00Z', {}, verified(), offered(number), ...(number % 2 ? created : []))))
    expect(await figures.rows('creation-per-offer', 'by=offer')).toEqual({ '1': '1/1', '2-3': '1/2', '4': '0/1', '5+': '2/2' })
    expect(await figures.rows('creation-per-offer', 'offer=2-3,4')).toEqual({ all: '1/3' })
  })

  test('that were conditional are a number of their own, never mixed with the others', async () => {
    const automatic = offered(2, 'post_login', 'automatic')
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified(), offered()),
      login(2, '2026-03-02T08:00:00Z', {}, verified(), automatic, ...created),
      login(3, '2026-03-02T08:00:00Z', {}, verified(), conditional(), ...created),
    )
    expect(await figures.rows('creation-per-offer')).toEqual({ all: '1/2' })
    expect(await figures.rows('creation-per-offer', 'by=mode')).toEqual({ manual: '0/1', automatic: '1/1', conditional: '1/1' })
    expect(await figures.rows('creation-per-offer', 'mode=manual,automatic')).toEqual({ all: '1/2' })
    await expect(figures.rows('creation-per-offer', 'mode=manual,conditional')).rejects.toMatchObject({ code: 'bad_question', field: 'mode' })
  })

  test('of one person count once per person, who may take a later one, elsewhere', async () => {
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', { platform: 'ios' }, verified(), offered(), facts.skipped()),
      login(1, '2026-05-04T08:00:00Z', { platform: 'android' }, verified(), offered(2), ...created),
      login(2, '2026-03-02T08:00:00Z', { platform: 'ios' }, verified(), offered(), facts.skipped()),
      settings(2, '2026-03-05T08:00:00Z', { platform: 'ios' }, offered(2, 'settings'), ...created),
      login(3, '2026-03-02T08:00:00Z', { platform: 'android' }, verified(), offered(), facts.skipped()),
    )
    expect(await figures.rows('creation-per-person')).toEqual({ all: '2/3' })
    expect(await figures.rows('creation-per-person-30-days')).toEqual({ all: '1/3' })
    // The first offer says where and when the person is counted.
    expect(await figures.rows('creation-per-person', 'by=platform')).toEqual({ ios: '2/2', android: '0/1' })
    expect(await figures.rows('creation-per-person', 'every=month')).toEqual({ '2026-03-01': '2/3' })
    // What was created before the first one that matches does not count: then it was no answer to it.
    await figures.also(login(1, '2026-07-06T08:00:00Z', { platform: 'web' }, verified(), offered(3), facts.skipped()))
    expect(await figures.rows('creation-per-person', 'platform=web')).toEqual({ all: '0/1' })
    // The first on Android was that of May.
    expect(await figures.rows('creation-per-person', 'platform=android')).toEqual({ all: '1/2' })
    expect(await figures.rows('creation-per-person', 'from=2026-04-01')).toEqual({})
  })

  test('were taken within 30 days up to the last second of them', async () => {
    const later = (person: number, seconds: number) => [
      login(person, '2026-03-02T08:00:00Z', {}, verified(), offered(), facts.skipped()),
      // Start, password, offer, options, passkey: the fourth second after the start.
      settings(person, new Date(Date.parse('2026-03-02T08:00:02Z') + (30 * 86_400 + seconds - 3) * 1000).toISOString(), {}, offered(2, 'settings'), ...created),
    ]
    await figures.given(...later(1, 0).flat(), ...later(2, 1).flat())
    expect(await figures.rows('creation-per-person-30-days')).toEqual({ all: '1/2' })
    expect(await figures.rows('creation-per-person')).toEqual({ all: '2/2' })
  })

  test('that were conditional make nobody a person who was offered one, and what came of them is not what came of the others', async () => {
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', {}, verified(), offered(), facts.skipped()),
      login(1, '2026-03-03T08:00:00Z', {}, verified(), conditional(2), ...created),
      login(2, '2026-03-03T08:00:00Z', {}, verified(), conditional(), ...created),
    )
    expect(await figures.rows('creation-per-person')).toEqual({ all: '0/1' })
    expect(await figures.rows('creation-per-person', 'by=mode')).toEqual({ manual: '0/1', conditional: '2/2' })
  })

  test('are of cohorts by the week of the first one, whatever the filters', async () => {
    await figures.given(
      login(1, '2026-03-01T12:00:00Z', {}, verified(), offered(), facts.skipped()),
      login(1, '2026-03-20T08:00:00Z', {}, verified(), offered(2), ...created),
      login(2, '2026-03-02T00:00:00Z', {}, verified(), offered(), ...created),
      login(3, '2026-03-01T23:30:00Z', {}, verified(), conditional(), ...created),
      login(3, '2026-03-16T23:30:00Z', {}, verified()),
    )
    expect(await figures.rows('creation-per-offer', 'by=cohort')).toEqual({ '2026-02-23': '1/2', '2026-03-02': '1/1' })
    expect(await figures.rows('creation-per-offer', 'cohort=2026-02-23&from=2026-03-10')).toEqual({ all: '1/1' })
    expect(await figures.rows('logins', 'by=cohort')).toEqual({ '2026-02-23 password': 2, '2026-03-02 password': 1, 'none password': 2 })
  })
}
