/** Is this log the one that a checkpoint was signed for? A walk over its events, in log order, that says which one is wrong. */
import type { Leaf } from './canonical.ts'
import { leafOf, NotCanonical, noLeaves } from './canonical.ts'
import { createTree, leafHash, type Hash, type Tree } from './merkle.ts'

/** What somebody holds of a checkpoint: so many leaves, and their root. */
export type Held = { size: number; root: Uint8Array }
/** A leaf as the ledger's table has it. It is believed only if it leads to the root of the checkpoint that is held. */
export type KnownLeaf = { stream: string; revision: number; hash: Uint8Array }
type Event = { stream: string; revision: number }

/**
 * `index`: in the tree, from 0. `expected`: which event should be there, `found`: which one is; neither is known of every fault.
 * `exact`: that this is the first event that is wrong is proved by the checkpoint; otherwise that one is somewhere from `index` to before `before`.
 */
export type Wrong = { index: number; expected: Event | undefined; found: Event | undefined; reason: string; exact: boolean; before: number | undefined }
/** `uncovered`: events that the checkpoint says nothing of, and when the first of them was written. */
export type Walked = { leaves: number; root: Hash; wrong: Wrong | undefined; uncovered: { events: number; since: string | undefined } }

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
export async function walk(
  { events, held, known, others = [], onProgress = () => {} }: {
    events: AsyncIterable<Leaf>
    held: Held
    known?: AsyncIterable<KnownLeaf> | undefined
    others?: readonly Held[]
    onProgress?: (leaves: number) => void
  },
): Promise<Walked> {
  const tree = createTree()
  const inOrder = nextRevisions()
  const rows = known?.[Symbol.asyncIterator]()
  const marks = [...others].filter(({ size }) => size > 0 && size < held.size).sort((a, b) => a.size - b.size)
  let mark = 0
  /** What the checkpoints along the way have proved, and the first that was not met. */
  let proved = 0
  let failed: number | undefined
  let wrong: Omit<Wrong, 'exact' | 'before'> | undefined
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
    if (noLeaves.some((prefix) => stream.startsWith(prefix))) continue
    const index = tree.size
    const found = { stream, revision }
    const isNext = inOrder(stream, revision)
    if (index >= held.size) {
      // No checkpoint that is held covers it; what holds of every stream is looked at all the same.
      since ??= event.metadata.at
      uncovered += 1
      if (!isNext) wrong ??= { index, expected: undefined, found, reason: 'the revisions of the stream have a gap here' }
    }
    const hash = hashOf(event)
    if (index < held.size) {
      const row = await nextKnown()
      if (row && !other && !(row.stream === stream && row.revision === revision && same(row.hash, hash))) {
        other = tree.copy()
        const changed = row.stream === stream && row.revision === revision
        wrong = { index, expected: { stream: row.stream, revision: row.revision }, found, reason: changed ? 'it was changed' : 'another event stands in its place' }
      }
      if (other && row) other.append(row.hash as Hash)
      if (!isNext) wrong ??= { index, expected: undefined, found, reason: 'the revisions of the stream have a gap here' }
    }
    tree.append(hash)
    if (tree.size === marks[mark]?.size) {
      if (failed === undefined && same(tree.root(), marks[mark]!.root)) proved = tree.size
      else failed ??= tree.size
      mark += 1
    }
    if (tree.size === held.size) rootThen = tree.root()
    if (tree.size % reportEvery === 0) onProgress(tree.size)
  }
  onProgress(tree.size)

  if (held.size > tree.size) {
    const row = await nextKnown()
    if (row && !other) {
      other = tree.copy()
      other.append(row.hash as Hash)
      wrong = { index: tree.size, expected: { stream: row.stream, revision: row.revision }, found: undefined, reason: 'the log ends before it' }
    } else if (row) other?.append(row.hash as Hash)
    while (other && other.size < held.size) {
      const further = await nextKnown()
      if (!further) break
      other.append(further.hash as Hash)
    }
  }
  await rows?.return?.()

  const right = held.size === 0 || (rootThen !== undefined && same(rootThen, held.root))
  const result = { leaves: tree.size, root: tree.root(), uncovered: { events: uncovered, since } }
  // The table may be what is wrong: then the log is right, whatever the table says.
  if (right) return { ...result, wrong: wrong && wrong.index >= held.size ? { ...wrong, exact: true, before: undefined } : undefined }
  if (wrong && other?.size === held.size && same(other.root(), held.root)) return { ...result, wrong: { ...wrong, exact: true, before: undefined } }
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
  return { ...result, wrong: wrong && other === undefined ? { ...place, found: wrong.found, reason: wrong.reason } : place }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** What has no canonical form was never a leaf: it gets a hash that no leaf has. */
function hashOf(event: Leaf): Hash {
  try {
    return leafHash(leafOf(event))
  } catch (error) {
    if (!(error instanceof NotCanonical)) throw error
    return leafHash('')
  }
}
