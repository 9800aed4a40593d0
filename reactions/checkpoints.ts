/** Sees to it that the ledger is signed, and that what was signed goes to its witnesses: at least once, in order, each at its own pace. */
import { isDue, type LedgerState, type Pace } from '../domain/ledger/events.ts'
import { LedgerForked, LedgerKeyLost, type Ledger, type LedgerTree } from '../engine/ledger.ts'
import { createRounds } from './rounds.ts'

/** The tree where this process keeps it. `isCaughtUp` is false in an engine that stands by: it neither signs nor sends. */
export type KeptTree = LedgerTree & { isCaughtUp(): boolean; leaves(): number }
export type Witness = {
  name: string
  everySeconds: number | undefined
  send(checkpoint: { log: string; number: number; at: string; note: string }, signal: AbortSignal): Promise<void>
}
/** The number of the last checkpoint that a witness took, and when (ISO 8601). */
export type Told = { number: number; at: string }
export type WitnessRows = { told(witness: string): Promise<Told | undefined>; tell(witness: string, told: Told): Promise<void> }

/** `refused`: why nothing is signed any more. */
export type CheckpointStatus = { number: number; size: number; at: string | undefined; refused: string | undefined; witnesses: { name: string; number: number | undefined; failing: boolean }[] }

/** Checkpoints to a witness in one round. */
const atOnce = 100
/** ms, between two tries with a witness that fails. */
const longestPause = 300_000

export type Checkpoints = ReturnType<typeof createCheckpoints>

export function createCheckpoints(dependencies: {
  ledger: Ledger
  tree: KeptTree
  pace: Pace
  witnesses: readonly Witness[]
  rows: WitnessRows
  now: () => Date
  everyMs: number
  onError: (error: unknown) => void
}) {
  const { ledger, tree, pace, witnesses, rows, now, everyMs, onError } = dependencies
  const stopping = new AbortController()
  let last: (LedgerState & { number: number }) | undefined
  let refused: string | undefined
  const failing = new Map<Witness, { tries: number; after: number }>()
  const reached = new Map<Witness, Told>()

  async function sign(): Promise<void> {
    if (last && !isDue(last, tree.leaves(), now(), pace)) return
    try {
      await ledger.checkpoint(tree, pace)
      refused = undefined
      last = await ledger.state()
    } catch (error) {
      if (!(error instanceof LedgerForked || error instanceof LedgerKeyLost)) throw error
      // Told once. It is looked at again in every round: nothing is signed until a person has seen to it.
      if (refused !== error.message) onError(error)
      refused = error.message
    }
  }

  async function tell(witness: Witness, newest: number): Promise<void> {
    const told = reached.get(witness) ?? (await rows.told(witness.name))
    if (told) reached.set(witness, told)
    if (told && told.number >= newest) return
    const { everySeconds } = witness
    if (told && everySeconds !== undefined && now().getTime() - Date.parse(told.at) < everySeconds * 1000) return
    // Who is new, and who gets some of them only, begins with the newest: it covers those before.
    const from = told && everySeconds === undefined ? told.number + 1 : newest
    for (const { number, at, note } of await ledger.list(from, atOnce)) {
      stopping.signal.throwIfAborted()
      await witness.send({ log: ledger.id, number, at, note }, stopping.signal)
      const done = { number, at: now().toISOString() }
      await rows.tell(witness.name, done)
      reached.set(witness, done)
    }
  }

  async function attempt(witness: Witness, newest: number): Promise<void> {
    const before = failing.get(witness)
    if (before && now().getTime() < before.after) return
    try {
      await tell(witness, newest)
      failing.delete(witness)
    } catch (error) {
      if (stopping.signal.aborted) return
      if (!before) onError(error)
      const tries = (before?.tries ?? 0) + 1
      failing.set(witness, { tries, after: now().getTime() + Math.min(longestPause, 1_000 * 2 ** tries) })
    }
  }

  async function round(): Promise<void> {
    if (!tree.isCaughtUp()) return
    await sign()
    const { number, size } = last ?? (await ledger.state())
    if (size > 0) await Promise.all(witnesses.map((witness) => attempt(witness, number)))
  }

  const rounds = createRounds({ round, everyMs, onError })
  return {
    round,
    start: rounds.start,
    async stop(): Promise<void> {
      stopping.abort()
      await rounds.stop()
    },
    status: (): CheckpointStatus => ({
      number: last?.number ?? 0,
      size: last?.size ?? 0,
      at: last?.signedAt,
      refused,
      witnesses: witnesses.map((witness) => ({ name: witness.name, number: reached.get(witness)?.number, failing: failing.has(witness) })),
    }),
  }
}
