/** `audit checkpoint | prove`, beside the engine or without it. */
import { readFile } from 'node:fs/promises'
import type { Config } from '../config.ts'
import type { Engine } from '../engine/engine.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import { createLedgerFollower } from '../projections/ledger/follower.ts'
import { consistencyOf, inclusionOf } from '../projections/ledger/proofs.ts'
import type { LedgerTable } from '../projections/ledger/table.ts'
import { verifyBundle, type Verified } from '../audit/verify.ts'
import { actorOf, becauseOf, type Given } from './because.ts'
import { openBundle } from './bundle-files.ts'
import { showProgress } from './progress.ts'
import { withDatabase } from './projections.ts'
import { withEngine } from './with-engine.ts'

type Parts = { engine: Engine; log: EventLog; table: LedgerTable; size: number }

/** The engine, and the ledger's table with all in it that is in the log now. */
export const withLedger = <T>(config: Config, work: (parts: Parts) => Promise<T>): Promise<T> => withEngine(config, (engine, log) => withTable(config, engine, log, work))

const withTable = <T>(config: Config, engine: Engine, log: EventLog, work: (parts: Parts) => Promise<T>): Promise<T> =>
  withDatabase(config, async (_, { sql }) => {
    const { table, catchUp } = createLedgerFollower({ log, sql, id: 'cli', now: () => new Date() })
    let leaves = 0
    const bar = showProgress('events in the ledger', () => ({ done: leaves, share: undefined }))
    const size = await catchUp((reached) => (leaves = reached)).finally(bar.end)
    return work({ engine, log, table, size })
  })

/** Signs what is there. It prints the note, as a witness would keep it. */
export async function takeCheckpoint(config: Config, given: Given): Promise<number> {
  const because = becauseOf(config, given)
  return withEngine(config, async (engine, log) => {
    await engine.act(actorOf(because), { ...because, what: 'audit checkpoint' })
    return withTable(config, engine, log, async ({ engine: { ledger }, table }) => {
      const signed = await ledger.checkpoint(table)
      const { number, size } = await ledger.state()
      const newest = signed ?? (await lastSigned(ledger, number))
      console.error(signed ? `checkpoint ${number}: ${size} events` : `nothing is new since checkpoint ${newest?.number ?? 0}: ${size} events`)
      if (newest) console.error(`signed by ${newest.vkey}`)
      if (newest) process.stdout.write(newest.note)
      return 0
    })
  })
}

/** The newest checkpoint; undefined where nothing was ever signed. After a change of the key it is not the last event. */
export async function lastSigned(ledger: Engine['ledger'], number: number) {
  for (let at = number; at > 0; at -= 1) {
    const found = await ledger.read(at)
    if (found?.number === at) return found
  }
  return undefined
}

/** 0: it prints the proof; 2: there is none. `size`: of the tree, if not that of the newest checkpoint. */
export const proveEvent = (config: Config, stream: string, revision: number, size: number | undefined): Promise<number> =>
  withLedger(config, async ({ engine: { ledger }, table }) => {
    const proof = await inclusionOf(table, { stream, revision }, size ?? (await ledger.state()).size)
    return told(proof, `${stream} has no event ${revision}, or no checkpoint covers it yet (audit checkpoint signs one)`)
  })

export const proveSizes = (config: Config, from: number, to: number): Promise<number> =>
  withLedger(config, async ({ table, size }) => told(await consistencyOf(table, from, to), `the ledger has ${size} events: FROM and TO are two of its sizes, and FROM is the smaller one`))

function told(proof: object | undefined, otherwise: string): number {
  if (proof) console.log(JSON.stringify(proof))
  else console.error(otherwise)
  return proof ? 0 : 2
}

/** 0: right; 2: wrong; 3: nothing is wrong, but something is not covered. It needs no engine, no key of it and no configuration. */
export async function verifyOffline(path: string, { key, checkpoint, consistency }: { key?: string | undefined; checkpoint?: string | undefined; consistency?: string | undefined }): Promise<number> {
  const held = checkpoint === undefined ? undefined : noteIn(await readFile(checkpoint, 'utf8'))
  const proof = consistency === undefined ? undefined : (JSON.parse(await readFile(consistency, 'utf8')) as { proof: string[] }).proof
  const verified = await verifyBundle(await openBundle(path), { key, held, consistency: proof })
  console.log(sentences(verified).join('\n'))
  return { right: 0, wrong: 2, 'not covered': 3 }[verified.verdict]
}

/** A signed note, or the file that a witness keeps: a line of JSON for each, of which the last one counts. */
export function noteIn(text: string): string {
  return text.startsWith('{') ? (JSON.parse(text.trim().split('\n').at(-1) as string) as { note: string }).note : text
}

export function sentences({ wrong, covered, uncovered, size, held, key, keyHeld, streams }: Verified): string[] {
  if (wrong) return [`WRONG: ${wrong.stream === undefined ? '' : `${wrong.stream}, revision ${wrong.revision}: `}${wrong.reason}`]
  const whole = `${streams.whole} streams from their first event on${streams.partial > 0 ? `, ${streams.partial} from a later one` : ''}`
  return [
    `${covered} events are as they were when ${size} events of the log were signed; ${whole}.`,
    ...(uncovered.events > 0 ? [`Not yet covered: ${uncovered.events} events since ${uncovered.since}.`] : []),
    ...(held === 'unconnected' ? ['Nothing connects them with the checkpoint that you hold: ask for a consistency proof (--consistency).'] : []),
    ...(keyHeld ? [] : [`The key stands in the bundle itself (${key}): compare it with one that you hold (--key).`]),
  ]
}
