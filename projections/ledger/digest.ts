/** What becomes of events in the ledger: leaves, in log order, each stream without a gap. */
import { leafOf, NotCanonical } from '../../audit/canonical.ts'
import { leafHash, type Hash, type Tree } from '../../audit/merkle.ts'
import type { Recorded } from '../../eventlog/event-log.ts'

/** An event that cannot be a leaf. The ledger stops before it: what it left out it could never take in again. */
export class Indigestible extends Error {
  readonly code = 'ledger_indigestible'
  readonly stream: string
  readonly revision: number
  constructor({ stream, revision }: Recorded, reason: string) {
    super(`${stream}, revision ${revision}: ${reason}`)
    this.stream = stream
    this.revision = revision
  }
}

export type Digested = { index: number; stream: string; revision: number; hashes: Hash[] }

/**
 * Appends the events to the tree and moves the streams' heads, up to the first one that cannot be a leaf.
 * @param heads the last revision of each stream that is in the tree
 */
export function digest(tree: Tree, heads: Map<string, number>, events: readonly Recorded[]): { leaves: Digested[]; stopped: Indigestible | undefined } {
  const leaves: Digested[] = []
  for (const event of events) {
    const { stream, revision } = event
    const next = (heads.get(stream) ?? -1) + 1
    if (revision !== next) return { leaves, stopped: new Indigestible(event, `revision ${next} of the stream is to come next`) }
    try {
      const [index, hash] = [tree.size, leafHash(leafOf(event))]
      leaves.push({ index, stream, revision, hashes: tree.append(hash) })
    } catch (error) {
      if (!(error instanceof NotCanonical)) throw error
      return { leaves, stopped: new Indigestible(event, error.message) }
    }
    heads.set(stream, revision)
  }
  return { leaves, stopped: undefined }
}
