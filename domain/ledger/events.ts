/** The storage format of `ledger-<log id>`: what was signed of the log's Merkle tree. Every event carries the whole state, so the last one is enough. */
import { z } from 'zod'
import { clear, event, type EventOf, type Fact } from '../event.ts'

/** RFC 4648, section 4: as signed notes have it. */
const Base64 = z.base64()
const state = {
  /** The name of the log in its checkpoints, and of its key. */
  origin: clear(z.string()),
  /** Whose stream has the private key, wrapped: `key-<this>`. */
  key: clear(z.uuid()),
  /** The public key, as c2sp.org/signed-note writes it. */
  vkey: clear(z.string()),
  /** The revisions of this stream at which the key changed. */
  changes: clear(z.array(z.int().nonnegative())),
  /** What the last checkpoint says: so many leaves, and the root of their tree. */
  size: clear(z.int().nonnegative()),
  root: clear(Base64),
}

export const ledgerEvents = {
  LedgerOpened: event('This log has a ledger, and this is the first key that signs for it. Nothing is signed yet; what was written before will be leaves too.', state),
  CheckpointSigned: event('The tree had so many leaves and this root, and extends that of the checkpoint before. It does not imply that anybody has seen it.', {
    ...state,
    /** The signed note as it is sent out (c2sp.org/tlog-checkpoint). */
    note: clear(z.string()),
  }),
  LedgerKeyChanged: event('Another key signs from here on. The checkpoint that was last signed stays as it is.', {
    ...state,
    /** A note by the key before that names this one: who trusts that one may trust this one. */
    handover: clear(z.string()),
  }),
}
export type LedgerEvent = EventOf<typeof ledgerEvents>

export type LedgerState = {
  origin: string
  key: string
  vkey: string
  changes: readonly number[]
  size: number
  root: string
  /** ISO 8601. When the last checkpoint was signed, or the ledger opened. */
  signedAt: string
  /** What was sent out; undefined where this event sent nothing. */
  note: string | undefined
}

/** Of the last event alone. A change of the key counts as a checkpoint: the next one is due a minute later at most. */
export function evolve(_: LedgerState | undefined, { type, data, at }: Fact<LedgerEvent>): LedgerState {
  const { origin, key, vkey, changes, size, root } = data
  return { origin, key, vkey, changes, size, root, signedAt: at, note: type === 'CheckpointSigned' ? data.note : undefined }
}

/** `events`: new leaves; `seconds`: the age of the last checkpoint. */
export type Pace = { events: number; seconds: number }

/** Whether the tree, which has `size` leaves now, is to be signed. Never when nothing is new. */
export const isDue = (state: LedgerState, size: number, at: Date, { events, seconds }: Pace): boolean =>
  size > state.size && (size - state.size >= events || at.getTime() - Date.parse(state.signedAt) >= seconds * 1000)
