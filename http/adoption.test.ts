import { parse } from 'csv-parse/sync'
import { beforeAll, describe, expect, test } from 'vitest'
import { facts } from '../domain/session/given.ts'
import { openAdoption } from '../projections/adoption/adoption.ts'
import { metrics } from '../projections/adoption/metrics.ts'
import { appendedThen, login, useFigures } from '../projections/adoption/testing.ts'
import { consoleKey, openApi, type Api } from './testing.ts'

const { verified, offered, started } = facts
const figures = useFigures()
let api: Api
beforeAll(async () => {
  api = await openApi({ adoption: openAdoption({ sql: figures.sql, k: 2 }) })
  const variant = (name: string) => ({ ...offered(), data: { ...offered().data, variant: name } }) as ReturnType<typeof offered>
  await figures.given(
    login(1, '2026-03-02T08:00:00Z', { osVersion: '=1+1' }, verified(), variant('bold, "new"'), started(), appendedThen),
    login(2, '2026-03-02T08:00:00Z', { osVersion: '=1+1' }, verified(), variant('bold, "new"'), started(), facts.cancelled()),
    login(3, '2026-03-04T08:00:00Z', { osVersion: '17.4' }, verified(), variant('control'), facts.skipped()),
    login(4, '2026-03-04T08:00:00Z', { osVersion: '17.4' }, verified(), variant('control'), started(), appendedThen),
    login(5, '2026-03-04T08:00:00Z', { osVersion: '26' }, verified(), facts.withheld()),
  )
  return () => api.close()
})
const get = (path: string, headers: Record<string, string> = {}) => api.call('GET', path, { token: consoleKey, headers })
/** Behind the lines that begin with #. */
const csv = async (path: string): Promise<Record<string, string>[]> => parse((await text(path)).replace(/^#.*\r\n/gm, ''), { columns: true })
const text = async (path: string): Promise<string> => (await api.app.request(path, { headers: { Authorization: `Bearer ${consoleKey}`, Accept: 'text/csv' } })).text()

describe('GET /v1/adoption', () => {
  test('tells which metrics there are, what they mean, and how new they are', async () => {
    const { status, body } = await get('/v1/adoption')
    expect(status).toBe(200)
    expect(body.asOf).toBe('2026-03-04T08:00:04.000Z')
    expect(body.metrics.map(({ name }: { name: string }) => name)).toEqual(metrics.map(({ name }) => name))
    for (const one of body.metrics) expect(one).toEqual({ name: expect.any(String), title: expect.any(String), definition: expect.stringMatching(/.{40}/), unit: expect.any(String), denominator: expect.any(String), kind: expect.any(String), groups: expect.any(Array), breakdowns: expect.any(Array) })
  })

  test.each(metrics.map(({ name }) => name))('answers with the figures of %s, as JSON and as CSV with the same figures', async (name) => {
    const query = '?every=week&timeZone=Europe/Berlin&by=platform,cohort'
    const { status, body } = await get(`/v1/adoption/${name}${query}`)
    expect({ status, metric: body.metric, k: body.k, by: body.by }).toEqual({ status: 200, metric: name, k: 2, by: ['platform', 'cohort'] })
    const rows = await csv(`/v1/adoption/${name}${query}`)
    expect(rows.map(({ period, platform, people, fewer_than }) => [period, platform, people, fewer_than])).toEqual(
      body.rows.map((row: any) => [row.period, row.group.platform, String(row.people ?? ''), String(row.fewerThan ?? '')]),
    )
    for (const [n, row] of body.rows.entries()) for (const [column, value] of Object.entries(row.values ?? {})) if (typeof value === 'number') expect(rows[n]?.[column]).toBe(String(value))
  })

  test('keeps the metric’s own groupings beside those of the question', async () => {
    expect((await get('/v1/adoption/funnel?by=platform')).body.rows[0]).toEqual({ group: { platform: 'ios', step: 'password' }, people: 5, values: { numerator: 5, denominator: 5, rate: 1 }, provisional: true })
    expect((await get('/v1/adoption/variants?by=variant')).body).toMatchObject({ by: [], groups: ['variant'], rows: [{ group: { variant: 'bold, "new"' }, values: { rate: 0.5, difference: { baseline: 'control', value: 0 } } }, { group: { variant: 'control' } }] })
  })

  test('has in its CSV what the figures mean, then RFC 4180, and no formula that a spreadsheet would run', async () => {
    const lines = (await text('/v1/adoption/creation-per-offer?by=osVersion,variant&platform=ios')).split('\r\n')
    expect(lines.slice(0, 5)).toEqual(['# Passkeys created per offer', expect.stringMatching(/^# Definition: Offers in whose login/), '# Unit: offers', '# Denominator: All offers made.', '# As of: 2026-03-04T08:00:04.000Z'])
    expect(lines).toContain('# Only platform: ios')
    expect(lines).toContain('# Groups of fewer than 2 people are not shown.')
    expect(lines.slice(-4)).toEqual(['osVersion,variant,people,numerator,denominator,rate,provisional,fewer_than', '17.4,control,2,1,2,0.5,true,', `'=1+1,"bold, ""new""",2,1,2,0.5,true,`, ''])
    const hidden = await csv('/v1/adoption/withheld?by=osVersion')
    expect(hidden).toEqual([{ osVersion: '26', reason: 'switched_off', people: '', numerator: '', denominator: '', rate: '', provisional: 'true', fewer_than: '2' }])
  })

  test('is what the request accepts, and what a link says', async () => {
    const type = async (query: string, accept?: string) => (await api.app.request(`/v1/adoption/logins${query}`, { headers: { Authorization: `Bearer ${consoleKey}`, ...(accept && { Accept: accept }) } })).headers.get('content-type')
    expect(await type('')).toBe('application/json')
    expect(await type('', 'text/csv')).toBe('text/csv; charset=utf-8; header=present')
    expect(await type('', 'text/html,application/json;q=0.8,text/csv;q=0.9')).toMatch(/^text\/csv/)
    expect(await type('', 'text/html,*/*')).toBe('application/json')
    expect(await type('?format=csv', 'application/json')).toMatch(/^text\/csv/)
    expect(await type('?format=json', 'text/csv')).toBe('application/json')
  })

  test.each([
    ['platform=', 200, undefined],
    ['every=year', 400, 'every: must be one of day, week, month'],
    ['from=yesterday', 400, 'from: must be a day such as 2026-11-02, or a moment such as 2026-11-02T08:00:00Z'],
    ['timeZone=%2B02:00', 400, 'timeZone: must be a name of the IANA time zone database, such as Europe/Berlin'],
    ['timeZone=IST', 400, 'timeZone: must be a name of the IANA time zone database, such as Europe/Berlin'],
    ['by=platform,app,offer,mode', 400, expect.stringMatching(/^by: must be at most 3 of /)],
    ['by=password', 400, expect.stringMatching(/^by: must be at most 3 of /)],
    ['offer=7', 400, 'offer: must be of 1, 2-3, 4, 5+, none'],
    ['test=yes', 400, 'test: must be true or false'],
    ['from=2026-01-01&from=2026-01-02', 400, 'from: is there twice'],
    ['platfrom=ios', 400, expect.stringMatching(/^platfrom: is none of from, to/)],
    ['mode=manual,conditional', 400, expect.stringMatching(/^mode: conditional offers ask nobody/)],
    ['format=xml', 400, 'format: must be one of json, csv'],
    [`app=${'x'.repeat(129)}`, 400, 'app: must be 1 to 100 values of 1 to 128 characters'],
    ["app=';drop table adoption_logins_v1;--", 200, undefined],
  ])('says what is wrong with %s', async (query, status, detail) => {
    const reply = await get(`/v1/adoption/funnel?${query}`)
    expect({ status: reply.status, code: reply.body.code, detail: reply.body.detail }).toEqual({ status, code: status === 200 ? undefined : 'malformed', detail })
  })

  test('is for analysts alone', async () => {
    expect((await api.call('GET', '/v1/adoption/funnel')).body.code).toBe('token_missing')
    expect((await api.call('GET', '/v1/adoption/funnel', { token: 'other' })).body.code).toBe('operator_token_invalid')
    expect((await get('/v1/adoption/other')).body).toMatchObject({ status: 404, code: 'metric_unknown' })
  })

  test('tells whoever asks the same again what has happened since', async () => {
    const logins = async () => (await get('/v1/adoption/logins?app=later')).body.rows
    expect(await logins()).toEqual([])
    await figures.also(login(6, '2026-03-02T08:00:00Z', { app: 'later' }, verified()), login(7, '2026-03-02T08:00:00Z', { app: 'later' }, verified()))
    expect(await logins()).toMatchObject([{ group: { proof: 'password' }, people: 2, values: { count: 2 } }])
  })

  test('says so while the database is away, and when to ask again', async () => {
    await figures.postgres.stop()
    const reply = await get('/v1/adoption/funnel')
    expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 503, code: 'figures_unavailable' })
    expect(reply.headers.get('retry-after')).toBe('1')
    await figures.postgres.start()
    expect((await get('/v1/adoption/funnel')).status).toBe(200)
  })
})
