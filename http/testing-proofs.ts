/** What the ledger's table would prove, of a log that is kept in memory. */
import { proveConsistency, proveInclusion } from '../audit/merkle.ts'
import type { Kept } from '../audit/testing.ts'
import type { LedgerTree } from '../engine/ledger.ts'
import type { Proofs } from './audit.ts'

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64')

/** `kept`: as it is when it is asked. */
export function proofsOf(kept: () => Kept): { tree: LedgerTree; proofs: Proofs } {
  const tree: LedgerTree = { size: async () => kept().leaves.length, nodes: (places) => kept().nodes(places) }
  const proofs: Proofs = {
    inclusion: async ({ stream, revision }, size) => {
      const index = kept().leaves.findIndex((leaf) => leaf.stream === stream && leaf.revision === revision)
      if (index < 0 || index >= size) return undefined
      return { stream, revision, index, size, leaf: base64(kept().known[index]!.hash), proof: (await proveInclusion(tree.nodes, index, size)).map(base64) }
    },
    consistency: async (from, to) => (from < 1 || from > to || to > kept().leaves.length ? undefined : { from, to, proof: (await proveConsistency(tree.nodes, from, to)).map(base64) }),
  }
  return { tree, proofs }
}
