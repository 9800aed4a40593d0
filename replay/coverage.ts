/** What the ledger says of an event. */

/** `leaf`: its place in the tree; null while it is in none. `checkpoint`: the number of the newest one that covers it; null: not yet covered. */
export type Coverage = { leaf: number | null; checkpoint: number | null }

/** Of every event of these streams, by stream and revision; undefined while the ledger's table is out of reach. */
export type CoverageOf = (streams: readonly string[]) => Promise<((stream: string, revision: number) => Coverage) | undefined>
