import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BadConfig, readConfig, readPolicyAnew } from './config.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const fileOf = (content: unknown, name = 'keyledger.json'): string => {
  const file = join(folder, name)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}
/** Nothing of the machine that the tests run on. */
const read = (environment: Record<string, string | undefined> = {}, content: unknown = {}) => readConfig({ KEYLEDGER_CONFIG: fileOf(content), ...environment })
const problemsOf = (environment: Record<string, string | undefined>, content?: unknown): readonly string[] => {
  try {
    read(environment, content)
    return []
  } catch (error) {
    if (!(error instanceof BadConfig)) throw error
    return error.problems
  }
}
const [one, other] = [randomBytes(32), randomBytes(32)]
const shop = { id: 'shop', name: 'Northwind Shop', rpId: 'shop.example' }
const production = {
  EVENTSTOREDB_URL: 'esdb+discover://admin:esdb-secret@events.example:2113',
  DATABASE_URL: 'postgres://keyledger:pg-secret@db.example/keyledger',
  KEYLEDGER_MASTER_KEY: one.toString('base64'),
  SMTP_URL: 'smtps://mailer:smtp-secret@mail.example',
  MAIL_FROM: 'Northwind <no-reply@shop.example>',
}
const productionFile = { issuer: 'https://login.shop.example', apps: [shop] }

describe('Without any configuration', () => {
  test('the engine is embedded: SQLite and Postgres in a data folder, a demo app, codes on the terminal, on this machine alone', () => {
    const { apps, policy, backends, file, ...config } = read()
    expect(config).toEqual({
      host: '127.0.0.1', port: 8787, dataFolder: 'data', eventStoreDbUrl: undefined, databaseUrl: undefined, masterKeys: undefined,
      email: undefined, sms: undefined, deliveryPlaintext: false, trustedHops: 0, metricsToken: undefined, logLevel: 'warn', issuer: undefined,
      passwords: { minLength: 8, blocklist: [] }, access: undefined, accessClientSecret: undefined, ledger: { everySeconds: 60, everyEvents: 1_000, witnesses: [] }, adoption: { k: 1, plannedPeople: undefined, patienceMs: 50 }, retentionMonths: 13, feeds: [], opens: 'admin', flowSeconds: 900, sweepMs: 5_000,
      policyVersionStated: false,
    })
    expect(backends).toEqual([])
    expect(apps.map(({ id, rpId, web }) => ({ id, rpId, web }))).toEqual([{ id: 'demo', rpId: 'localhost', web: ['http://localhost:8787'] }])
    expect(policy).toMatchObject({ order: ['append', 'otp', 'pin', 'biometrics'], withPasskey: { otp: 'required' }, withoutPasskey: { otp: 'required' } })
  })

  test('figures of few people are hidden once there are apps of one’s own, from ten people on or as many as the file says', () => {
    expect(read().adoption.k).toBe(1)
    expect(read({}, { apps: [shop] }).adoption.k).toBe(10)
    expect(read({}, { apps: [shop], adoption: { k: 25, plannedPeople: 5_000, patienceMs: 0 } }).adoption).toEqual({ k: 25, plannedPeople: 5_000, patienceMs: 0 })
    expect(problemsOf({}, { adoption: { k: 0 } })).toEqual([expect.stringMatching(/adoption\.k/)])
  })

  test('a variable that is set to nothing is not set', () => {
    expect(read({ PORT: '', EVENTSTOREDB_URL: '', SMTP_URL: '' })).toEqual(read())
  })
})

describe('In production', () => {
  test('checkpoints go to witnesses, of which files stand beside the configuration, and each that cannot be reached is told', () => {
    const witnesses = [{ file: 'kept.ndjson' }, { webhook: 'https://kept.example/log' }, { email: 'auditor@kept.example' }]
    const { ledger } = read(production, { ...productionFile, ledger: { everyEvents: 5, witnesses } })
    expect(ledger).toEqual({ everySeconds: 60, everyEvents: 5, witnesses: [{ file: expect.stringMatching(/^\/.*\/kept\.ndjson$/) }, witnesses[1], { ...witnesses[2], everySeconds: 86_400 }] })
    const { SMTP_URL: _, MAIL_FROM: __, ...silent } = production
    expect(problemsOf(silent, { ...productionFile, ledger: { witnesses: [{ email: 'auditor@kept.example' }, { webhook: 'http://kept.example/log' }] } })).toEqual(
      expect.arrayContaining([expect.stringContaining('takes SMTP_URL'), expect.stringContaining('must be https')]),
    )
  })

  test('all that is given is taken', () => {
    const sms = { SMS_WEBHOOK_URL: 'https://sms.example/hook', SMS_WEBHOOK_SECRET: 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz', DELIVERY_PLAINTEXT: 'true' }
    const config = read({ ...production, ...sms, HOST: '::', PORT: '80' }, { ...productionFile, flowSeconds: 600 })
    expect(config).toMatchObject({
      host: '::', port: 80, eventStoreDbUrl: production.EVENTSTOREDB_URL, databaseUrl: production.DATABASE_URL, masterKeys: [one],
      email: { url: production.SMTP_URL, from: production.MAIL_FROM }, sms: { url: 'https://sms.example/hook', secret: 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz' },
      deliveryPlaintext: true, issuer: 'https://login.shop.example', flowSeconds: 600,
    })
    expect(config.apps.map(({ id }) => id)).toEqual(['shop'])
  })

  test('nothing of the embedded default is used by accident', () => {
    expect(problemsOf({ EVENTSTOREDB_URL: production.EVENTSTOREDB_URL })).toEqual([
      'KEYLEDGER_MASTER_KEY or KEYLEDGER_MASTER_KEY_FILE is needed with EVENTSTOREDB_URL: 32 random bytes as base64',
      'DATABASE_URL is needed with EVENTSTOREDB_URL: several engines share one Postgres',
      'apps are needed in the configuration file with EVENTSTOREDB_URL',
      'issuer is needed in the configuration file with EVENTSTOREDB_URL: it stands in every token',
      'SMTP_URL or SMS_WEBHOOK_URL is needed: the policy asks for codes',
    ])
  })

  test('each request leaves a line, and the embedded default leaves the terminal to codes, unless it is said otherwise', () => {
    expect([read(production, productionFile).logLevel, read().logLevel]).toEqual(['info', 'warn'])
    expect([read({ ...production, LOG_LEVEL: 'error' }, productionFile).logLevel, read({ LOG_LEVEL: 'debug' }).logLevel]).toEqual(['error', 'debug'])
  })

  test('security events go to feeds, of which files stand beside the configuration, and webhooks are signed', () => {
    const feeds = [{ file: 'security.ndjson' }, { webhook: 'https://siem.example/events', since: '2026-03-02T09:00:00+01:00' }]
    const secret = `whsec_${Buffer.alloc(24).toString('base64')}`
    const { feeds: configured, opens } = read({ ...production, FEED_WEBHOOK_SECRET: secret }, { ...productionFile, feeds, audit: { opens: 'auditor' } })
    expect(configured).toEqual([{ file: expect.stringMatching(/^\/.*\/security\.ndjson$/) }, { webhook: 'https://siem.example/events', since: '2026-03-02T08:00:00.000Z', secret }])
    expect(opens).toBe('auditor')
    expect(problemsOf(production, { ...productionFile, feeds: [{ webhook: 'http://siem.example/events' }] })).toEqual([
      'feeds: a webhook takes FEED_WEBHOOK_SECRET, by which it is signed',
      'feeds: a webhook must be https, or DELIVERY_PLAINTEXT true',
    ])
    expect(problemsOf(production, { ...productionFile, feeds: [{ file: 'a' }, { file: 'a' }], audit: { opens: 'analyst' } })).toHaveLength(2)
  })

  test('what is before the engine is told to it, and who may read its metrics', () => {
    expect(read({ TRUSTED_HOPS: '2', METRICS_TOKEN: 'a-token-for-the-metrics' })).toMatchObject({ trustedHops: 2, metricsToken: 'a-token-for-the-metrics' })
    expect(problemsOf({ TRUSTED_HOPS: '-1', METRICS_TOKEN: 'my secret', LOG_LEVEL: 'loud' })).toEqual([
      'TRUSTED_HOPS must be a number from 0 to 10',
      'METRICS_TOKEN must be 16 characters or more, of those that a bearer token may have',
      'LOG_LEVEL must be one of error, warn, info, debug',
    ])
  })

  test('no carrier is needed where no code is asked for', () => {
    const { SMTP_URL: _, MAIL_FROM: __, ...rest } = production
    const branch = { otp: 'off' }
    expect(problemsOf(rest, { ...productionFile, policy: { withPasskey: branch, withoutPasskey: branch } })).toEqual([])
    expect(problemsOf(rest, { ...productionFile, policy: { withPasskey: branch } })).toEqual(['SMTP_URL or SMS_WEBHOOK_URL is needed: the policy asks for codes'])
  })

  test('the carrier is needed by which the policy sends codes', () => {
    expect(problemsOf(production, { ...productionFile, policy: { codesBy: ['sms'] } })).toEqual(['SMS_WEBHOOK_URL is needed: the policy asks for codes'])
    expect(problemsOf(production, { ...productionFile, policy: { codesBy: ['email'] } })).toEqual([])
  })

  test('the master key may stand in a file, and be several', () => {
    const { KEYLEDGER_MASTER_KEY: _, ...rest } = production
    const file = fileOf(`${one.toString('base64')},${other.toString('base64url')}\n`, 'master.key')
    expect(read({ ...rest, KEYLEDGER_MASTER_KEY_FILE: file }, productionFile).masterKeys).toEqual([one, other])
  })
})

describe('The policy', () => {
  test('has a version that somebody chose, or the default', () => {
    const chosen = (policy: object) => (({ policy: { version }, policyVersionStated }) => [version, policyVersionStated])(read({}, { policy }))
    expect([chosen({}), chosen({ version: '1' }), chosen({ version: '7' })]).toEqual([['1', false], ['1', true], ['7', true]])
  })

  test('is read anew, and tells which other sections have changed', () => {
    const config = read(production, { ...productionFile, flowSeconds: 600 })
    fileOf({ ...productionFile, issuer: 'https://other.example', passwords: { minLength: 12 }, policy: { version: '8', append: { mode: 'automatic' } } })
    const { policy, stated, restart } = readPolicyAnew(config)
    expect([policy.version, policy.append.mode, stated, restart.toSorted()]).toEqual(['8', 'automatic', true, ['flowSeconds', 'issuer', 'passwords']])
  })

  test('must be as good as at the start', () => {
    const config = read(production, productionFile)
    fileOf({ ...productionFile, policy: { codesBy: ['sms'] } })
    expect(() => readPolicyAnew(config)).toThrow('SMS_WEBHOOK_URL is needed: the policy asks for codes')
    fileOf({ ...productionFile, policy: { codesBy: [] } })
    expect(() => readPolicyAnew(config)).toThrow(/policy\.codesBy/)
  })

  test('stops no app that there is not', () => {
    const append = { killSwitch: { apps: ['shop', 'shopp'] } }
    expect(problemsOf(production, { ...productionFile, policy: { append } })).toEqual([expect.stringMatching(/policy\.append\.killSwitch\.apps: there is no app shopp$/)])
  })
})

describe('What is wrong', () => {
  test('is told in one list', () => {
    const wrong = {
      PORT: '70000', EVENTSTOREDB_URL: 'https://events.example', DATABASE_URL: 'mysql://db.example', SMTP_URL: 'mail.example', SMS_WEBHOOK_SECRET: 'secret',
      KEYLEDGER_MASTER_KEY: 'c2hvcnQ=', DELIVERY_PLAINTEXT: 'perhaps',
    }
    const problems = problemsOf(wrong, { issuer: 'login', apps: [{ ...shop, rpId: 'no host' }], policy: { order: ['append', 'otp'] }, flowSeconds: 1, colour: 'blue' })
    for (const named of [
      /^PORT must be a number from 0 to 65535$/, /^EVENTSTOREDB_URL must be a URL that begins with esdb:\/\/ or esdb\+discover:\/\/$/,
      /^DATABASE_URL must be /, /^SMTP_URL must be /, /^SMS_WEBHOOK_SECRET must be whsec_/, /^DELIVERY_PLAINTEXT /,
      /^KEYLEDGER_MASTER_KEY: a master key is 32 bytes, as base64$/, /^SMTP_URL and MAIL_FROM go together$/, /^SMS_WEBHOOK_URL and SMS_WEBHOOK_SECRET go together$/,
      /keyledger\.json: issuer: /, /keyledger\.json: apps\.0\.rpId: /,
      /keyledger\.json: policy\.order: must name each of append, otp, pin, biometrics once$/, /keyledger\.json: flowSeconds: /, /keyledger\.json: the file: .*colour/,
    ]) expect(problems).toContainEqual(expect.stringMatching(named))
    expect(problems).toHaveLength(14)
  })

  test('is told a line each, in a message that can be shown', () => {
    const told = 'The configuration is not complete:\n  - PORT must be a number from 0 to 65535\n  - SMTP_URL and MAIL_FROM go together'
    expect(() => read({ PORT: 'http', SMTP_URL: 'smtp://mail.example' })).toThrow(told)
  })

  test.each<[string, Record<string, string>]>([
    ['a master key that is none', { KEYLEDGER_MASTER_KEY: 'my-secret-master-key' }],
    ['two of them, one wrong', { KEYLEDGER_MASTER_KEY: `${one.toString('base64')},my-secret-master-key` }],
    ['a database of another kind', { DATABASE_URL: 'mysql://me:my-secret@db.example' }],
    ['an event store of another kind', { EVENTSTOREDB_URL: 'http://me:my-secret@db.example' }],
    ['a mail server of another kind', { SMTP_URL: 'imap://me:my-secret@mail.example' }],
    ['an SMS secret without its mark', { SMS_WEBHOOK_SECRET: 'my-secret', SMS_WEBHOOK_URL: 'https://sms.example' }],
  ])('is told without a word of the secret: %s', (_, environment) => {
    const problems = problemsOf(environment)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.join()).not.toMatch(/my-secret/)
    expect(problems.join()).not.toContain(one.toString('base64'))
  })

  test.each<[string, object[], RegExp]>([
    ['no app', [], /apps: must name at least one app/],
    ['an app twice', [shop, { ...shop, name: 'Another' }], /apps: must not name two apps by the same id/],
    ['a bad id', [{ ...shop, id: 'Shop!' }], /apps\.0\.id: must be 1 to 64 of/],
    ['a certificate that is none', [{ ...shop, android: [{ package: 'a.b', fingerprints: ['AB:CD'] }] }], /fingerprints\.0: must be the SHA-256 of a certificate/],
    ['an origin with a path', [{ ...shop, web: ['https://shop.example/login'] }], /web\.0: must be an origin/],
    ['an unknown field', [{ ...shop, secret: 'x' }], /apps\.0: .*secret/],
  ])('in the apps is told by its place: %s', (_, apps, problem) => expect(problemsOf({}, { apps })).toEqual([expect.stringMatching(problem)]))

  test('with the file is told, and of a file that cannot be read it is not said what it lacks', () => {
    expect(problemsOf({}, '{"apps":')).toEqual([expect.stringMatching(/keyledger\.json is not JSON$/)])
    expect(problemsOf(production, '{"apps":')).toEqual([expect.stringMatching(/keyledger\.json is not JSON$/)])
    const missing = join(folder, 'missing.json')
    expect(problemsOf({ KEYLEDGER_CONFIG: missing })).toEqual([`KEYLEDGER_CONFIG: there is no file ${missing}`])
    mkdirSync(join(folder, 'folder'))
    expect(problemsOf({ KEYLEDGER_CONFIG: join(folder, 'folder') })).toEqual([expect.stringMatching(/folder cannot be read$/)])
  })

  test('with the master key is told by the name of the variable', () => {
    expect(problemsOf({ KEYLEDGER_MASTER_KEY_FILE: join(folder, 'missing') })).toEqual(['KEYLEDGER_MASTER_KEY_FILE: the file cannot be read'])
    expect(problemsOf({ KEYLEDGER_MASTER_KEY_FILE: fileOf('x', 'bad') })).toEqual(['KEYLEDGER_MASTER_KEY_FILE: a master key is 32 bytes, as base64'])
    const both = { KEYLEDGER_MASTER_KEY: one.toString('base64'), KEYLEDGER_MASTER_KEY_FILE: fileOf(one.toString('base64'), 'good') }
    expect(problemsOf(both)).toEqual(['KEYLEDGER_MASTER_KEY and KEYLEDGER_MASTER_KEY_FILE: give one of them'])
  })
})

test('A certificate’s fingerprint is taken as keytool prints it, and as Android apps name it', () => {
  const bytes = randomBytes(32)
  const hex = bytes.toString('hex').toUpperCase().replace(/..(?!$)/g, '$&:')
  const { apps } = read({}, { apps: [{ ...shop, android: [{ package: 'a.b', fingerprints: [hex, bytes.toString('base64url')] }] }] })
  expect(apps[0]?.android[0]?.fingerprints).toEqual([bytes.toString('base64url'), bytes.toString('base64url')])
})

describe('What may be set as a password', () => {
  const listOf = (many: number, length = 15): string => fileOf(Array.from({ length: many }, (_, n) => String(n).padStart(length, '0')).join('\r\n'), 'common.txt')

  test('is at least so long, and none of a list that stands beside the configuration file', () => {
    listOf(3_000)
    const { passwords } = read({}, { passwords: { minLength: 15, blocklist: 'common.txt' } })
    expect([passwords.minLength, passwords.blocklist.length, passwords.blocklist[7]]).toEqual([15, 3_000, '000000000000007'])
  })

  test('is not judged by a list that is not there, or is too short to be of use', () => {
    const blocklist = join(folder, 'common.txt')
    expect(problemsOf({}, { passwords: { blocklist: 'common.txt' } })).toEqual([`passwords.blocklist: ${blocklist} cannot be read`])
    listOf(4_000, 8)
    expect(problemsOf({}, { passwords: { minLength: 9, blocklist: 'common.txt' } })).toEqual([`passwords.blocklist: ${blocklist} has 0 passwords of 9 characters or more, 3000 are the least`])
    expect(problemsOf({}, { passwords: { minLength: 7 } })).toHaveLength(1)
  })
})

describe('Who may look', () => {
  const access = { issuer: 'https://id.example', clientId: 'console', audience: 'https://keyledger.example/v1' }

  test('is for the provider to say, by the roles that it names', () => {
    const config = read({ ACCESS_CLIENT_SECRET: 'the secret' }, { access: { ...access, roles: { analyst: ['product'] } } })
    expect(config).toMatchObject({
      accessClientSecret: 'the secret',
      access: { ...access, roleClaim: 'roles', roles: { analyst: ['product'], auditor: ['auditor'], admin: ['admin'] }, scope: 'openid profile', tokenType: 'at+jwt' },
    })
    expect(read().access).toBeUndefined()
  })

  test.each<[string, object, string]>([
    ['a provider without TLS', { issuer: 'http://id.example' }, 'access.issuer: must be https, or http on this machine'],
    ['a console without TLS', { consoleUrl: 'http://keyledger.example' }, 'access.consoleUrl: must be https, or http on this machine'],
    ['a console at a path', { consoleUrl: 'https://keyledger.example/console' }, 'access.consoleUrl: must be an origin, such as https://keyledger.example'],
    ['a sign-in that is none', { scope: 'profile' }, 'access.scope: must have openid among its values'],
    ['tokens that nothing tells from ID tokens', { tokenType: 'JWT', audience: 'console' }, 'access.audience: must not be clientId where tokenType is JWT'],
  ])('is not told by %s', (_, wrong, problem) => {
    expect(problemsOf({}, { access: { ...access, ...wrong } })).toEqual([expect.stringContaining(problem)])
  })

  test('a secret without a provider is a slip', () => {
    expect(problemsOf({ ACCESS_CLIENT_SECRET: 'the secret' })).toEqual(['ACCESS_CLIENT_SECRET needs access in the configuration file'])
  })
})

describe('A backend of the service API', () => {
  const bytes = randomBytes(32)
  const backend = (keySha256: string, id = 'crm') => ({ id, keySha256 })
  const base64url = bytes.toString('base64url')

  test('is named with the hash of its key, as hex or base64url', () => {
    const { backends } = read({}, { backends: [backend(bytes.toString('hex').toUpperCase()), backend(other.toString('base64url'), 'shop')] })
    expect(backends).toEqual([backend(base64url), backend(other.toString('base64url'), 'shop')])
  })

  test('may have two keys while one takes the place of the other', () => {
    expect(read({}, { backends: [backend(base64url), backend(other.toString('base64url'))] }).backends).toHaveLength(2)
  })

  test.each<[string, object[], RegExp]>([
    ['the same key twice, whichever way it is written', [backend(base64url), backend(bytes.toString('hex'), 'shop')], /: backends: must not hold the same key twice$/],
    ['a key in place of its hash', [backend(`klb_${base64url}`)], /backends\.0\.keySha256: must be the SHA-256 of a key/],
    ['a hash that is cut off', [backend(base64url.slice(1))], /backends\.0\.keySha256: must be the SHA-256 of a key/],
    ['a slip in the hash', [backend(base64url.replace(/^../, '$&!'))], /backends\.0\.keySha256: must be the SHA-256 of a key/],
    ['a bad id', [backend(base64url, 'CRM 1')], /backends\.0\.id: must be 1 to 64 of/],
  ])('is refused with %s, which is not quoted', (_, backends, problem) => {
    const problems = problemsOf({}, { backends })
    expect(problems).toEqual([expect.stringMatching(problem)])
    expect(problems.join()).not.toContain(base64url.slice(1))
  })
})
