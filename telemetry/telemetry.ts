/** Metrics, logs and traces of one engine: what its parts are given, as plain functions, so that none of them knows of it. */
import type { Carrier } from '../delivery/delivery.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import type { HashGate } from '../factors/hash-gate.ts'
import { createLogger, errorFields, type Level, type Logger } from './logger.ts'
import { createMetrics, type Fed, type Ledgered, type Projected } from './metrics.ts'
import { observedCarrier, observedGate, observedLog } from './parts.ts'
import { createRequestObserver } from './requests.ts'
import { createStepObserver } from './steps.ts'
import { inSpan } from './traces.ts'

export type Telemetry = ReturnType<typeof createTelemetry>

/** `projections`: as they are when metrics are asked for. `clock`: ms, and it never goes back. */
export function createTelemetry({ level, now, write, projections = () => [], ledger = () => undefined, feeds = () => [], clock = () => performance.now() }: {
  level: Level
  now: () => Date
  write: (line: string) => void
  projections?: () => readonly Projected[]
  ledger?: () => Ledgered | undefined
  feeds?: () => readonly Fed[]
  clock?: () => number
}) {
  let gate: HashGate | undefined
  const metrics = createMetrics({ hashes: () => gate ?? { running: 0, waiting: 0 }, projections, ledger, feeds })
  const logger: Logger = createLogger({ level, now, write })
  const parts = { metrics, clock }

  return {
    request: createRequestObserver({ metrics, logger, clock }),
    step: createStepObserver(parts),
    log: (log: EventLog): EventLog => observedLog(log, parts),
    gate: (one: HashGate): HashGate => observedGate((gate = one), parts),
    carrier: (carrier: Carrier): Carrier => observedCarrier(carrier, parts),
    retried: (): void => metrics.retries.inc(),

    /** A trace of its own: whose requests wrote the events stands in none of them. */
    batch: <T>(table: string, events: number, write: () => Promise<T>): Promise<T> =>
      inSpan(`project ${table}`, { root: true, attributes: { 'keyledger.projection': table, 'keyledger.events': events } }, write),
    parked: (table: string, type: string): void => logger('error', 'row set aside', { projection: table, type }),

    policy: {
      taken(outcome: 'adopted' | 'unchanged', version: string): void {
        metrics.policies.inc({ outcome })
        logger('info', `policy ${outcome}`, { version })
      },
      /** `staying`: the version of the one that is decided by, where it is not the one before. */
      refused(problems: readonly string[], staying?: string): void {
        metrics.policies.inc({ outcome: 'refused' })
        logger('error', 'policy refused, the one before stays', { problems, ...(staying !== undefined && { staying }) })
      },
      restart: (sections: readonly string[]): void => logger('warn', 'the configuration file has changed, besides its policy: restart to take it', { sections }),
    },

    error: (what: string, error: unknown): void => logger('error', what, errorFields(error)),
    watchProcess: metrics.watchProcess,
    metrics: { text: metrics.text, contentType: metrics.contentType },
  }
}
