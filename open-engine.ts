/** The engine of the configuration without what serves it: its log, its keys, its carriers. `main.ts` puts the rest around it, `cli.ts` nothing. */
import { randomBytes, randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Config } from './config.ts'
import { ensureDataFolder } from './data-folder.ts'
import { createDelivery, type Carrier } from './delivery/delivery.ts'
import { createSms } from './delivery/sms.ts'
import { loadTemplates } from './delivery/templates.ts'
import { createTerminal } from './delivery/terminal.ts'
import type { Post } from './delivery/witnesses.ts'
import { Channel } from './domain/session/vocabulary.ts'
import { createEngine, type EngineDependencies } from './engine/engine.ts'
import type { EventLog } from './eventlog/event-log.ts'
import { openSqliteLog } from './eventlog/sqlite.ts'
import { createHashGate } from './factors/hash-gate.ts'
import { createBlocklist } from './factors/password-blocklist.ts'
import { createPasswords, type Passwords } from './factors/password.ts'
import type { ProjectionStatus } from './projections/status.ts'
import type { Fed, Ledgered } from './telemetry/metrics.ts'
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts'
import { watchMasterKeyFile } from './vault/master-key.ts'

export type Surroundings = {
  now?: () => Date
  print?: (line: string) => void
  onError?: (what: string, error: unknown) => void
  /** Takes the lines of the log in place of stderr. */
  writeLog?: (line: string) => void
  /** Takes codes and notices in place of the carriers of the configuration. */
  deliver?: Carrier
  /** ms. How long an answer waits for the projection database before it is given without. */
  patience?: number
  /** In place of the hashes of `factors/password.ts`. */
  passwords?: Passwords
  /** ms. How often the configuration file is looked at for another policy. */
  policyEveryMs?: number
  /** Another process keeps the rows: this one takes over when that one dies. */
  standby?: boolean
  /** No ledger is kept: to see what it costs. */
  withoutLedger?: boolean
}
/** Hashes that may wait for a core before a login is told to come back later. */
const hashQueue = 256

/** The engine without its surroundings: what `main.ts` serves and `cli.ts` works with. @throws BadConfig, Unavailable */
export async function openEngine(
  config: Config,
  { now = () => new Date(), print = console.log, deliver: carrier, passwords, ...surroundings }: Surroundings,
  { history, sessionsOf, guessCounter, telemetry = openTelemetry(config, { now, ...surroundings }) }: Pick<EngineDependencies, 'history' | 'sessionsOf' | 'guessCounter'> & { telemetry?: Telemetry },
) {
  const masterKeys = config.masterKeys ?? watchMasterKeyFile(ensureDataFolder(config.dataFolder).masterKey)
  const { onError = telemetry.error } = surroundings
  const log = telemetry.log(await openLog(config))
  const { deliver, reachable, post, close: closeDelivery } = carrier ? { deliver: carrier, reachable: new Set(Channel.options), post: undefined, close: () => {} } : await openDelivery(config, now, print)
  const settings = { issuer: config.issuer ?? `http://localhost:${config.port}`, apps: config.apps, policy: config.policy, flowSeconds: config.flowSeconds, backends: config.backends }
  const blocklist = createBlocklist({ passwords: config.passwords.blocklist, words: [...config.apps.flatMap(({ id, name, rpId }) => [id, name, rpId]), URL.parse(settings.issuer)?.hostname ?? ''] })
  const engine = await createEngine({
    log,
    masterKeys,
    passwords: passwords ?? createPasswords({ gate: telemetry.gate(createHashGate({ atOnce: availableParallelism(), queue: hashQueue })), minLength: config.passwords.minLength, blocklist }),
    deliver: telemetry.carrier(deliver),
    reachable,
    settings: () => settings,
    history,
    sessionsOf,
    guessCounter,
    now,
    newId: randomUUID,
    randomBytes,
    onBackgroundError: (error) => onError('background work', error),
    observe: telemetry.step,
    onRetry: telemetry.retried,
  }).catch(async (error: unknown) => {
    closeDelivery()
    await log.close()
    throw error
  })
  return {
    engine,
    log,
    /** Takes letters that are no codes and no notices; undefined without a mail server. */
    post,
    async close(): Promise<void> {
      await engine.settled()
      closeDelivery()
      await log.close()
    },
  }
}

/** What only production needs is loaded only there: the embedded default answers its first request sooner. */
export async function openLog({ eventStoreDbUrl: url, dataFolder }: Config): Promise<EventLog> {
  if (url === undefined) return openSqliteLog({ file: ensureDataFolder(dataFolder).log })
  const { openEventStoreDb } = await import('./eventlog/eventstoredb.ts')
  return openEventStoreDb({ url })
}

async function openDelivery(config: Config, now: () => Date, print: (line: string) => void): Promise<{ deliver: Carrier; reachable: Set<Channel>; post: Post | undefined; close(): void }> {
  const templates = loadTemplates()
  const email = config.email && (await import('./delivery/email.ts')).createEmail({ ...config.email, templates, plaintext: config.deliveryPlaintext })
  const sms = config.sms && createSms({ ...config.sms, templates, plaintext: config.deliveryPlaintext, now: () => now().getTime() })
  // Nothing configured: codes go to the terminal, which is enough to try it and says so.
  const terminal = email || sms ? undefined : createTerminal(print)
  const carriers = { email: email ?? terminal, sms: sms ?? terminal }
  const reachable = new Set((['email', 'sms'] as const).filter((channel) => carriers[channel] !== undefined))
  const deliver = createDelivery({ ...(carriers.email ? { email: carriers.email } : {}), ...(carriers.sms ? { sms: carriers.sms } : {}) })
  return { deliver, reachable, post: email?.post, close: () => email?.close() }
}

export function openTelemetry({ logLevel }: Config, { now = () => new Date(), writeLog = toStderr }: Surroundings, projections?: () => ProjectionStatus[], ledger?: () => Ledgered | undefined, feeds?: () => readonly Fed[]): Telemetry {
  return createTelemetry({ level: logLevel, now, write: writeLog, ...(projections && { projections }), ...(ledger && { ledger }), ...(feeds && { feeds }) })
}

export const toStderr = (line: string): void => void process.stderr.write(`${line}\n`)
