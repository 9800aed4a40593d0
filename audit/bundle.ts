/** The form of a bundle: what an auditor takes away, and checks where no engine is. docs/ledger.md tells it to a stranger. */
import { createHash, hash } from 'node:crypto'
import { leafOf, type Leaf } from './canonical.ts'
import type { Hash } from './merkle.ts'

export const format = 'keyledger-bundle/1'
export const manifestHeading = 'keyledger bundle'
/** In the order in which the manifest has their hashes. */
export const signedFiles = ['bundle.json', 'keys.json', 'events.ndjson', 'proofs.ndjson'] as const

/** What was asked for: the streams of a session or an account, or all events from one on. */
export type Asked = { session: string } | { account: string } | { since: string } | { all: true }
export type Head = {
  format: typeof format
  asked: Asked
  origin: string
  /** The size of the tree that the proofs are for; 0 where nothing was signed yet. */
  checkpoint: number
  events: number
  /** The index of the first event, where all from there to the end of the tree are in the bundle. */
  first?: number
  /** Otherwise the streams that are in it, each from revision 0 on, and how many events they have. */
  streams?: { stream: string; events: number }[]
}
/** `index`: undefined for an event that the checkpoint does not cover. */
export type Entry = { event: Leaf; index: number; proof: readonly Hash[] } | { event: Leaf; index: undefined }

/** The text that is signed at the end: whoever changes a file of the bundle afterwards changes this, or is found out. */
export const manifestText = (origin: string, digests: readonly string[]): string => `${manifestHeading}\n${origin}\n${digests.join('\n')}\n`

export type Sink = (file: string, text: string) => Promise<void> | void

export type ToWrite = {
  asked: Asked
  origin: string
  checkpoint: { size: number; note: string } | undefined
  keys: { first: string; handovers: readonly string[] }
  /** In log order, those that are not covered last. */
  entries: AsyncIterable<Entry>
  /** For `since` and `all`. */
  first?: number | undefined
  schema: object
  readme: string
  sign: (text: string) => Promise<string> | string
}

/** @returns how many events it has, and how many of them are not covered */
export async function writeBundle(sink: Sink, { asked, origin, checkpoint, keys, entries, first, schema, readme, sign }: ToWrite): Promise<{ events: number; uncovered: number }> {
  const streams = new Map<string, number>()
  const digests = { 'events.ndjson': createDigest(), 'proofs.ndjson': createDigest() }
  let [events, uncovered] = [0, 0]
  let before: readonly Hash[] = []
  const write = async (file: keyof typeof digests, text: string): Promise<void> => {
    digests[file].add(text)
    await sink(file, text)
  }
  // Both are there, though nothing may be in them.
  for (const file of ['events.ndjson', 'proofs.ndjson'] as const) await write(file, '')
  for await (const entry of entries) {
    const { event, index } = entry
    await write('events.ndjson', `${leafOf(event)}\n`)
    await write('proofs.ndjson', `${JSON.stringify(index === undefined ? { index: null } : { index, ...shortened(entry.proof, before) })}\n`)
    before = index === undefined ? before : entry.proof
    events += 1
    uncovered += index === undefined ? 1 : 0
    if (first === undefined) streams.set(event.stream, (streams.get(event.stream) ?? 0) + 1)
  }
  const head: Head = {
    format, asked, origin, checkpoint: checkpoint?.size ?? 0, events,
    ...(first === undefined ? { streams: Array.from(streams, ([stream, count]) => ({ stream, events: count })) } : { first }),
  }
  const headText = `${JSON.stringify(head, null, 2)}\n`
  const keysText = `${JSON.stringify(keys, null, 2)}\n`
  await sink('bundle.json', headText)
  if (checkpoint) await sink('checkpoint.txt', checkpoint.note)
  await sink('keys.json', keysText)
  await sink('manifest.txt', await sign(manifestText(origin, [hash('sha256', headText, 'base64'), hash('sha256', keysText, 'base64'), digests['events.ndjson'].text(), digests['proofs.ndjson'].text()])))
  await sink('schema.json', `${JSON.stringify(schema, null, 2)}\n`)
  await sink('README.txt', readme)
  return { events, uncovered }
}

/** A proof begins at the leaf and ends below the root, where those of neighbours are alike: what the one before has is not repeated. */
function shortened(proof: readonly Hash[], before: readonly Hash[]): { proof: string[]; asBefore: number } {
  let alike = 0
  while (alike < Math.min(proof.length, before.length) && proof.at(-1 - alike)?.equals(before.at(-1 - alike) as Hash)) alike += 1
  return { proof: proof.slice(0, proof.length - alike).map((one) => one.toString('base64')), asBefore: alike }
}

function createDigest() {
  const sum = createHash('sha256')
  return { add: (text: string): void => void sum.update(text), text: (): string => sum.digest('base64') }
}
