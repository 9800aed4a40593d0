/**
 * The ledger's tree in Postgres: a row a leaf, in log order. Beside its own hash it has those of all complete subtrees that end with it, so that
 * every node of the tree stands in exactly one row, rows are never changed, and a proof is one look-up by index.
 */
import type { Sql } from 'postgres'
import type { Hash, Nodes, Place } from '../../audit/merkle.ts'
import type { Position } from '../../eventlog/event-log.ts'
import { checkpointTables, ifThere, Overtaken } from '../store.ts'

export const ledgerTable = 'ledger_v1'

/** `hashes`: of the leaf, then of the subtrees that end with it, the smaller ones first. */
export type LeafRow = { index: number; stream: string; revision: number; hashes: Buffer }
/** The generation counts the times that the table was begun anew. */
export type LedgerCheckpoint = { position: Position | undefined; generation: number; holder: string | undefined }

/** The table lacks a node that it should have: it was written by somebody else, or begun anew meanwhile. */
export class LedgerTableBroken extends Error {
  readonly code = 'ledger_table_broken'
}

const hashBytes = 32

// As in ../store.ts: the lock keeps two processes from creating at once, and a table without its checkpoint is begun anew.
const create = `
  select pg_advisory_xact_lock(hashtext('projection_checkpoints'));
  ${checkpointTables};
  create table if not exists "${ledgerTable}" (
    index bigint primary key, stream text not null, revision integer not null, hashes bytea not null, unique (stream, revision));
  do $$ begin
    if not exists (select from projection_checkpoints where projection = '${ledgerTable}') then
      truncate "${ledgerTable}";
      insert into projection_checkpoints (projection) values ('${ledgerTable}');
    end if;
  end $$`

const save = `
  with moved as (
    update projection_checkpoints set position = $1, holder = $2, updated_at = now()
      where projection = '${ledgerTable}' and position is not distinct from $3 and generation = $4 returning 1
  ), saved as (
    insert into "${ledgerTable}" (index, stream, revision, hashes)
      select index, stream, revision, decode(hashes, 'base64') from jsonb_to_recordset($5::text::jsonb) as x(index bigint, stream text, revision integer, hashes text)
      where exists (select from moved)
  )
  select 1 from moved`

export type LedgerTable = ReturnType<typeof createLedgerTable>

export const createLedgerTable = (sql: Sql) => {
  const nodes: Nodes = async (places) => {
    // The row of the leaf that a subtree ends with.
    const rowOf = ({ level, index }: Place): number => (index + 1) * 2 ** level - 1
    const rows = await sql<{ index: number; hashes: Buffer }[]>`select index, hashes from ledger_v1 where index = any(${sql.array(places.map(rowOf), 1016)})`
    const found = new Map(rows.map(({ index, hashes }) => [index, hashes]))
    return places.map((place) => {
      const hash = found.get(rowOf(place))?.subarray(place.level * hashBytes, (place.level + 1) * hashBytes)
      if (hash?.length !== hashBytes) throw new LedgerTableBroken(`the ledger's table has no node ${place.index} of level ${place.level}`)
      return hash
    })
  }

  const reached = async (): Promise<LedgerCheckpoint | undefined> => {
    const [row] = await ifThere(sql<{ position: string | null; generation: number; holder: string | null }[]>`
      select position, generation, holder from projection_checkpoints where projection = ${ledgerTable}`)
    return row && { position: row.position ?? undefined, generation: row.generation, holder: row.holder ?? undefined }
  }

  return {
    nodes,

    create: async (): Promise<void> => {
      await sql.unsafe(create)
    },

    /** @throws Overtaken where there is none: the table was dropped */
    checkpoint: async (): Promise<LedgerCheckpoint> => {
      const checkpoint = await reached()
      if (!checkpoint) throw new Overtaken(`${ledgerTable} has no checkpoint`)
      return checkpoint
    },

    /** How far it is; undefined where no engine ever made the table. */
    reached,

    /** Leaves so far; 0 where no engine ever made the table. */
    size: async (): Promise<number> => {
      const [row] = await ifThere(sql<{ size: number }[]>`select coalesce(max(index) + 1, 0) as size from ledger_v1`)
      return row?.size ?? 0
    },

    /** The last revision of each of these streams that is in the table. */
    heads: async (streams: readonly string[]): Promise<Map<string, number>> => {
      if (streams.length === 0) return new Map()
      const rows = await sql<{ stream: string; revision: number | null }[]>`
        select stream, (select revision from ledger_v1 where ledger_v1.stream = wanted.stream order by revision desc limit 1) as revision
        from unnest(${sql.array([...streams], 1009)}::text[]) as wanted (stream)`
      return new Map(rows.flatMap(({ stream, revision }) => (revision === null ? [] : [[stream, revision]])))
    },

    /** Writes the leaves and moves the checkpoint by compare-and-set, in one statement. @throws Overtaken */
    save: async (leaves: readonly { index: number; stream: string; revision: number; hashes: readonly Hash[] }[], from: LedgerCheckpoint, to: LedgerCheckpoint): Promise<void> => {
      const rows = JSON.stringify(leaves.map(({ hashes, ...leaf }) => ({ ...leaf, hashes: Buffer.concat(hashes).toString('base64') })))
      const moved = await sql.unsafe(save, [to.position ?? null, to.holder ?? null, from.position ?? null, from.generation, rows], { prepare: true })
      if (moved.length === 0) throw new Overtaken(`${ledgerTable} was written by another`)
    },

    /** Begins anew: whoever follows the log fills it again. The checkpoints that were signed are facts and stay. */
    restart: async (): Promise<void> => {
      await sql.unsafe(`${create};
        truncate "${ledgerTable}";
        update projection_checkpoints set position = null, generation = generation + 1, holder = null, updated_at = now() where projection = '${ledgerTable}'`)
    },

    /** The leaves of a stream, by revision. */
    ofStream: (stream: string): Promise<LeafRow[]> =>
      sql<LeafRow[]>`select index, stream, revision, hashes from ledger_v1 where stream = ${stream} order by revision`,

    /** The leaf of one event; undefined while it has none. */
    leaf: async (stream: string, revision: number): Promise<LeafRow | undefined> => {
      const [row] = await sql<LeafRow[]>`select index, stream, revision, hashes from ledger_v1 where stream = ${stream} and revision = ${revision}`
      return row
    },

    /** SHA-256 over the rows from `from` to before `to`, each as index, stream and revision with a space after each of them, then its hashes; undefined where there are none. */
    digest: async (from: number, to: number): Promise<Buffer | undefined> => {
      const [row] = await sql<{ digest: Buffer | null }[]>`
        select sha256(string_agg(convert_to(concat(index, ' ', stream, ' ', revision, ' '), 'UTF8') || hashes, ''::bytea order by index)) as digest
        from ledger_v1 where index >= ${from} and index < ${to}`
      return row?.digest ?? undefined
    },

    /** Leaves in their order, from `index` on, at most `limit`. */
    from: (index: number, limit: number): Promise<LeafRow[]> =>
      sql<LeafRow[]>`select index, stream, revision, hashes from ledger_v1 where index >= ${index} order by index limit ${limit}`,
  }
}
