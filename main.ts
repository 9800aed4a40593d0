/** The composition root: everything that the configuration asks for, put together, started and stopped. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig, BadConfig, type Config } from './config.ts'
import { createConsole, openAhead } from './console/console.ts'
import { ensureDataFolder, lockDataFolder } from './data-folder.ts'
import { createFeedTarget } from './delivery/feeds.ts'
import { createWitness, type Post, type Witness } from './delivery/witnesses.ts'
import type { Engine, EngineDependencies } from './engine/engine.ts'
import { OutcomeUnknown, Unavailable, type EventLog } from './eventlog/event-log.ts'
import { createLines } from './feeds/lines.ts'
import { createApp } from './http/app.ts'
import { adoptionTables, openAdoption } from './projections/adoption/adoption.ts'
import { FiguresUnavailable } from './projections/adoption/ask.ts'
import { ReaderMissing, renewViews } from './projections/adoption/views.ts'
import { openDatabase, type Database } from './projections/database.ts'
import { createFeedRows } from './projections/feeds.ts'
import { createGuessRows } from './projections/guesses.ts'
import { createLedgerFollower, type LedgerFollower } from './projections/ledger/follower.ts'
import { createCoverage } from './projections/ledger/coverage.ts'
import { createProofs } from './projections/ledger/proofs.ts'
import { createWitnessRows } from './projections/ledger/witnesses.ts'
import { openReadModel, type ReadModel } from './projections/read-model.ts'
import type { Source } from './projections/serving.ts'
import { createCheckpoints, type Checkpoints } from './reactions/checkpoints.ts'
import { createFeeds, type Feed, type Feeds } from './reactions/feeds.ts'
import { createPolicyFile, type PolicyFile } from './policy-file.ts'
import { createNotices, type Notices } from './reactions/notices.ts'
import { createRetention, type Retention } from './reactions/retention.ts'
import { createSweeper, type Sweeper } from './reactions/sweeper.ts'
import { createReplays } from './replay/replays.ts'
import { openAccess } from './open-access.ts'
import { openEngine, openTelemetry, toStderr, type Surroundings } from './open-engine.ts'
import { createAddressOf, serve } from './serve.ts'
import { createLogger, errorFields } from './telemetry/logger.ts'
import { firstSteps } from './first-steps.ts'

/** `consoleKey`: undefined where a provider, or nobody, says who may look. */
export type Keyledger = { url: string; consoleKey: string | undefined; engine: Engine; log: EventLog; readModel: ReadModel; sweeper: Sweeper; notices: Notices; retention: Retention; feeds: Feeds; checkpoints: Checkpoints; policyFile: PolicyFile; ready: Promise<void>; close(): Promise<void> }

/** ms. What the projections have at work may take this long at shutdown. */
const closeTimeout = 5_000
/** ms. Making the views takes the embedded Postgres half a second, which is better spent on the first logins. */
const embeddedViewsAfter = 5_000
/** ms. How often it is looked whether there is a checkpoint to sign or to send. */
const checkpointRounds = 1_000
/** Runs until `close`. The listener opens before the projection database is ready: people sign in without it. */
export async function startKeyledger(config: Config, surroundings: Surroundings = {}): Promise<Keyledger> {
  const { now = () => new Date() } = surroundings
  const telemetry = openTelemetry(config, { now, ...surroundings }, () => [...(readModel?.status() ?? []), ...(tree ? [tree.status()] : [])], () => tree && checkpoints && { ...checkpoints.status(), leaves: tree.status().size, stopped: tree.status().stopped }, () => feeds?.status() ?? [])
  telemetry.watchProcess()
  const { onError = telemetry.error } = surroundings
  let readModel: ReadModel | undefined
  let tree: LedgerFollower | undefined
  let checkpoints: Checkpoints | undefined
  let feeds: Feeds | undefined
  // What was opened is closed in the reverse order, at the end or when something further down cannot be opened.
  await using opened = new AsyncDisposableStack()
  if (!config.eventStoreDbUrl) {
    const lock = lockDataFolder(ensureDataFolder(config.dataFolder))
    opened.defer(() => lock.release())
  }
  const database = openDatabase(config.databaseUrl ? { url: config.databaseUrl } : ensureDataFolder(config.dataFolder))
  opened.defer(database.close)
  const history: EngineDependencies['history'] = async (account) => (await readModel?.history(account)) ?? 'unavailable'
  const sessionsOf: EngineDependencies['sessionsOf'] = async (account) => (await readModel?.sessionsOf(account)) ?? 'unavailable'
  const { engine, log, post, close: closeEngine } = await openEngine(config, surroundings, { history, sessionsOf, guessCounter: createGuessRows(database.sql), telemetry })
  opened.defer(closeEngine)
  const policyFile = createPolicyFile({
    config,
    policies: engine.policies,
    use: (policy) => void Object.assign(engine.settings(), { policy }),
    told: telemetry.policy,
    onError: (error) => onError('policy', error),
    everyMs: surroundings.policyEveryMs,
  })
  opened.defer(policyFile.stop)
  await policyFile.start()
  const { patience, standby, withoutLedger } = surroundings
  const closing = new AbortController()
  opened.defer(() => closing.abort())
  const model = (readModel = openReadModel({ log, database, now, newId: randomUUID, patience, standby, onError: (error) => onError('projections', error), onParked: telemetry.parked, inBatch: telemetry.batch, onServed: viewsFor(config, database, closing.signal, (error) => onError('views for analysts', error)) }))
  const follower = (tree = createLedgerFollower({ log, sql: database.sql, id: randomUUID(), now, standby, inBatch: telemetry.batch, onError: (error) => onError('ledger', error) }))
  const signing = (checkpoints = createCheckpoints({
    ledger: engine.ledger,
    tree: { ...follower.table, isCaughtUp: follower.isCaughtUp, leaves: () => follower.status().size },
    pace: { events: config.ledger.everyEvents, seconds: config.ledger.everySeconds },
    witnesses: openWitnesses(config, post),
    rows: createWitnessRows(database.sql),
    now,
    everyMs: checkpointRounds,
    onError: (error) => onError('checkpoints', error),
  }))
  const sweeper = createSweeper({ streams: engine.streams, due: model, now, everyMs: config.sweepMs, onError: (error) => onError('sweeper', error) })
  const notices = createNotices({ tell: engine.tell, noticesDue: model.noticesDue, everyMs: config.sweepMs, onError: (error) => onError('notices', error) })
  const retention = createRetention({ dropPeriods: engine.dropPeriods, months: config.retentionMonths, onError: (error) => onError('retention', error) })
  const feeding = (feeds = createFeeds({ log, feeds: openFeeds(config, now), openLines: () => createLines(log), rows: createFeedRows(database.sql), id: randomUUID(), onError: (error) => onError('feeds', error) }))
  // A Postgres that hangs must not keep the process: its rows are the log's to make good.
  opened.defer(() => Promise.race([Promise.all([sweeper.stop(), notices.stop(), retention.stop(), feeding.stop(), signing.stop(), follower.stop(), model.stop()]), sleep(closeTimeout, undefined, { ref: false })]).then(() => {}))

  const { access, consoleKey } = openAccess(config, engine.vault.secret('console'), now)
  // The embedded database has four connections.
  const adoption = openAdoption({ sql: database.sql, table: model.table, ...(config.databaseUrl ? {} : { queries: 3 }), ...config.adoption })
  const replays = createReplays({ log, now, sessionsOf: model.sessionsOf, findLogins: model.findLogins, coverageOf: createCoverage({ log, ledger: engine.ledger.stream, table: follower.table }) })
  const app = createApp({
    engine,
    access,
    proofs: createProofs(follower.table),
    adoption,
    replays,
    opens: config.opens,
    pages: createConsole({ access, adoption, audit: { replays, engine, opens: config.opens }, apps: () => engine.settings().apps, now, onError: (error) => onError('console', error) }),
    now,
    addressOf: createAddressOf(config),
    readSession: model.session,
    lastUses: model.lastUses,
    readiness: async () => {
      const reachable = await log.last('key-readiness').then(() => true, () => false)
      return { ready: reachable, log: reachable ? 'ok' : 'out of reach', projections: [...model.status(), follower.status()], ledger: signing.status(), feeds: feeding.status() }
    },
    onError: (error) => onError('request', error),
    observe: telemetry.request,
    metrics: { ...telemetry.metrics, token: config.metricsToken },
  })
  const server = await serve(app, config)
  opened.defer(server.close)
  retention.start()
  const ready = database.ready.then(() => {
    sweeper.start()
    notices.start()
    if (!withoutLedger) follower.start()
    if (!withoutLedger) signing.start()
    feeding.start()
    void adoption.keepFresh(closing.signal)
    return model.start()
  })
  // Without Postgres logins go on; `/health/ready` says what is missing.
  const running = opened.move()
  ready.catch((error: unknown) => running.disposed || onError('projection database', error))
  // What cannot be asked now is asked by whoever opens the page.
  const notAhead = (error: unknown): void => void (closing.signal.aborted || error instanceof FiguresUnavailable || onError('console', error))
  if (consoleKey ?? config.access) void ready.then(() => openAhead(adoption, closing.signal).catch(notAhead), () => {})

  /** Takes nothing new, finishes what runs, then lets go of the log and the database. */
  const close = () => running.disposeAsync()
  return { url: server.url, consoleKey, engine, log, readModel: model, sweeper, notices, retention, feeds: feeding, checkpoints: signing, policyFile, ready, close }
}

/** Makes the views for analysts anew over the tables that are read from now on. What this user may not do is told once; an outage is tried again. */
function viewsFor({ databaseUrl, adoption: { k } }: Config, { sql }: Database, closing: AbortSignal, onError: (error: unknown) => void): (table: Source['table']) => Promise<void> {
  const renew = (table: Source['table']) => renewViews(sql, { tables: adoptionTables(table), k, roles: databaseUrl !== undefined })
  if (databaseUrl === undefined) {
    return async (table) => void sleep(embeddedViewsAfter, undefined, { ref: false, signal: closing }).then(() => renew(table)).catch((error: unknown) => closing.aborted || onError(error))
  }
  return (table) =>
    renew(table).catch((error: unknown) => {
      if (!(error instanceof ReaderMissing) && !/^42/.test(String((error as { code?: unknown }).code))) throw error
      onError(error)
    })
}

/** @throws BadConfig */
function openWitnesses({ ledger, deliveryPlaintext: plaintext }: Config, post: Post | undefined): Witness[] {
  try {
    return ledger.witnesses.map((witness) => createWitness(witness, { post, plaintext }))
  } catch (error) {
    throw new BadConfig([`ledger.witnesses: ${(error as Error).message}`])
  }
}

/** @throws BadConfig */
function openFeeds({ feeds, deliveryPlaintext: plaintext }: Config, now: () => Date): Feed[] {
  try {
    return feeds.map((feed) => ({ ...createFeedTarget(feed, { plaintext, now: () => now().getTime() }), since: feed.since }))
  } catch (error) {
    throw new BadConfig([`feeds: ${(error as Error).message}`])
  }
}

async function main(): Promise<void> {
  const config = readConfig()
  const logger = createLogger({ level: config.logLevel, now: () => new Date(), write: toStderr })
  let keyledger: Keyledger | undefined
  while (!keyledger) {
    keyledger = await startKeyledger(config).catch(async (error: unknown) => {
      if (!(error instanceof Unavailable || error instanceof OutcomeUnknown)) throw error
      logger('warn', 'the event log is out of reach, trying again', errorFields(error))
      await sleep(1_000)
      return undefined
    })
  }
  const running = keyledger
  // Where there is a terminal, SIGHUP says that it is gone.
  if (!process.stdin.isTTY) process.on('SIGHUP', () => void running.policyFile.take())
  console.log(`Keyledger listens on ${running.url}`)
  // After the #, where no server and no log of a proxy sees it.
  if (running.consoleKey) console.log(`The console: ${running.url}/console#${running.consoleKey}`)
  const hint = config.eventStoreDbUrl ? '' : await firstSteps(running)
  if (hint) console.log(hint)
  let closing = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second time somebody means it.
      if (closing) process.exit(1)
      closing = true
      void running.close().then(() => process.exit(0))
    })
  }
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error instanceof BadConfig ? error.message : error instanceof Error ? `Keyledger did not start: ${error.message}` : error)
    process.exit(1)
  })
}
