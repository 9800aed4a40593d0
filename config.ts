/** The only reader of the environment and of the configuration file. Everything that is missing or wrong is told at once. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { Role } from './access/roles.ts'
import { AccessSettings } from './access/settings.ts'
import type { FeedConfig } from './delivery/feeds.ts'
import { Policy } from './domain/policy.ts'
import type { Channel } from './domain/session/vocabulary.ts'
import { App } from './engine/apps.ts'
import { Backend } from './engine/backends.ts'
import { leastListed } from './factors/password-blocklist.ts'
import { levels, type Level } from './telemetry/logger.ts'
import { parseMasterKeys } from './vault/master-key.ts'

const url = (...protocols: string[]) =>
  z.string().refine((text) => protocols.includes(URL.parse(text)?.protocol ?? ''), `must be a URL that begins with ${protocols.map((one) => `${one}//`).join(' or ')}`)

const isWebhookSecret = (text: string): boolean => {
  const bytes = Buffer.from(text.replace(/^whsec_/, ''), 'base64').length
  return text.startsWith('whsec_') && bytes >= 24 && bytes <= 64
}

const Environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number('must be a number from 0 to 65535').int().min(0).max(65_535).default(8787),
  KEYLEDGER_DATA: z.string().default('data'),
  KEYLEDGER_CONFIG: z.string().optional(),
  KEYLEDGER_MASTER_KEY: z.string().optional(),
  KEYLEDGER_MASTER_KEY_FILE: z.string().optional(),
  EVENTSTOREDB_URL: url('esdb:', 'esdb+discover:').optional(),
  DATABASE_URL: url('postgres:', 'postgresql:').optional(),
  SMTP_URL: url('smtp:', 'smtps:').optional(),
  MAIL_FROM: z.string().regex(/^[^<>]*<?[^\s<>@]+@[^\s<>@]+>?$/, 'must be an address, such as Acme <no-reply@acme.example>').optional(),
  SMS_WEBHOOK_URL: url('https:', 'http:').optional(),
  TRUSTED_HOPS: z.coerce.number().refine((hops) => Number.isInteger(hops) && hops >= 0 && hops <= 10, 'must be a number from 0 to 10').default(0),
  METRICS_TOKEN: z.string().regex(/^[\w.~+/=-]{16,4096}$/, 'must be 16 characters or more, of those that a bearer token may have').optional(),
  ACCESS_CLIENT_SECRET: z.string().optional(),
  LOG_LEVEL: z.enum(levels, `must be one of ${levels.join(', ')}`).optional(),
  FEED_WEBHOOK_SECRET: z.string().refine(isWebhookSecret, 'must be whsec_ and the base64 of 24 to 64 random bytes').optional(),
  DELIVERY_PLAINTEXT: z.stringbool().default(false),
  SMS_WEBHOOK_SECRET: z.string().refine(isWebhookSecret, 'must be whsec_ and the base64 of 24 to 64 random bytes').optional(),
})

/** As facts have it. */
const Since = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString())

/** The configuration file, JSON: what the apps are, and what their logins look like. */
export const ConfigFile = z.strictObject({
  /** `iss` of the tokens: the public https address of the engine. */
  issuer: z.url().optional(),
  apps: z
    .array(App)
    .min(1, 'must name at least one app')
    .refine((apps) => new Set(apps.map(({ id }) => id)).size === apps.length, 'must not name two apps by the same id')
    .optional(),
  policy: Policy.prefault({}),
  passwords: z
    .strictObject({
      /** Characters of a password that is set. */
      minLength: z.int().min(8).max(64).default(8),
      /** A text file with a password a line, beside the configuration file: those that are tried first, or are known from breaches. */
      blocklist: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Who may use the service API. One backend may have two keys while it changes them. */
  backends: z
    .array(Backend)
    .refine((backends) => new Set(backends.map(({ keySha256 }) => keySha256)).size === backends.length, 'must not hold the same key twice')
    .default([]),
  /** Who may look from within the company. */
  access: AccessSettings.optional(),
  retention: z
    .strictObject({
      /** Months after the end of each month for which addresses, user agents, device models and identifiers as typed can be opened. Null: for ever. */
      months: z.int().min(1).max(1_200).nullable().default(13),
    })
    .prefault({}),
  ledger: z
    .strictObject({
      /** A checkpoint is signed when the last one is so old and something is new, and after so many new events at once. */
      everySeconds: z.int().min(1).max(86_400).default(60),
      everyEvents: z.int().min(1).default(1_000),
      /** Where checkpoints are sent: places that whoever runs the engine does not control. */
      witnesses: z
        .array(
          z.union([
            z.strictObject({ file: z.string().min(1) }),
            z.strictObject({ webhook: url('https:', 'http:') }),
            z.strictObject({ email: z.email(), everySeconds: z.int().min(1).default(86_400) }),
          ]),
        )
        .default([]),
    })
    .prefault({}),
  /** Where security events go, as OCSF in NDJSON. `since`: what happened before is not sent. */
  feeds: z
    .array(
      z.union([
        z.strictObject({ file: z.string().min(1), since: Since.optional() }),
        z.strictObject({ webhook: url('https:', 'http:'), since: Since.optional() }),
      ]),
    )
    .refine((feeds) => new Set(feeds.map((feed) => ('file' in feed ? feed.file : feed.webhook))).size === feeds.length, 'must not name the same place twice')
    .default([]),
  audit: z
    .strictObject({
      /** The role that may have sealed values opened, one look at a time and with a reason. */
      opens: Role.exclude(['analyst']).default('admin'),
    })
    .prefault({}),
  /** What analysts are shown. */
  adoption: z
    .strictObject({
      /** Groups of fewer people are not shown. Left out: 10; 1 as long as no app is configured, and so nobody's people are. */
      k: z.int().min(1).max(1_000).optional(),
      /** How many people each variant of a test is to have before it is looked at. */
      plannedPeople: z.int().min(1).optional(),
      // Milliseconds after which figures of some minutes ago are shown, while those of now are worked out.
      patienceMs: z.int().min(0).max(30_000).optional(),
    })
    .prefault({}),
  /** Seconds that a login may take. */
  flowSeconds: z.int().min(60).max(86_400).default(900),
  /** Milliseconds between two rounds that write down which logins ran out of time. */
  sweepMs: z.int().min(100).default(5_000),
}).superRefine(({ apps, policy }, { addIssue }) => {
  // A switch that stops nothing would be found out too late.
  for (const id of policy.append.killSwitch.apps) {
    if (apps && !apps.some((app) => app.id === id)) addIssue({ code: 'custom', path: ['policy', 'append', 'killSwitch', 'apps'], message: `there is no app ${id}` })
  }
})

export type Config = {
  host: string
  port: number
  dataFolder: string
  eventStoreDbUrl: string | undefined
  databaseUrl: string | undefined
  /** Undefined: made on first start, in the data folder. */
  masterKeys: readonly [Uint8Array, ...Uint8Array[]] | undefined
  email: { url: string; from: string } | undefined
  sms: { url: string; secret: string } | undefined
  /** Codes may travel without TLS: for a relay on the same host or network. */
  deliveryPlaintext: boolean
  /** How many proxies stand before the engine and append to `X-Forwarded-For`. */
  trustedHops: number
  /** Undefined: whoever reaches the listener may read the metrics. */
  metricsToken: string | undefined
  logLevel: Level
  issuer: string | undefined
  apps: readonly App[]
  policy: Policy
  /** Somebody chose its version; otherwise it is the default. */
  policyVersionStated: boolean
  /** What may be set as a password. */
  passwords: { minLength: number; blocklist: readonly string[] }
  backends: readonly Backend[]
  access: AccessSettings | undefined
  /** Of the console, as a client of the provider in `access`. */
  accessClientSecret: string | undefined
  /** Null: what ages is kept for ever. */
  retentionMonths: number | null
  ledger: z.infer<typeof ConfigFile>['ledger']
  feeds: readonly (FeedConfig & { since?: string | undefined })[]
  /** The role that may have sealed values opened. */
  opens: Role
  adoption: { k: number; plannedPeople: number | undefined; patienceMs?: number | undefined }
  flowSeconds: number
  sweepMs: number
  /** The configuration file: what stood in it, or undefined where there was none, and what was taken of it besides the policy. */
  file: { path: string; text: string | undefined; settled: Settled }
}

type Settled = Omit<z.infer<typeof ConfigFile>, 'policy'>

/** What is wrong with the configuration: a line each, never with a secret in it. */
export class BadConfig extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The configuration is not complete:\n${problems.map((one) => `  - ${one}`).join('\n')}`)
    this.problems = problems
  }
}

/** The app of the embedded default: enough to try everything on one machine. */
const demoApp: App = App.parse({
  id: 'demo',
  name: 'Keyledger Demo',
  rpId: 'localhost',
  ios: [{ teamId: 'ABCDE12345', bundleId: 'com.example.demo' }],
  web: ['http://localhost:8787'],
})

/** @throws BadConfig */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const problems: string[] = []
  // A variable that is set to nothing is not set.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''))
  const env = Environment.safeParse(set)
  if (!env.success) problems.push(...env.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`))
  const values = env.data ?? Environment.partial().parse({})
  const has = (name: keyof typeof Environment.shape): boolean => set[name] !== undefined

  const production = has('EVENTSTOREDB_URL')
  const path = set['KEYLEDGER_CONFIG'] ?? 'keyledger.json'
  const { file, text, stated } = configFile(path, has('KEYLEDGER_CONFIG'), problems)
  const blocklist = file?.passwords.blocklist === undefined ? [] : readBlocklist(resolve(dirname(path), file.passwords.blocklist), file.passwords.minLength, problems)
  const masterKeys = readMasterKeys(set, problems)
  if (production) {
    if (!masterKeys && !has('KEYLEDGER_MASTER_KEY') && !has('KEYLEDGER_MASTER_KEY_FILE')) {
      problems.push('KEYLEDGER_MASTER_KEY or KEYLEDGER_MASTER_KEY_FILE is needed with EVENTSTOREDB_URL: 32 random bytes as base64')
    }
    if (!has('DATABASE_URL')) problems.push('DATABASE_URL is needed with EVENTSTOREDB_URL: several engines share one Postgres')
    // Of a file that cannot be read it is not known what it lacks.
    if (file && !file.apps) problems.push('apps are needed in the configuration file with EVENTSTOREDB_URL')
    if (file && !file.issuer) problems.push('issuer is needed in the configuration file with EVENTSTOREDB_URL: it stands in every token')
  }
  if (has('ACCESS_CLIENT_SECRET') && file && !file.access) problems.push('ACCESS_CLIENT_SECRET needs access in the configuration file')
  if (has('SMTP_URL') !== has('MAIL_FROM')) problems.push('SMTP_URL and MAIL_FROM go together')
  if (set['SMS_WEBHOOK_URL']?.startsWith('http:') && !values.DELIVERY_PLAINTEXT) problems.push('SMS_WEBHOOK_URL must be https, or DELIVERY_PLAINTEXT true')
  for (const witness of file?.ledger.witnesses ?? []) {
    if ('email' in witness && !has('SMTP_URL')) problems.push('ledger.witnesses: one by e-mail takes SMTP_URL')
    if ('webhook' in witness && witness.webhook.startsWith('http:') && !values.DELIVERY_PLAINTEXT) problems.push('ledger.witnesses: a webhook must be https, or DELIVERY_PLAINTEXT true')
  }
  for (const feed of file?.feeds ?? []) {
    if (!('webhook' in feed)) continue
    if (!has('FEED_WEBHOOK_SECRET')) problems.push('feeds: a webhook takes FEED_WEBHOOK_SECRET, by which it is signed')
    if (feed.webhook.startsWith('http:') && !values.DELIVERY_PLAINTEXT) problems.push('feeds: a webhook must be https, or DELIVERY_PLAINTEXT true')
  }
  if (has('SMS_WEBHOOK_URL') !== has('SMS_WEBHOOK_SECRET')) problems.push('SMS_WEBHOOK_URL and SMS_WEBHOOK_SECRET go together')
  if (production && file) problems.push(...lacksCarrier(file.policy, has))
  if (problems.length > 0 || !file) throw new BadConfig(problems)

  const { SMTP_URL, MAIL_FROM, SMS_WEBHOOK_URL, SMS_WEBHOOK_SECRET } = values
  const { policy, ...settled } = file
  return {
    host: values.HOST ?? '127.0.0.1',
    port: values.PORT ?? 8787,
    dataFolder: values.KEYLEDGER_DATA ?? 'data',
    eventStoreDbUrl: values.EVENTSTOREDB_URL,
    databaseUrl: values.DATABASE_URL,
    masterKeys,
    email: SMTP_URL && MAIL_FROM ? { url: SMTP_URL, from: MAIL_FROM } : undefined,
    sms: SMS_WEBHOOK_URL && SMS_WEBHOOK_SECRET ? { url: SMS_WEBHOOK_URL, secret: SMS_WEBHOOK_SECRET } : undefined,
    deliveryPlaintext: values.DELIVERY_PLAINTEXT ?? false,
    trustedHops: values.TRUSTED_HOPS ?? 0,
    metricsToken: values.METRICS_TOKEN,
    // On the embedded default the terminal is for codes and first steps: a line for each request would drown them.
    logLevel: values.LOG_LEVEL ?? (production ? 'info' : 'warn'),
    issuer: file.issuer,
    apps: file.apps ?? [demoApp],
    policy,
    policyVersionStated: stated,
    passwords: { minLength: file.passwords.minLength, blocklist },
    backends: file.backends,
    access: file.access,
    accessClientSecret: values.ACCESS_CLIENT_SECRET,
    retentionMonths: file.retention.months,
    ledger: { ...file.ledger, witnesses: file.ledger.witnesses.map((one) => ('file' in one ? { file: resolve(dirname(path), one.file) } : one)) },
    feeds: file.feeds.map((feed) => ('file' in feed ? { ...feed, file: resolve(dirname(path), feed.file) } : { ...feed, secret: values.FEED_WEBHOOK_SECRET ?? '' })),
    opens: file.audit.opens,
    adoption: { k: file.adoption.k ?? (file.apps ? 10 : 1), plannedPeople: file.adoption.plannedPeople, patienceMs: file.adoption.patienceMs ?? 50 },
    flowSeconds: file.flowSeconds,
    sweepMs: file.sweepMs,
    file: { path, text, settled },
  }
}

/** The policy as the file has it now. `restart`: the sections that have changed, too, and are taken at the next start. @throws BadConfig */
export function readPolicyAnew(config: Config): { policy: Policy; stated: boolean; restart: string[] } {
  const { path, settled: before } = config.file
  const problems: string[] = []
  const { file, stated } = configFile(path, config.file.text !== undefined, problems)
  const given: Record<string, unknown> = { SMTP_URL: config.email, SMS_WEBHOOK_URL: config.sms }
  if (config.eventStoreDbUrl && file) problems.push(...lacksCarrier(file.policy, (name) => given[name] !== undefined))
  if (problems.length > 0 || !file) throw new BadConfig(problems)
  const { policy, ...settled } = file
  const sections = Object.keys({ ...before, ...settled }) as (keyof Settled)[]
  return { policy, stated, restart: sections.filter((section) => JSON.stringify(settled[section]) !== JSON.stringify(before[section])) }
}

/** A policy alone, or the `policy` of a configuration file: for whoever wants to know before it is taken. @throws BadConfig */
export function readPolicy(path: string): { policy: Policy; stated: boolean } {
  if (!existsSync(path)) throw new BadConfig([`there is no file ${path}`])
  try {
    const content = JSON.parse(readFileSync(path, 'utf8')) as { policy?: unknown } | null
    const written = content?.policy ?? content
    const parsed = Policy.safeParse(written)
    if (parsed.success) return { policy: parsed.data, stated: (written as { version?: unknown }).version !== undefined }
    throw new BadConfig(parsed.error.issues.map((issue) => `${path}: ${issue.path.join('.') || 'the policy'}: ${issue.message}`))
  } catch (error) {
    throw error instanceof BadConfig ? error : new BadConfig([`${path} ${error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'}`])
  }
}

const carrierOf = { email: 'SMTP_URL', sms: 'SMS_WEBHOOK_URL' } as const satisfies Record<Channel, keyof typeof Environment.shape>
const lacksCarrier = (policy: Policy, has: (name: keyof typeof Environment.shape) => boolean): string[] => {
  const carriers = policy.codesBy.map((channel) => carrierOf[channel])
  return demandsCode(policy) && !carriers.some(has) ? [`${carriers.join(' or ')} is needed: the policy asks for codes`] : []
}
const demandsCode = ({ withPasskey, withoutPasskey }: Policy): boolean => withPasskey.otp !== 'off' || withoutPasskey.otp !== 'off'

type Read = { file: z.infer<typeof ConfigFile> | undefined; text: string | undefined; stated: boolean }

function configFile(path: string, named: boolean, problems: string[]): Read {
  if (!existsSync(path)) {
    if (named) problems.push(`KEYLEDGER_CONFIG: there is no file ${path}`)
    return { file: ConfigFile.parse({}), text: undefined, stated: false }
  }
  try {
    const text = readFileSync(path, 'utf8')
    const content = JSON.parse(text) as { policy?: { version?: unknown } } | null
    const parsed = ConfigFile.safeParse(content)
    if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => `${path}: ${issue.path.join('.') || 'the file'}: ${issue.message}`))
    return { file: parsed.data, text, stated: content?.policy?.version !== undefined }
  } catch (error) {
    problems.push(`${path} ${error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'}`)
    return { file: undefined, text: undefined, stated: false }
  }
}

/** Those that are too short to be set are left out: they need no list. */
function readBlocklist(path: string, minLength: number, problems: string[]): string[] {
  try {
    const passwords = readFileSync(path, 'utf8').split(/\r?\n/).filter((one) => [...one].length >= minLength)
    if (passwords.length < leastListed) problems.push(`passwords.blocklist: ${path} has ${passwords.length} passwords of ${minLength} characters or more, ${leastListed} are the least`)
    return passwords
  } catch {
    problems.push(`passwords.blocklist: ${path} cannot be read`)
    return []
  }
}

function readMasterKeys(set: Record<string, string | undefined>, problems: string[]) {
  const { KEYLEDGER_MASTER_KEY: inline, KEYLEDGER_MASTER_KEY_FILE: file } = set
  if (inline !== undefined && file !== undefined) problems.push('KEYLEDGER_MASTER_KEY and KEYLEDGER_MASTER_KEY_FILE: give one of them')
  try {
    if (inline !== undefined) return parseMasterKeys(inline)
    return file === undefined ? undefined : parseMasterKeys(readFileSync(file, 'utf8'))
  } catch (error) {
    problems.push(`${inline === undefined ? 'KEYLEDGER_MASTER_KEY_FILE' : 'KEYLEDGER_MASTER_KEY'}: ${error instanceof TypeError ? error.message : 'the file cannot be read'}`)
    return undefined
  }
}
