/** A log with its ledger, in memory, from a seed; and what somebody may do to it. */
import { createHash } from 'node:crypto'
import type { Json, Recorded } from '../eventlog/event-log.ts'
import { writeBundle, type Asked, type Entry } from './bundle.ts'
import { leafOf } from './canonical.ts'
import { createTree, leafHash, proveInclusions, rootAt, type Hash, type Nodes } from './merkle.ts'
import { checkpointText, signerOf, signNote } from './note.ts'
import type { BundleFiles } from './verify.ts'
import type { KnownLeaf } from './walk.ts'

export type Dice = { upTo(count: number): number; of<T>(some: readonly T[]): T; bytes(count: number): Buffer; id(): string }

/** The same seed, the same throws. */
export function createDice(seed: number): Dice {
  let draws = 0
  const bytes = (count: number): Buffer => createHash('sha512').update(`${seed} ${(draws += 1)}`).digest().subarray(0, count)
  const upTo = (count: number): number => bytes(6).readUIntBE(0, 6) % count
  return {
    upTo,
    of: (some) => some[upTo(some.length)]!,
    bytes,
    id: () => bytes(16).toString('hex').replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5'),
  }
}

const texts = ['', 'a', 'Zoë', '😀 \u2028', '"quoted" \\ \n\t\u0001', '\ufeffmark', '2026-03-02T08:00:00.000Z', 'p1.2026-03..qX8_-']
const value = (dice: Dice, depth = 0): Json => {
  const kind = dice.upTo(depth > 1 ? 5 : 7)
  if (kind < 2) return dice.of(texts)
  if (kind === 2) return dice.of([0, -1, 1, 0.5, 1e21, 1e-7, 1234567.891, 2 ** 53])
  if (kind === 3) return dice.upTo(2) === 1
  if (kind === 4) return null
  if (kind === 5) return Array.from({ length: dice.upTo(3) }, () => value(dice, depth + 1))
  return Object.fromEntries(Array.from({ length: dice.upTo(3) }, () => [dice.of(['b', 'a', 'ä', '\u20ac', 'A1', '10', '9']), value(dice, depth + 1)]))
}

/** Streams that grow side by side. Those of keys and of the ledger are among them, and are no leaves. */
export function makeEvents(dice: Dice, count: number): Recorded[] {
  const heads = new Map<string, number>()
  const names = Array.from({ length: 2 + Math.floor(count / 6) }, () => `${dice.of(['session', 'account', 'tokens', 'session'])}-${dice.id()}`)
  return Array.from({ length: count }, (_, position) => {
    const stream = dice.upTo(9) === 0 ? dice.of(['key-1', 'ledger-1']) : dice.of(names)
    const revision = (heads.get(stream) ?? -1) + 1
    heads.set(stream, revision)
    const at = new Date(Date.parse('2026-03-02T08:00:00.000Z') + position * 1_000).toISOString()
    return {
      position: String(position + 1), stream, revision, id: dice.id(), type: dice.of(['PasswordVerified', 'OtpSent', 'Zoë']),
      data: { n: position, value: value(dice), more: value(dice) }, metadata: { at, actor: 'engine', $correlationId: dice.id(), $causationId: dice.id() },
    }
  })
}

export const isLeaf = ({ stream }: { stream: string }): boolean => !/^(key|ledger)-/.test(stream)

export type Kept = ReturnType<typeof keep>
/** The ledger of these events, and its checkpoints. */
export function keep(events: readonly Recorded[], seed = Buffer.alloc(32, 7)) {
  const leaves = events.filter(isLeaf)
  const tree = createTree()
  const rows = leaves.map((event) => tree.append(leafHash(leafOf(event))))
  const nodes: Nodes = async (places) => places.map(({ level, index }) => rows[(index + 1) * 2 ** level - 1]![level]!)
  const signer = signerOf('keyledger/test', seed)
  const at = async (size: number) => {
    const root = await rootAt(nodes, size)
    return { size, root, note: signNote(checkpointText({ origin: signer.name, size, root }), signer) }
  }
  const known: KnownLeaf[] = leaves.map(({ stream, revision }, index) => ({ stream, revision, hash: rows[index]![0]! }))
  return { leaves, nodes, signer, at, known }
}

/** `size`: of the checkpoint. `streams`: those that are asked for; otherwise all events from `first` on. */
export async function bundleOf({ leaves, nodes, signer, at }: Kept, { size, streams, first = 0, inOrderOfStreams = false, keys = { first: signer.vkey, handovers: [] } }: { size: number; streams?: readonly string[]; first?: number; inOrderOfStreams?: boolean; keys?: { first: string; handovers: string[] } }): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const found = leaves.flatMap((leaf, index) => ((streams ? streams.includes(leaf.stream) : index >= first) ? [index] : []))
  const indexes = inOrderOfStreams ? found.toSorted((a, b) => (leaves[a]!.stream < leaves[b]!.stream ? -1 : leaves[a]!.stream === leaves[b]!.stream ? a - b : 1)) : found
  const proofs = size === 0 ? [] : await proveInclusions(nodes, indexes.filter((index) => index < size), size)
  async function* entries(): AsyncGenerator<Entry> {
    for (const [nth, index] of indexes.entries()) yield index < size ? { event: leaves[index]!, index, proof: proofs[nth] as Hash[] } : { event: leaves[index]!, index: undefined }
  }
  const asked: Asked = streams ? { session: streams[0] ?? '' } : first === 0 ? { all: true } : { since: '2026-03-02' }
  await writeBundle((file, text) => void files.set(file, Buffer.concat([files.get(file) ?? Buffer.alloc(0), Buffer.from(text)])), {
    asked, origin: signer.name, checkpoint: size === 0 ? undefined : await at(size), keys, entries: entries(),
    first: streams ? undefined : first, schema: {}, readme: 'A bundle.\n', sign: (text) => signNote(text, signer),
  })
  return files
}

export const filesOf = (files: ReadonlyMap<string, Uint8Array>): BundleFiles => ({
  read: async (name) => files.get(name),
  async *pieces(name) {
    const bytes = files.get(name) ?? Buffer.alloc(0)
    // Cut where no line ends.
    for (let from = 0; from < bytes.length; from += 1_000) yield bytes.subarray(from, from + 1_000)
  },
})

/** Another value than this one. */
export function another(dice: Dice, event: Recorded): Recorded {
  switch (dice.upTo(6)) {
    case 0:
      return { ...event, type: `${event.type}.v2` }
    case 1:
      return { ...event, id: dice.id() }
    case 2:
      return { ...event, metadata: { ...event.metadata, at: new Date(Date.parse(event.metadata.at) + 1 + dice.upTo(9_999)).toISOString() } }
    case 3:
      return { ...event, metadata: { ...event.metadata, fingerprint: dice.id() } }
    case 4:
      return { ...event, data: { ...event.data, n: -1 - dice.upTo(99) } }
    default: {
      const { n: _, ...others } = event.data
      return { ...event, data: others }
    }
  }
}
