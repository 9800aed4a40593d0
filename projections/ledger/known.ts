/** The leaves of the ledger's table, one after the other: what a walk over the log is held against. */
import type { KnownLeaf } from '../../audit/walk.ts'
import type { LedgerTable } from './table.ts'

const pageSize = 5_000

/** @throws the database's errors */
export async function* knownLeaves(table: LedgerTable): AsyncGenerator<KnownLeaf> {
  for (let from = 0; ; ) {
    const page = await table.from(from, pageSize)
    for (const { stream, revision, hashes } of page) yield { stream, revision, hash: hashes.subarray(0, 32) }
    if (page.length < pageSize) return
    from += pageSize
  }
}
