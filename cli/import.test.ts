import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '../config.ts'
import { startStandIn } from '../eventlog/stand-in/start.ts'
import { createClient } from '../stories/app.ts'
import { startKeyledger } from '../main.ts'
import { openEngine } from '../open-engine.ts'
import { ndjson, openFolder, person } from './testing.ts'

let cli: ReturnType<typeof openFolder>
beforeEach(() => {
  cli = openFolder()
})
afterEach(() => cli.remove())

/** Of `npm run prove`: what the issue names. */
const many = process.env['PROVE'] ? 100_000 : 500
const kills = process.env['PROVE'] ? 20 : 2
const people = (count: number) => Array.from({ length: count }, (_, number) => person(number))

/** Every account is there once, with all its events; and every identifier leads to the account that has it. */
async function everybodyIsThereOnce(count: number): Promise<void> {
  const accounts = new Map<string, string[]>()
  for (const { stream, type } of await cli.events('account-')) accounts.set(stream, [...(accounts.get(stream) ?? []), type])
  expect(accounts.size).toBe(count)
  for (const types of accounts.values()) {
    expect(types.slice(0, 3)).toEqual(['AccountRegistered', 'PasswordSet', 'ContactAdded'])
    expect(types.filter((type) => type === 'AccountRegistered')).toHaveLength(1)
  }
  const { engine, close } = await openEngine(readConfig({ KEYLEDGER_DATA: cli.data }), {}, { history: async () => 'unavailable' })
  const owners = new Set<string | undefined>()
  for (const { email, phone, username } of people(count)) {
    const owner = (await engine.accounts.find(email))?.id
    owners.add(owner)
    for (const name of [phone, username]) if (name) expect((await engine.accounts.find(name))?.id, name).toBe(owner)
  }
  expect(owners.size).toBe(count)
  expect(owners).not.toContain(undefined)
  await close()
}

describe('An import', () => {
  test('takes NDJSON, and run again finds everybody there', async () => {
    const file = cli.file('people.ndjson', ndjson(people(many)))
    const began = performance.now()
    const first = await cli.run('accounts', 'import', file)
    if (process.env['PROVE']) console.log(`${many} people at ${Math.round((many / (performance.now() - began)) * 1000)}/s, start included`)
    expect(first).toEqual({ code: 0, out: `registered ${many}, already there 0, refused 0\n`, err: '' })
    expect(await cli.run('accounts', 'import', file)).toMatchObject({ code: 0, out: `registered 0, already there ${many}, refused 0\n` })
    await everybodyIsThereOnce(many)
  })

  test('takes CSV, tells each bad row by its line without repeating it, and imports the rest', async () => {
    const file = cli.file(
      'people.csv',
      [
        '\uFEFFemail,phone,username,password_hash,mfa,locale',
        'ada@example.com,,,$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW,yes,de-AT',
        'no address,,,,,',
        ',,"bob, the second",,,',
        ',,bob,$1$secret$hash,,',
        ',,bob,,maybe,',
        ',,bob,,,too-long-for-a-language',
        ',,,,,',
        'too,few',
        ',+436601234567,carol,,1,',
        'ada@example.com,,,,,',
        ',+436601234567,dave,,,',
        '',
      ].join('\r\n'),
    )
    const { code, out, err } = await cli.run('accounts', 'import', file)
    expect(out).toBe('registered 2, already there 1, refused 8\n')
    expect(code).toBe(2)
    const told = new Map(err.trim().split('\n').map((line): [number, string] => [Number(/^row (\d+): /.exec(line)?.[1]), line]))
    expect([...told.keys()].sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 8, 9, 12])
    expect(told.get(5)).toContain('password')
    expect(told.get(6)).toContain('mfa')
    expect(told.get(7)).toContain('locale')
    expect(told.get(12)).toContain('another account')
    for (const text of ['no address', 'secret', 'second', 'maybe']) expect(err).not.toContain(text)
    expect((await cli.run('accounts', 'show', 'carol', '--json')).out).toContain('sms +436601234567')
    expect(JSON.parse((await cli.run('accounts', 'show', 'ada@example.com', '--json')).out)).toMatchObject({ mfa: true, locale: 'de-AT', password: 'set (bcrypt)' })
  })

  test('says at once that a column is not known, and imports nobody', async () => {
    const { code, err } = await cli.run('accounts', 'import', cli.file('people.csv', 'email,shoe_size\nada@example.com,38\n'))
    expect(code).toBe(1)
    expect(err).toContain('shoe_size')
    expect(existsSync(cli.data)).toBe(false)
  })

  test('reads standard input, and tells what is no JSON and what has a key that is not known', async () => {
    const { code, out, err } = await cli.runWith(`${ndjson([person(1)])}{"email"\n${ndjson([{ email: 'b@example.com', shoe_size: 38 }])}`, 'accounts', 'import', '-', '--format', 'ndjson')
    expect([code, out]).toEqual([2, 'registered 1, already there 0, refused 2\n'])
    expect(err).toMatch(/^row 2: .*JSON/m)
    expect(err).toMatch(/^row 3: .*shoe_size/m)
  })

  test('that is killed is completed by the next one: nobody is doubled, and no identifier is lost', async () => {
    const count = kills * (process.env['PROVE'] ? 1_000 : 500)
    const file = cli.file('people.ndjson', ndjson(people(count)))
    for (let kill = 1; kill <= kills; kill += 1) {
      const { child, ended } = cli.start(['accounts', 'import', file])
      // In the middle of the writing: among the first claims, and further on.
      const goal = cli.logged() + 60_000 + (kill % 4) * 500_000
      const watch = setInterval(() => cli.logged() > goal && child.kill('SIGKILL'), 1)
      expect((await ended).code).toBeNull()
      clearInterval(watch)
    }
    const begun = (await cli.events('account-')).filter(({ type }) => type === 'AccountRegistered').length
    expect(begun).toBeGreaterThan(0)
    expect(begun).toBeLessThan(count)
    const last = await cli.run('accounts', 'import', file)
    expect(last).toMatchObject({ code: 0, err: '' })
    await everybodyIsThereOnce(count)
  })

  test('twice at once does no harm', async () => {
    const file = cli.file('people.ndjson', ndjson(people(500)))
    const both = await Promise.all([cli.run('accounts', 'import', file), cli.run('accounts', 'import', file)])
    const registered = both.map(({ code, err, out }) => {
      expect({ code, err }).toEqual({ code: 0, err: '' })
      return Number(/^registered (\d+), already there \d+, refused 0\n$/.exec(out)?.[1])
    })
    expect(registered.reduce((sum, one) => sum + one)).toBe(500)
    await everybodyIsThereOnce(500)
  })

  test('lets the first one of the rows that share an identifier decide', async () => {
    const rows = people(200).flatMap(({ email, ...rest }) => [{ email, ...rest }, { email }, { email, username: `again.${email}` }])
    const { code, out, err } = await cli.run('accounts', 'import', cli.file('people.ndjson', ndjson(rows)))
    expect({ code, out }).toEqual({ code: 2, out: 'registered 200, already there 200, refused 200\n' })
    expect(new Set(err.trim().split('\n').map((line) => line.replace(/^row \d+/, 'row')))).toEqual(new Set(['row: an identifier belongs to another account']))
    await everybodyIsThereOnce(200)
  })

  test('into EventStoreDB ends with a sentence while that is away, and goes on when it is back', async () => {
    const node = await startStandIn()
    const environment = {
      EVENTSTOREDB_URL: node.url,
      DATABASE_URL: 'postgres://localhost/unused',
      KEYLEDGER_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
      KEYLEDGER_CONFIG: join(import.meta.dirname, '../keyledger.example.json'),
      SMTP_URL: 'smtp://localhost',
      MAIL_FROM: 'codes@example.com',
    }
    const run = () => cli.start(['accounts', 'import', cli.file('people.ndjson', ndjson(people(20))), '--as', 'jo', '--why', 'Ticket 4711'], '', environment).ended
    try {
      expect(await run()).toEqual({ code: 0, out: 'registered 20, already there 0, refused 0\n', err: '' })
      await node.kill()
      const away = await run()
      expect(away).toMatchObject({ code: 1, out: '' })
      expect(away.err).toMatch(/^Not done: .+\n$/)
      await node.revive()
      expect(await run()).toEqual({ code: 0, out: 'registered 0, already there 20, refused 0\n', err: '' })
    } finally {
      await node.stop()
    }
  })
})

describe('Beside an engine that serves', () => {
  test('neither waits for long: people are added by both at once', async () => {
    const keyledger = await startKeyledger(readConfig({ PORT: '0', KEYLEDGER_DATA: cli.data }))
    try {
      let ended = false
      const importing = cli.run('accounts', 'import', cli.file('people.ndjson', ndjson(people(many / 2)))).finally(() => (ended = true))
      for (let number = 0; !ended; number += 1) {
        const added = await keyledger.engine.accounts.register({ source: 'added', identifiers: [`beside.${number}`] }, 'cli:test')
        expect(added.outcome).toBe('registered')
      }
      expect(await importing).toEqual({ code: 0, out: `registered ${many / 2}, already there 0, refused 0\n`, err: '' })
      for (const { email } of people(40)) expect(await keyledger.engine.accounts.find(email)).toBeDefined()
    } finally {
      await keyledger.close()
    }
  })

  test('people are imported, sign in with the hashes that they had, get a better one, and their projections are rebuilt', async () => {
    const codes = new Map<string, string>()
    const config = readConfig({ PORT: '0', KEYLEDGER_DATA: cli.data })
    const keyledger = await startKeyledger(config, {
      patience: 20_000,
      deliver: async ({ to, code = '' }) => {
        codes.set(to, code)
        return { delivered: true }
      },
    })
    try {
      await keyledger.ready
      expect(await cli.run('accounts', 'import', cli.file('people.ndjson', ndjson(people(40))))).toMatchObject({ code: 0 })

      const passwords = ['pleaseletmein', 'password', 'U*U', 'password']
      for (const [number, password] of passwords.entries()) {
        const { email } = person(number)
        const app = createClient({ url: keyledger.url, app: 'demo', origin: 'https://localhost', installation: randomUUID() })
        await app.start(email)
        expect(await app.password(password), `the hash of ${email}`).toMatchObject({ status: 200 })
      }
      await keyledger.engine.settled()
      for (const number of passwords.keys()) {
        const shown = JSON.parse((await cli.run('accounts', 'show', person(number).email, '--json')).out)
        expect(shown.password, person(number).email).toBe('set (argon2id)')
      }
      expect((await cli.events('account-')).filter(({ type }) => type === 'PasswordSet')).toHaveLength(44)

      const status = await cli.run('projections', 'status')
      expect(status.code).toBe(0)
      for (const name of ['sessions', 'append_history', 'accounts']) expect(status.out).toContain(`${name}: `)
      const rebuilt = await cli.run('projections', 'rebuild', '--all')
      expect(rebuilt).toMatchObject({ code: 0 })
      expect(rebuilt.out).toMatch(/accounts: 40 rows, 0 of them new or changed, 0 removed, 0 set aside/)
      expect(rebuilt.out).toMatch(/sessions: 4 rows, 0 of them new or changed, 0 removed, 0 set aside/)

      const figuresOf = async (metric: string) => (await fetch(`${keyledger.url}/v1/adoption/${metric}`, { headers: { Authorization: `Bearer ${keyledger.consoleKey}` } })).json()
      expect(await figuresOf('logins')).toMatchObject({ k: 1, rows: [{ group: { proof: 'password' }, people: 4, values: { count: 4 } }] })
      expect(await figuresOf('activation')).toMatchObject({ rows: [{ values: { numerator: 0, denominator: 40 } }] })
    } finally {
      await keyledger.close()
    }
  })
})
