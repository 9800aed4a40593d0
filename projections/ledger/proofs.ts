/** What the ledger's table proves, for whoever asks. */
import { proveConsistency, proveInclusion } from '../../audit/merkle.ts'
import type { LedgerTable } from './table.ts'

/** Hashes in base64, from the leaf to below the root (RFC 9162, 2.1.3 and 2.1.4). */
export type InclusionProof = { stream: string; revision: number; index: number; size: number; leaf: string; proof: string[] }
export type ConsistencyProof = { from: number; to: number; proof: string[] }

/** The table cannot be asked. Nothing was proved or refuted. */
export class LedgerAway extends Error {
  readonly code = 'ledger_unavailable'
}

/** For those who know of no database. @throws LedgerAway */
export const createProofs = (table: LedgerTable) => {
  const asked = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error: unknown) => {
      throw new LedgerAway('the table of the ledger cannot be asked', { cause: error })
    })
  return {
    inclusion: (event: { stream: string; revision: number }, size: number) => asked(inclusionOf(table, event, size)),
    consistency: (from: number, to: number) => asked(consistencyOf(table, from, to)),
  }
}

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64')

/** That the event is in the tree of `size` leaves; undefined where it is not, or not yet. @throws LedgerTableBroken, and the database's errors */
export async function inclusionOf(table: LedgerTable, { stream, revision }: { stream: string; revision: number }, size: number): Promise<InclusionProof | undefined> {
  const leaf = await table.leaf(stream, revision)
  if (!leaf || leaf.index >= size || size > (await table.size())) return undefined
  const { index, hashes } = leaf
  return { stream, revision, index, size, leaf: base64(hashes.subarray(0, 32)), proof: (await proveInclusion(table.nodes, index, size)).map(base64) }
}

/** That the tree of `to` leaves begins with that of `from`; undefined for sizes that it never had. @throws LedgerTableBroken, and the database's errors */
export async function consistencyOf(table: LedgerTable, from: number, to: number): Promise<ConsistencyProof | undefined> {
  if (from < 1 || from > to || to > (await table.size())) return undefined
  return { from, to, proof: (await proveConsistency(table.nodes, from, to)).map(base64) }
}
