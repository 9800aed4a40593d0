/** `audit export`: a bundle that can be checked without the engine. */
import { writeBundle, type Asked, type Entry } from '../audit/bundle.ts'
import { noLeaves } from '../audit/canonical.ts'
import { proveInclusions, type Hash } from '../audit/merkle.ts'
import { eventSchemas, readme } from '../audit/readme.ts'
import { verifyBundle } from '../audit/verify.ts'
import type { Config } from '../config.ts'
import type { EventLog, Recorded } from '../eventlog/event-log.ts'
import type { LedgerTable } from '../projections/ledger/table.ts'
import { lastSigned, sentences, withLedger } from './audit.ts'
import { openBundle, openTarget } from './bundle-files.ts'
import { showProgress } from './progress.ts'

/** Leaves that are proved with one look-up. */
const atOnce = 500

/** `size`: for the checkpoint that has so many events, where somebody holds that one; otherwise the newest. The exit codes are those of `audit verify`. */
export async function exportBundle(config: Config, asked: Asked, { out, size: wanted }: { out: string; size?: number | undefined }): Promise<number> {
  const target = await openTarget(out)
  return withLedger(config, async ({ engine: { ledger }, log, table }) => {
    const checkpoint = wanted === undefined ? await lastSigned(ledger, (await ledger.state()).number) : await ofSize(ledger, wanted)
    if (wanted !== undefined && !checkpoint) throw new Error(`no checkpoint has ${wanted} events`)
    const size = checkpoint?.size ?? 0
    let written = 0
    const bar = showProgress('events', () => ({ done: written, share: undefined }))
    const first = await firstOf(log, asked)
    const source = first === undefined ? ofStreams(log, table, await streamsOf(log, asked)) : fromIndex(log, first)
    async function* entries(): AsyncGenerator<Entry> {
      for await (const entry of proved(table, source, size)) {
        written += 1
        yield entry
      }
    }
    try {
      await writeBundle(target.sink, {
        asked, origin: ledger.origin, checkpoint, keys: await ledger.keys(), entries: entries(), first, schema: eventSchemas(), readme, sign: ledger.signText,
      })
      await target.close()
    } finally {
      bar.end()
    }
    if (written === 0) console.error('There is no such event: the bundle is empty.')
    const verified = await verifyBundle(await openBundle(out), { key: (await ledger.keys()).first })
    console.log(sentences(verified).join('\n'))
    return { right: 0, wrong: 2, 'not covered': 3 }[verified.verdict]
  })
}

async function ofSize(ledger: Parameters<typeof lastSigned>[0], size: number) {
  for (let number = 0; ; ) {
    const page = await ledger.list(number, 1_000)
    const found = page.find((one) => one.size === size)
    if (found || page.length === 0) return found
    number = (page.at(-1)?.number ?? 0) + 1
  }
}

type Placed = { event: Recorded; index: number | undefined }

/** The index of the first event of a range; undefined where streams are asked for. */
async function firstOf(log: EventLog, asked: Asked): Promise<number | undefined> {
  if ('all' in asked) return 0
  if (!('since' in asked)) return undefined
  let index = 0
  for await (const event of log.readAll({ except: noLeaves })) {
    if (event.metadata.at >= asked.since) return index
    index += 1
  }
  return index
}

async function* fromIndex(log: EventLog, first: number): AsyncGenerator<Placed> {
  let index = 0
  for await (const event of log.readAll({ except: noLeaves })) {
    if (index >= first) yield { event, index }
    index += 1
  }
}

/** The streams of a session, or of a person: the account, its identifiers, and every session that names it. */
async function streamsOf(log: EventLog, asked: Asked): Promise<string[]> {
  if ('session' in asked) return [`session-${asked.session}`, `tokens-${asked.session}`]
  if (!('account' in asked)) return []
  const found = new Set([`account-${asked.account}`])
  for await (const { stream, data } of log.readAll({ prefixes: ['session-', 'identifier-'] })) {
    if (data['account'] !== asked.account) continue
    found.add(stream)
    if (stream.startsWith('session-')) found.add(stream.replace('session-', 'tokens-'))
  }
  return [...found]
}

/** In log order: as the ledger has them, and behind them what it does not have yet. */
async function* ofStreams(log: EventLog, table: LedgerTable, streams: readonly string[]): AsyncGenerator<Placed> {
  const placed: Placed[] = []
  for (const stream of streams) {
    const indexes = new Map((await table.ofStream(stream)).map(({ revision, index }) => [revision, index]))
    for await (const event of log.read(stream)) placed.push({ event, index: indexes.get(event.revision) })
  }
  yield* placed.sort((a, b) => (a.index ?? Number.POSITIVE_INFINITY) - (b.index ?? Number.POSITIVE_INFINITY) || (a.event.metadata.at < b.event.metadata.at ? -1 : 1))
}

/** With its proof, where the tree of `size` has it. */
async function* proved(table: LedgerTable, source: AsyncIterable<Placed>, size: number): AsyncGenerator<Entry> {
  let waiting: { event: Recorded; index: number }[] = []
  const flush = async (): Promise<Entry[]> => {
    const proofs = waiting.length === 0 ? [] : await proveInclusions(table.nodes, waiting.map(({ index }) => index), size)
    const entries = waiting.map(({ event, index }, nth) => ({ event, index, proof: proofs[nth] as Hash[] }))
    waiting = []
    return entries
  }
  for await (const { event, index } of source) {
    if (index !== undefined && index < size) waiting.push({ event, index })
    else {
      yield* await flush()
      yield { event, index: undefined }
    }
    if (waiting.length === atOnce) yield* await flush()
  }
  yield* await flush()
}
