import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import { login, registered, type Figures } from './testing.ts'

const { verified, offered } = facts

export function ofFilters(figures: Figures): void {
  test('put a login into the period in which it began, with all that came of it, in the time zone of the question', async () => {
    await figures.given(
      login(1, '2026-03-01T22:59:59.999Z', {}, verified()),
      login(2, '2026-03-01T23:00:00.000Z', {}, [3_600, verified()]),
      login(3, '2026-03-02T00:00:00.000Z', {}, verified()),
    )
    expect(await figures.rows('logins', 'every=day')).toEqual({ '2026-03-01 password': 2, '2026-03-02 password': 1 })
    expect(await figures.rows('logins', 'every=day&timeZone=Europe/Berlin')).toEqual({ '2026-03-01 password': 1, '2026-03-02 password': 2 })
    expect(await figures.rows('logins', 'every=week')).toEqual({ '2026-02-23 password': 2, '2026-03-02 password': 1 })
    expect(await figures.rows('logins', 'every=month&timeZone=America/New_York')).toEqual({ '2026-03-01 password': 3 })
  })

  test('keep to days that are an hour shorter or longer', async () => {
    // In Berlin 2026-03-29 began at 23:00 and ended at 22:00 UTC.
    await figures.given(login(1, '2026-03-28T23:00:00Z', {}, verified()), login(2, '2026-03-29T21:59:59Z', {}, verified()), login(3, '2026-03-29T22:00:00Z', {}, verified()))
    expect(await figures.rows('logins', 'every=day&timeZone=Europe/Berlin')).toEqual({ '2026-03-29 password': 2, '2026-03-30 password': 1 })
    expect(await figures.rows('logins', 'from=2026-03-29&to=2026-03-30&timeZone=Europe/Berlin')).toEqual({ password: 2 })
  })

  test('begin a day with the first of two midnights', async () => {
    // In Havana the clocks went from 01:00 back to 00:00 on 2026-11-01, at 05:00 UTC: its midnights are at 04:00 and 05:00.
    await figures.given(login(1, '2026-11-01T03:59:59Z', {}, verified()), login(2, '2026-11-01T04:00:00Z', {}, verified()), login(3, '2026-11-01T05:00:00Z', {}, verified()))
    const havana = 'every=day&timeZone=America/Havana'
    expect(await figures.rows('logins', havana)).toEqual({ '2026-10-31 password': 1, '2026-11-01 password': 2 })
    expect(await figures.rows('logins', `${havana}&from=2026-11-01`)).toEqual({ '2026-11-01 password': 2 })
    expect(await figures.rows('logins', `${havana}&to=2026-11-01`)).toEqual({ '2026-10-31 password': 1 })
  })

  test('begin a day that has no midnight when its clocks begin', async () => {
    // In Cairo 2026-04-24 began at 01:00, which is 22:00 UTC.
    await figures.given(login(1, '2026-04-23T21:59:59Z', {}, verified()), login(2, '2026-04-23T22:00:00Z', {}, verified()))
    expect(await figures.rows('logins', 'every=day&timeZone=Africa/Cairo')).toEqual({ '2026-04-23 password': 1, '2026-04-24 password': 1 })
  })

  test('take in the first moment and leave out the last', async () => {
    await figures.given(login(1, '2026-03-02T00:00:00Z', {}, verified()), login(2, '2026-03-03T00:00:00Z', {}, verified()))
    expect(await figures.rows('logins', 'from=2026-03-02&to=2026-03-03')).toEqual({ password: 1 })
    expect(await figures.rows('logins', 'from=2026-03-02T01:00:00%2B01:00&to=2026-03-03T01:00:01%2B01:00')).toEqual({ password: 2 })
  })

  test('take several values, and “none” for what was not said', async () => {
    await figures.given(
      login(1, '2026-03-02T08:00:00Z', { platform: 'ios', osVersion: '17.4', appVersion: '8.2.1', app: 'shop' }, verified(), offered()),
      login(2, '2026-03-02T08:00:00Z', { platform: 'android', osVersion: '15', app: 'bank', entryPoint: 'login_error' }, verified()),
      login(3, '2026-03-02T08:00:00Z', { platform: 'web' }, verified(), offered(4)),
    )
    for (const [query, count] of [
      ['platform=ios,android', 2], ['platform=ios&platform=web', 2], ['osVersion=17.4', 1], ['osVersion=none', 1], ['appVersion=8.2.1,none', 3], ['app=bank', 1],
      ['entryPoint=login_error', 1], ['offer=none', 1], ['offer=1,4', 2], ['mode=manual', 2], ['variant=none', 3], ['policy=1', 3], ['provider=none', 3],
      ['platform=ios&osVersion=15', undefined],
    ] as const) {
      expect([query, (await figures.rows('logins', query))['password']]).toEqual([query, count])
    }
  })

  test('count the logins of tests only where they are asked for', async () => {
    await figures.given(login(1, '2026-03-02T08:00:00Z', { test: true }, verified(), offered()), login(2, '2026-03-02T08:00:00Z', {}, verified(), offered()))
    expect(await figures.rows('logins')).toEqual({ password: 1 })
    expect(await figures.rows('creation-per-person')).toEqual({ all: '0/1' })
    expect(await figures.rows('logins', 'test=true')).toEqual({ password: 2 })
    expect(await figures.rows('creation-per-person', 'test=true')).toEqual({ all: '0/2' })
  })

  test('say how new the figures are, and which may still change by a late report', async () => {
    await figures.given(registered(1, '2026-03-01T08:00:00Z'), login(1, '2026-03-02T08:00:00Z', {}, verified(), offered(), facts.started()), login(2, '2026-03-04T07:59:00Z', {}, [60, verified()]))
    const { asOf, provisionalFrom, rows } = await figures.answer('outcomes', 'every=day')
    expect({ asOf, provisionalFrom }).toEqual({ asOf: '2026-03-04T08:00:00.000Z', provisionalFrom: '2026-03-03T08:00:00.000Z' })
    expect(rows).toEqual([{ period: '2026-03-02', group: { outcome: 'started' }, people: 1, values: { numerator: 1, denominator: 1, rate: 1 } }])
    const provisional = async (query: string) => (await figures.answer('logins', query)).rows.map(({ period, provisional = false }) => [period, provisional])
    expect(await provisional('every=day')).toEqual([['2026-03-02', false], ['2026-03-04', true]])
    expect(await provisional('to=2026-03-03')).toEqual([[undefined, false]])
    expect(await provisional('to=2026-03-03T08:00:01Z')).toEqual([[undefined, true]])
    expect(await provisional('')).toEqual([[undefined, true]])
    // Thirty days after the first offer nobody knows yet.
    expect((await figures.answer('creation-per-person-30-days', 'every=day')).rows).toMatchObject([{ period: '2026-03-02', provisional: true }])
  })

  test('have no rows, and no time, where nothing happened yet', async () => {
    await figures.given()
    for (const metric of ['funnel', 'creation-per-person', 'activation', 'login-time', 'variants']) {
      for (const query of ['', 'every=day&by=platform']) expect(await figures.answer(metric, query)).toMatchObject({ asOf: null, provisionalFrom: null, rows: [], warnings: [] })
    }
  })

  test('are told when the database knows no such time zone or day', async () => {
    await figures.given(login(1, '2026-03-02T08:00:00Z', {}, verified()))
    await expect(figures.rows('logins', 'every=day&timeZone=Canada/East-Saskatchewan')).rejects.toMatchObject({ field: 'timeZone' })
    await expect(figures.rows('logins', 'from=0000-01-01')).rejects.toMatchObject({ field: 'from' })
  })
}
