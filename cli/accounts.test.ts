import { userInfo } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFolder } from './testing.ts'

let cli: ReturnType<typeof openFolder>
beforeEach(() => {
  cli = openFolder()
})
afterEach(() => cli.remove())

const password = 'correct horse battery staple'

test('Nobody is there who was not added', async () => {
  for (const name of ['admin', 'root', 'demo', 'ada@example.com']) expect((await cli.run('accounts', 'show', name)).err).toContain('there is no such account')
  expect(await cli.events('account-', 'identifier-')).toEqual([])
})

describe('An account is added from the terminal', () => {
  test('and shown in plain words, by its identifier and by its id, without its hash', async () => {
    const added = await cli.run('accounts', 'add', 'Ada@Example.com', '+43 660 1234567', '--password', password, '--mfa', '--locale', 'de', '--as', 'jo', '--why', 'Ticket 4711')
    expect(added).toMatchObject({ code: 0, err: '' })
    const id = added.out.trim()
    const changes = (await cli.events('audit-', 'identifier-', 'account-')).map(({ type }) => type)
    expect(changes).toEqual(['OperatorActed', 'IdentifierClaimed', 'IdentifierClaimed', 'AccountRegistered', 'PasswordSet', 'ContactAdded', 'ContactAdded'])
    for (const who of ['ada@example.com', '+436601234567', id]) {
      const { code, out } = await cli.run('accounts', 'show', who)
      expect(code).toBe(0)
      for (const said of [id, 'email ada@example.com', 'phone +436601234567', 'sms +436601234567', 'argon2id', 'de']) expect(out).toContain(said)
      expect(out).not.toContain('$argon2id')
    }
    const { out } = await cli.run('accounts', 'show', id, '--json')
    expect(JSON.parse(out)).toMatchObject({ account: id, status: 'active', mfa: true })
    // Who looked, and at whom; never what was typed to find them.
    const looked = { who: userInfo().username, what: 'accounts show', why: 'from the terminal', subject: `account-${id}` }
    expect(await cli.acts()).toEqual([{ who: 'jo', what: 'accounts add', why: 'Ticket 4711' }, looked, looked, looked, looked])
  })

  test('with a password from standard input, so that no other user of the machine sees it', async () => {
    const added = await cli.runWith(`${password}\n`, 'accounts', 'add', 'ada', '--password-stdin')
    expect(added.code).toBe(0)
    expect((await cli.run('accounts', 'show', 'ada')).out).toContain('argon2id')
  })

  test('with a password that the configuration lets be set', async () => {
    cli.file('common.txt', Array.from({ length: 3_000 }, (_, n) => `letmein everybody ${n}`).join('\n'))
    const apps = [{ id: 'shop', name: 'Northwind', rpId: 'shop.example' }]
    const KEYLEDGER_CONFIG = cli.file('keyledger.json', JSON.stringify({ apps, passwords: { minLength: 12, blocklist: 'common.txt' } }))
    const add = (plain: string) => cli.start(['accounts', 'add', 'ada', '--password', plain], '', { KEYLEDGER_CONFIG }).ended
    expect((await add('Letmein Everybody 7')).err).toContain('guessable')
    expect((await add('northwind-2026')).err).toContain('guessable')
    expect((await add('x'.repeat(11))).err).toContain('too short')
    expect((await add(password)).code).toBe(0)
  })

  test('once', async () => {
    await cli.run('accounts', 'add', 'ada@example.com')
    const again = await cli.run('accounts', 'add', 'ADA@example.com')
    expect(again.code).not.toBe(0)
    expect(again.err).toContain('already')
    expect((await cli.events('account-')).filter(({ type }) => type === 'AccountRegistered')).toHaveLength(1)
  })

  test.each([
    ['a password that is too short', ['ada', '--password', 'short'], 'short'],
    ['an identifier that is none', ['no good'], 'identifier'],
    ['a contact that is no address', ['ada', '--email', 'nowhere'], 'e-mail'],
  ])('but not with %s', async (_, args, reason) => {
    const { code, err, out } = await cli.run('accounts', 'add', ...args)
    expect(code).not.toBe(0)
    expect(out).toBe('')
    expect(err).toContain(reason)
    expect(err).not.toMatch(/\n\s+at /)
  })
})

describe('A mistake is answered with a sentence', () => {
  test.each([
    ['an unknown command', ['accounts', 'explode']],
    ['an unknown option', ['accounts', 'show', 'ada', '--loudly']],
    ['a missing operand', ['accounts', 'import']],
    ['too much', ['projections', 'status', 'now']],
    ['nothing', []],
  ])('and how to do it, for %s', async (_, args) => {
    const { code, err } = await cli.run(...args)
    expect(code).toBe(64)
    expect(err).toContain('Usage:')
    expect(err).not.toMatch(/\n\s+at /)
  })

  test('for an account and for a projection that there are not', async () => {
    for (const args of [['accounts', 'show', 'nobody'], ['projections', 'rebuild', 'nothing']]) {
      const { code, err } = await cli.run(...args)
      expect(code).not.toBe(0)
      expect(err).toContain('there is no')
      expect(err).not.toMatch(/\n\s+at /)
    }
  })
})

test('A new signing key is named, and from when on it signs', async () => {
  const { code, out } = await cli.run('keys', 'rotate-signing')
  expect(code).toBe(0)
  expect(out.trim()).toMatch(/^\d{4}-\d{2}-\d{2}-[\w-]{8} is published, and signs from \d{4}-.*Z on$/)
})
