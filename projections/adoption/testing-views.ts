import { expect, test } from 'vitest'
import { facts } from '../../domain/session/given.ts'
import { openDatabase } from '../database.ts'
import { metrics } from './metrics.ts'
import { appendedThen, login, registered, tables, type Figures } from './testing.ts'
import { readerRole, renewViews, viewName } from './views.ts'

const { verified, offered, started } = facts

export function ofViews(figures: Figures): void {
  const renew = (k = 1) => renewViews(figures.sql, { tables, k, roles: true })
  const read = (view: string, columns = '*') => figures.sql.unsafe(`select ${columns} from keyledger.${view} order by 1, 2, 3`)

  test('give the same figures as the answers, by week and platform, for every metric', async () => {
    await figures.given(
      ...Array.from({ length: 40 }, (_, n) => [
        ...(n % 3 ? [] : [registered(n, '2026-02-20T08:00:00Z')]),
        ...login(n % 23, `2026-03-${String(1 + (n % 17)).padStart(2, '0')}T08:00:00Z`, { platform: (['ios', 'android', 'web'] as const)[n % 5 ? n % 2 : 2]! }, verified(), ...(n % 4 ? [offered(), started(), n % 3 ? appendedThen : facts.cancelled()] : [facts.withheld(n % 8 ? 'cool_down' : 'paused')])),
      ]),
    )
    for (const k of [1, 4]) {
      await renew(k)
      for (const { name, groups, view, kind } of metrics) {
        const answer = await figures.answer(name, `by=${view.by.join()}${view.every ? `&every=${view.every}` : ''}`, { k })
        const columns = { share: ['numerator', 'denominator'], comparison: ['numerator', 'denominator'], count: ['count'], times: ['p25', 'p50', 'p90', 'count'] }[kind]
        const told = answer.rows.map((row) => {
          const place = [...(row.period ? [row.period] : []), ...view.by.map((one) => row.group[one]), ...groups.map((one) => row.group[one])]
          const values = 'values' in row ? Object.fromEntries(columns.map((column) => [column, (row.values as Record<string, unknown>)[column]])) : undefined
          return JSON.stringify([...place, ...columns.map((column) => values?.[column] ?? null), 'fewerThan' in row ? row.fewerThan : null, row.provisional ?? false])
        })
        const kept = [...(view.every ? [`to_char(${view.every}, 'YYYY-MM-DD') as ${view.every}`] : []), ...view.by, ...groups, ...columns, 'fewer_than', 'provisional']
        const shown = (await read(viewName(name), kept.join(', '))).map((row) => JSON.stringify(Object.values(row)))
        expect([name, k, shown.toSorted()]).toEqual([name, k, told.toSorted()])
      }
    }
  })

  test('say what they mean, and when the newest event happened', async () => {
    await figures.given(login(1, '2026-03-02T08:00:00Z', {}, verified(), offered()))
    await renew()
    const [comments] = await figures.sql`
      select obj_description('keyledger.adoption_funnel'::regclass, 'pg_class') as view,
        col_description('keyledger.adoption_funnel'::regclass, (select attnum from pg_attribute where attrelid = 'keyledger.adoption_funnel'::regclass and attname = 'denominator')) as column`
    expect(comments).toEqual({ view: expect.stringContaining('Each step counts those of the step before it'), column: expect.stringContaining('Logins at the step before') })
    const [without] = await figures.sql`
      select count(*)::int as columns from pg_attribute a join pg_class c on c.oid = attrelid where relnamespace = 'keyledger'::regnamespace and attnum > 0 and col_description(c.oid, attnum) is null`
    expect(without).toEqual({ columns: 0 })
    expect(await read('adoption_logins')).toMatchObject([{ platform: 'ios', proof: 'password', people: 1, count: 1, fewer_than: null, as_of: '2026-03-02T08:00:02.000Z' }])
  })

  test('are read by a role that may read nothing else', async () => {
    await renew()
    const as = (query: string) => figures.sql.unsafe(`set local role ${readerRole}; ${query}`)
    await expect(as('select * from keyledger.adoption_activation')).resolves.toBeDefined()
    const rows = await figures.sql`select table_name from information_schema.tables where table_schema = 'public'`
    expect(rows.length).toBeGreaterThan(2)
    for (const { table_name: table } of rows) await expect(as(`select * from ${table}`)).rejects.toMatchObject({ code: '42501' })
    for (const change of ['create table keyledger.mine (n int)', 'drop view keyledger.adoption_logins']) await expect(as(change)).rejects.toMatchObject({ code: '42501' })
    const [role] = await figures.sql`select rolcanlogin, rolsuper, (select count(*)::int from pg_auth_members where roleid = r.oid) as members from pg_roles r where rolname = ${readerRole}`
    expect(role).toEqual({ rolcanlogin: false, rolsuper: false, members: 0 })
  })

  test('are made by a user who may make no roles, who is told to have it made', async () => {
    await figures.sql.unsafe(`
      drop schema if exists keyledger cascade; drop role if exists ${readerRole}; create role engine login password 'test';
      grant create on database ${new URL(figures.url).pathname.slice(1)} to engine; grant select on ${tables.logins}, ${tables.people} to engine`)
    const database = openDatabase({ url: figures.url.replace('postgres:test@', 'engine:test@') })
    const asEngine = () => renewViews(database.sql, { tables, k: 1, roles: true })
    await expect(asEngine()).rejects.toThrow('create role keyledger_reader nologin')
    expect(await read('adoption_logins')).toBeDefined()
    await figures.sql.unsafe(`create role ${readerRole} nologin`)
    await asEngine()
    await expect(figures.sql.unsafe(`set local role ${readerRole}; select * from keyledger.adoption_logins`)).resolves.toBeDefined()
    await database.close()
    await figures.sql.unsafe('drop schema keyledger cascade')
  })

  test('are left alone while nothing changed, made anew when something did, and keep what was granted on them', async () => {
    await renew()
    await figures.sql.unsafe('create table if not exists mine (n int); drop role if exists somebody; create role somebody; grant select on keyledger.adoption_logins to somebody')
    const made = async () => (await figures.sql`select xmin::text from pg_class where oid = 'keyledger.adoption_logins'::regclass`)[0]
    const before = await made()
    await renew()
    expect(await made()).toEqual(before)
    await renew(7)
    const [granted] = await figures.sql`select has_table_privilege('somebody', 'keyledger.adoption_logins', 'select') as read`
    expect(granted).toEqual({ read: true })
    // Who drops a table takes its views with it: they come back.
    await figures.sql.unsafe('drop view keyledger.adoption_logins')
    await renew(7)
    expect(await read('adoption_logins')).toBeDefined()
    // Of another release, with other columns.
    await figures.sql.unsafe(`drop view keyledger.adoption_logins; create view keyledger.adoption_logins as select 1 as other; comment on schema keyledger is 'another'`)
    await renew()
    expect(await read('adoption_logins', 'platform, proof, count')).toBeDefined()
  })
}
