/** What is counted and measured, in a registry of its own. Every label has few values, all of them words of this program: nothing that was sent. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Of a projection: `lag` in ms, undefined while nobody can tell; `parked`: rows that are set aside. */
export type Projected = { projection: string; state?: string; lag: number | undefined; parked: number }

/** Of the ledger: `leaves` that the tree has, `size` that was signed; `stopped` and `refused` where it does not go on. */
export type Ledgered = { leaves: number; size: number; stopped: object | undefined; refused: string | undefined }

/** Of a feed: tries that have failed in a row. */
export type Fed = { failures: number }

/** Seconds, as OpenTelemetry advises for HTTP (semantic conventions, http.server.request.duration). */
const httpBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** From what a fast store takes to its time limit. */
const logBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10, 30]

const states = ['stopped', 'starting', 'following', 'standby', 'failing']

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics({ hashes, projections, ledger = () => undefined, feeds = () => [] }: {
  hashes: () => { running: number; waiting: number }
  projections: () => readonly Projected[]
  ledger?: () => Ledgered | undefined
  feeds?: () => readonly Fed[]
}) {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) => new Counter({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, buckets: number[], ...labelNames: L[]) => new Histogram({ name, help, buckets, labelNames, registers })
  /** Read when it is asked for. */
  const gauge = <L extends string>(name: string, help: string, collect: (gauge: Gauge<L>) => void, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers, collect() { collect(this) } })

  gauge('keyledger_password_hashes_running', 'Password hashes that are computed now.', (it) => it.set(hashes().running))
  gauge('keyledger_password_hashes_waiting', 'Password hashes that wait for a core.', (it) => it.set(hashes().waiting))
  gauge('keyledger_projection_lag_seconds', 'Age of the oldest event that is in no row yet; no sample while nobody can tell.', (it) => {
    it.reset()
    for (const { projection, lag } of projections()) if (lag !== undefined) it.set({ projection }, lag / 1000)
  }, 'projection')
  gauge('keyledger_projection_parked_rows', 'Rows that are set aside since an event could not be digested.', (it) => {
    for (const { projection, parked } of projections()) it.set({ projection }, parked)
  }, 'projection')
  gauge('keyledger_projection_state', 'What this process does about the projection: 1 for the state that it is in.', (it) => {
    for (const one of projections()) for (const state of states) it.set({ projection: one.projection, state }, one.state === state ? 1 : 0)
  }, 'projection', 'state')

  gauge('keyledger_ledger_leaves', 'Events that are in the Merkle tree of the ledger, and those of them that a checkpoint covers.', (it) => {
    const now = ledger()
    if (now) it.set({ covered: 'all' }, now.leaves)
    if (now) it.set({ covered: 'yes' }, now.size)
  }, 'covered')
  gauge('keyledger_ledger_stopped', 'Whether the ledger has stopped: indigestible, an event cannot be a leaf; refused, the tree is not the one that was signed.', (it) => {
    const now = ledger()
    if (now) it.set({ reason: 'indigestible' }, now.stopped ? 1 : 0)
    if (now) it.set({ reason: 'refused' }, now.refused === undefined ? 0 : 1)
  }, 'reason')
  gauge('keyledger_feed_failures', 'Tries in a row to send the feed that failed; by its place in the configuration, from 1.', (it) => {
    feeds().forEach(({ failures }, n) => it.set({ feed: String(n + 1) }, failures))
  }, 'feed')

  return {
    requests: histogram('http_server_request_duration_seconds', 'Duration of HTTP requests.', httpBuckets, 'http_request_method', 'http_route', 'http_response_status_code'),
    problems: counter('keyledger_problems_total', 'Answers that are problems, by their code.', 'code'),
    steps: counter('keyledger_steps_total', 'Steps of logins and of signed-in sessions, by what came of them: done, or the code of the refusal.', 'action', 'outcome'),
    stepDuration: histogram('keyledger_step_duration_seconds', 'Duration of steps.', httpBuckets, 'action'),
    hashWait: histogram('keyledger_password_hash_wait_seconds', 'Time that a password hash waited for a core.', httpBuckets),
    hashDuration: histogram('keyledger_password_hash_duration_seconds', 'Time that a password hash took, without the wait.', httpBuckets),
    hashesRefused: counter('keyledger_password_hashes_refused_total', 'Password hashes that were refused since the queue was full.'),
    deliveries: counter('keyledger_deliveries_total', 'Messages that were given to a carrier, by what it said: delivered, or the fault.', 'channel', 'outcome'),
    deliveryDuration: histogram('keyledger_delivery_duration_seconds', 'Time that a carrier took.', httpBuckets, 'channel'),
    appends: histogram('keyledger_log_append_duration_seconds', 'Duration of appends to the event log, by outcome: done, or the code of the failure.', logBuckets, 'outcome'),
    reads: histogram('keyledger_log_read_duration_seconds', 'Duration of reads of one stream.', logBuckets, 'operation'),
    events: counter('keyledger_events_appended_total', 'Events that were appended, by type.', 'type'),
    policies: counter('keyledger_policy_changes_total', 'Policies that were read from the configuration file, by what became of them: adopted, unchanged or refused.', 'outcome'),
    retries: counter('keyledger_append_retries_total', 'Decisions that were made again, since another writer was faster.'),

    /** CPU, memory, file handles, event loop and garbage collection. Once in a process. */
    watchProcess: (): void => collectDefaultMetrics({ register: registry }),
    contentType: registry.contentType,
    text: (): Promise<string> => registry.metrics(),
  }
}
