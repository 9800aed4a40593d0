/** Is this log the one that a checkpoint was signed for? A walk over its events, in log order, that says which one is wrong. */
import type { Leaf } from './canonical.ts'
import { leafOf, NotCanonical, noLeaves } from './canonical.ts'
import { createTree, leafHash, type Hash, type Tree } from './merkle.ts'

/** What somebody holds of a checkpoint: so many leaves, and their root. */
export type Held = { size: number; root: Uint8Array }
/** A leaf as the ledger's table has it. It is believed only if it leads to the root of the checkpoint that is held. */
export type KnownLeaf = { stream: string; revision: number; hash: Uint8Array }
type Event = { stream: string; revision: number }
/** What the walk needs of an event, beside its hash. */
export type Step = Event & { metadata: { at: string } }

/**
 * `index`: in the tree, from 0. `expected`: which event should be there, `found`: which one is; neither is known of every fault.
 * `exact`: that this is the first event that is wrong is proved by the checkpoint; otherwise that one is somewhere from `index` to before `before`.
 */
export type Wrong = { index: number; expected: Event | undefined; found: Event | undefined; reason: string; exact: boolean; before: number | undefined }
/**
 * `uncovered`: events that the checkpoint says nothing of, and when the first of them was written. `missed`: the sizes among `others` at which the log has
 * another root. `table`: where `known` is not what the log has, though the log is right.
 */
export type Walked = { leaves: number; root: Hash; wrong: Wrong | undefined; uncovered: { events: number; since: string | undefined }; missed: number[]; table: Omit<Wrong, 'exact' | 'before'> | undefined }

const reportEvery = 1_000

/** Of every stream the revision that comes next. */
const nextRevisions = () => {
  const next = new Map<string, number>()
  return (stream: string, revision: number): boolean => {
    const wanted = next.get(stream) ?? 0
    next.set(stream, revision + 1)
    return revision === wanted
  }
}

/**
 * @param events all of the log; those of keys and of the ledger are passed over
 * @param held the checkpoint that is trusted; its signature was checked
 * @param known the leaves as they were when the ledger took them in, in their order, if there is a table of them
 * @param others more checkpoints, by size: without `known` they tell between which two of them the log goes wrong
 */
export async function walk(options: Options<Leaf>): Promise<Walked> {
  return walkHashed({ ...options, hashOf })
}

type Options<S extends Step> = {
  events: AsyncIterable<S>
  held: Held
  known?: AsyncIterable<KnownLeaf> | undefined
  others?: readonly Held[]
  /** Told of every event, those of keys and of the ledger too. */
  onEvent?: (event: S) => void
  /** Told of every leaf: its hash, and those of the subtrees that end with it. */
  onLeaf?: (index: number, event: S, hashes: readonly Hash[]) => void
  onProgress?: (leaves: number) => void
}

/** The same, where the leaves are hashed elsewhere. `hashOf` is asked for leaves alone. */
export async function walkHashed<S extends Step>(
  { events, held, known, others = [], onEvent = () => {}, onLeaf = () => {}, onProgress = () => {}, hashOf }: Options<S> & { hashOf: (event: S) => Hash },
): Promise<Walked> {
  const tree = createTree()
  const inOrder = nextRevisions()
  const rows = known?.[Symbol.asyncIterator]()
  const marks = others.filter((one) => one !== held && one.size > 0 && one.size <= held.size).sort((a, b) => a.size - b.size)
  let mark = 0
  const missed: number[] = []
  /** What the checkpoints along the way have proved, and the first that was not met. */
  let proved = 0
  let failed: number | undefined
  /** The first gap in a stream, and where the known leaves first differ. */
  let gap: Omit<Wrong, 'exact' | 'before'> | undefined
  let differs: Omit<Wrong, 'exact' | 'before'> | undefined
  /** The tree of the known leaves, from where it differs from the log's. */
  let other: Tree | undefined
  let rootThen: Hash | undefined
  let uncovered = 0
  let since: string | undefined

  const nextKnown = async (): Promise<KnownLeaf | undefined> => {
    const row = await rows?.next()
    return row === undefined || row.done === true ? undefined : row.value
  }

  for await (const event of events) {
    const { stream, revision } = event
    onEvent(event)
    if (noLeaves.some((prefix) => stream.startsWith(prefix))) continue
    const index = tree.size
    const found = { stream, revision }
    const isNext = inOrder(stream, revision)
    if (index >= held.size) {
      // No checkpoint that is held covers it; what holds of every stream is looked at all the same.
      since ??= event.metadata.at
      uncovered += 1
    }
    if (!isNext) gap ??= { index, expected: undefined, found, reason: 'the revisions of the stream have a gap here' }
    const hash = hashOf(event)
    if (rows) {
      const row = await nextKnown()
      if (row && !differs && !(row.stream === stream && row.revision === revision && same(row.hash, hash))) {
        if (index < held.size) other = tree.copy()
        const changed = row.stream === stream && row.revision === revision
        differs = { index, expected: { stream: row.stream, revision: row.revision }, found, reason: changed ? 'it was changed' : 'another event stands in its place' }
      }
      if (other && row && index < held.size) other.append(row.hash as Hash)
    }
    onLeaf(index, event, tree.append(hash))
    // Several may be of one size, and each of them must be met.
    for (; tree.size === marks[mark]?.size; mark += 1) {
      const met = same(tree.root(), marks[mark]!.root)
      if (!met) missed.push(tree.size)
      if (tree.size === held.size) continue
      if (failed === undefined && met) proved = tree.size
      else failed ??= tree.size
    }
    if (tree.size === held.size) rootThen = tree.root()
    if (tree.size % reportEvery === 0) onProgress(tree.size)
  }
  onProgress(tree.size)

  const further = await nextKnown()
  if (further) differs ??= { index: tree.size, expected: { stream: further.stream, revision: further.revision }, found: undefined, reason: 'the log ends before it' }
  if (held.size > tree.size) {
    if (further) (other ??= tree.copy()).append(further.hash as Hash)
    while (other && other.size < held.size) {
      const next = await nextKnown()
      if (!next) break
      other.append(next.hash as Hash)
    }
  }
  await rows?.return?.()

  const right = held.size === 0 || (rootThen !== undefined && same(rootThen, held.root))
  const result = { leaves: tree.size, root: tree.root(), uncovered: { events: uncovered, since }, missed, table: right ? differs : undefined }
  // The table may be what is wrong: then the log is right, whatever the table says.
  if (right) return { ...result, wrong: gap && gap.index >= held.size ? { ...gap, exact: true, before: undefined } : undefined }
  if (differs && other?.size === held.size && same(other.root(), held.root)) return { ...result, wrong: { ...differs, exact: true, before: undefined } }
  const missing = tree.size < held.size
  const place = {
    index: proved,
    expected: undefined,
    found: undefined,
    reason: missing ? `the log has ${tree.size} events, and ${held.size} were signed` : 'the events are not those that were signed',
    exact: false,
    before: failed ?? held.size,
  }
  // A gap in a stream says where to look; what is wrong may begin before it.
  return { ...result, wrong: gap && other === undefined ? { ...place, found: gap.found, reason: gap.reason } : place }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** What has no canonical form was never a leaf: it gets a hash that no leaf has. */
export function hashOf(event: Leaf): Hash {
  try {
    return leafHash(leafOf(event))
  } catch (error) {
    if (!(error instanceof NotCanonical)) throw error
    return leafHash('')
  }
}
