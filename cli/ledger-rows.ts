/** The ledger's table as its rows say it, for a walk of the log. */
import { createHash } from 'node:crypto'
import { createTree, type Hash } from '../audit/merkle.ts'
import type { KnownLeaf } from '../audit/walk.ts'
import type { LeafRow, LedgerTable } from '../projections/ledger/table.ts'

/** The hashes that the row has of larger subtrees do not follow from the leaves below them. */
export type TableFault = { index: number }

const atOnce = 4_000
const hashBytes = 32

/** Rows that are compared by one digest: the database reads them where they are, and hands out 32 bytes. */
const digested = 5_000

/** Whether the table's first `size` rows are what the walk makes of the log. It does not say where they differ: `leavesOf` does. */
export function createTableCheck(table: LedgerTable, size: number) {
  const ours: Buffer[] = []
  let portion = createHash('sha256')
  // While the log is walked.
  const theirs = (async () => {
    const digests: (Buffer | undefined)[] = []
    for (let from = 0; from < size; from += digested) digests.push(await table.digest(from, Math.min(from + digested, size)))
    return digests
  })()
  theirs.catch(() => {})
  return {
    onLeaf(index: number, { stream, revision }: { stream: string; revision: number }, hashes: readonly Hash[]): void {
      if (index >= size) return
      portion.update(`${index} ${stream} ${revision} `)
      for (const hash of hashes) portion.update(hash)
      if ((index + 1) % digested !== 0 && index + 1 !== size) return
      ours.push(portion.digest())
      portion = createHash('sha256')
    },
    async differs(): Promise<boolean> {
      const digests = await theirs
      return ours.length !== digests.length || digests.some((digest, nth) => digest === undefined || !digest.equals(ours[nth] as Buffer))
    },
  }
}

/** The first `size` leaves in their order. A row that is missing is passed over: the one after it stands in the wrong place. */
export async function* leavesOf(table: LedgerTable, size: number, onFault: (fault: TableFault) => void): AsyncGenerator<KnownLeaf> {
  const tree = createTree()
  const page = (from: number): Promise<LeafRow[]> => {
    const rows = from < size ? table.from(from, Math.min(atOnce, size - from)) : Promise.resolve([])
    // It is looked at when the page before has been walked; nobody listens until then.
    rows.catch(() => {})
    return rows
  }
  for (let rows = await page(0); rows.length > 0; ) {
    // The database looks for the next ones meanwhile.
    const coming = page((rows.at(-1) as LeafRow).index + 1)
    for (const { index, stream, revision, hashes } of rows) {
      if (index >= size) return
      const hash = hashes.subarray(0, hashBytes)
      if (!Buffer.concat(tree.append(hash)).equals(hashes)) onFault({ index })
      yield { stream, revision, hash }
    }
    rows = await coming
  }
}
