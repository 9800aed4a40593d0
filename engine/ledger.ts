/** The signer of the ledger: it says how many events there are and what the root of their Merkle tree is, never twice differently. */
import { proveConsistency, rootAt, emptyRoot, type Nodes } from '../audit/merkle.ts'
import { checkpointText, fromBase64, openCheckpoint, signerOf, signNote, verifierOf, type Signer } from '../audit/note.ts'
import { extendsTree } from '../audit/proofs.ts'
import { handoverText } from '../audit/keys.ts'
import { evolve, isDue, ledgerEvents, type LedgerEvent, type LedgerState, type Pace } from '../domain/ledger/events.ts'
import { parseFact } from '../domain/event.ts'
import type { Aggregate, Cause, Decided, Folded, Streams } from '../eventlog/transact.ts'
import { hmac, uuidOf } from '../vault/sealing.ts'
import type { Vault } from '../vault/vault.ts'

/** The tree as it is kept elsewhere: nothing of it is believed that does not fit what was signed before. */
export type LedgerTree = { size(): Promise<number>; nodes: Nodes }
/** `number`: the revision in the ledger's stream. */
export type SignedCheckpoint = { number: number; size: number; root: string; at: string; note: string; vkey: string }

/** The tree is not the one that was signed before, or shorter: the log or the tree was tampered with, or put back from a backup. Nothing is signed. */
export class LedgerForked extends Error {
  readonly code = 'ledger_forked'
}
/** The key in the vault is not the one that the ledger names. */
export class LedgerKeyLost extends Error {
  readonly code = 'ledger_key_lost'
}

const ledgers: Aggregate<LedgerState, typeof ledgerEvents> = { events: ledgerEvents, evolve, lastOnly: true }

export type Ledger = ReturnType<typeof createLedger>

export function createLedger({ streams, vault, now }: { streams: Streams; vault: Vault; now: () => Date }) {
  // Of the root key, which is made once for a log and never changes: every engine finds it without a search.
  const id = uuidOf(`ledger ${hmac(vault.secret('ledger'), 'log id').toString('hex')}`)
  const stream = `ledger-${id}`
  const origin = `keyledger/${id}`
  const keyId = (nth: number): string => uuidOf(`ledger key ${id} ${nth}`)
  const cause = (what: string): Cause => ({ actor: 'engine', correlationId: id, causationId: `${id}/${what}` })

  const signerFor = async (key: string): Promise<Signer> => signerOf(origin, await vault.ledgerKey(key))

  async function opened(): Promise<Folded<LedgerState>> {
    const known = await streams.load(ledgers, stream)
    if (known) return known
    const key = keyId(0)
    const { vkey } = await signerFor(key)
    const { folded } = await streams.transact(ledgers, stream, cause('open'), (folded): Decided<LedgerEvent, void> => ({
      events: folded ? [] : [{ type: 'LedgerOpened', data: { origin, key, vkey, changes: [], size: 0, root: emptyRoot.toString('base64') } }],
      result: undefined,
    }))
    return folded as Folded<LedgerState>
  }

  /** @throws LedgerKeyLost; LedgerForked for a checkpoint that this key did not sign */
  async function signerOfState({ key, vkey, size, root, note }: LedgerState): Promise<Signer> {
    const signer = await signerFor(key)
    if (signer.vkey !== vkey) throw new LedgerKeyLost(`key-${key} does not hold the private key of ${vkey}`)
    const said = note === undefined ? undefined : openCheckpoint(note, verifierOf(vkey))
    if (said && (said.size !== size || said.root.toString('base64') !== root)) throw new LedgerForked(`the last event of ${stream} is not what its note says`)
    return signer
  }

  /** What the tree has now, as text to sign. @throws LedgerForked unless it extends what was signed last */
  async function extended(state: LedgerState, { nodes }: LedgerTree, size: number): Promise<{ root: Buffer; text: string }> {
    if (size < state.size) throw new LedgerForked(`the tree has ${size} leaves, and ${state.size} were signed`)
    const root = await rootAt(nodes, size)
    const proof = state.size === 0 || state.size === size ? [] : await proveConsistency(nodes, state.size, size)
    const holds = state.size === 0 || extendsTree({ from: state.size, to: size, oldRoot: fromBase64(state.root), newRoot: root, proof })
    if (!holds) throw new LedgerForked(`the tree of ${size} leaves does not extend the one of ${state.size} that was signed`)
    return { root, text: checkpointText({ origin, size, root }) }
  }

  const readNumber = async (number: number): Promise<SignedCheckpoint | undefined> => {
    for await (const recorded of streams.log.read(stream, number)) return signedIn(recorded)
    return undefined
  }

  return {
    id,
    stream,
    origin,

    /** Other text that is to be known for the ledger's own, such as what is in a bundle. */
    signText: async (text: string): Promise<string> => signNote(text, await signerOfState((await opened()).state)),

    /** What was signed last; 0 leaves where nothing was. */
    state: async (): Promise<LedgerState & { number: number }> => {
      const { state, revision } = await opened()
      return { ...state, number: revision }
    },

    /**
     * Signs the tree as it is now; undefined when there is nothing new, when it is not due by `pace`, and when another engine was faster.
     * @throws LedgerForked, LedgerKeyLost, Unavailable
     */
    async checkpoint(tree: LedgerTree, pace?: Pace): Promise<SignedCheckpoint | undefined> {
      const before = await opened()
      const size = await tree.size()
      // Looked at though nothing is new: that a tree fell back is told at once.
      const { root, text } = await extended(before.state, tree, size)
      if (pace ? !isDue(before.state, size, now(), pace) : size === before.state.size) return undefined
      const { key, vkey, changes } = before.state
      const note = signNote(text, await signerOfState(before.state))
      const data = { origin, key, vkey, changes: [...changes], size, root: root.toString('base64'), note }
      const { appended, folded } = await streams.transact(ledgers, stream, cause(`checkpoint ${size}`), (folded): Decided<LedgerEvent, void> => ({
        // Decided on that very revision: who signed meanwhile is not contradicted.
        events: folded?.revision === before.revision ? [{ type: 'CheckpointSigned', data }] : [],
        result: undefined,
      }))
      return appended > 0 && folded ? { number: folded.revision, size, root: data.root, at: folded.at, note, vkey } : undefined
    },

    /** Another key signs from now on, named by the one before, which is then destroyed: who gets hold of it later cannot rewrite what it signed. */
    async rotateKey(): Promise<{ number: number; vkey: string }> {
      const before = await opened()
      const changes = [...before.state.changes, before.revision + 1]
      const [old, next] = [await signerOfState(before.state), await signerFor(keyId(changes.length))]
      const { size, root } = before.state
      const data = { origin, key: keyId(changes.length), vkey: next.vkey, changes, size, root, handover: signNote(handoverText(origin, next.vkey), old) }
      const { appended } = await streams.transact(ledgers, stream, cause(`key ${changes.length}`), (folded): Decided<LedgerEvent, void> => ({
        events: folded?.revision === before.revision ? [{ type: 'LedgerKeyChanged', data }] : [],
        result: undefined,
      }))
      if (appended === 0) throw new Error('the ledger was written by another engine meanwhile: try again')
      // All of them, so that what a crash left is made good.
      for (let nth = 0; nth < changes.length; nth += 1) await vault.forget(keyId(nth))
      return { number: before.revision + 1, vkey: next.vkey }
    },

    /** The checkpoint of this number; undefined where there is none. */
    read: readNumber,

    /** Checkpoints from the one of `number` on, at most `limit`. */
    async list(number: number, limit: number): Promise<SignedCheckpoint[]> {
      const found: SignedCheckpoint[] = []
      for await (const recorded of streams.log.read(stream, Math.max(0, number))) {
        const signed = signedIn(recorded)
        if (signed) found.push(signed)
        if (found.length >= limit) break
      }
      return found
    },

    /** The first key, and the notes by which each named the next. */
    async keys(): Promise<{ first: string; handovers: string[] }> {
      const { state } = await opened()
      const facts = await Promise.all([0, ...state.changes].map(async (revision) => {
        for await (const recorded of streams.log.read(stream, revision)) return parseFact(ledgerEvents, recorded)
        throw new LedgerForked(`${stream} has no revision ${revision}`)
      }))
      const [first, ...changes] = facts
      return { first: first?.data.vkey ?? '', handovers: changes.flatMap((fact) => (fact.type === 'LedgerKeyChanged' ? [fact.data.handover] : [])) }
    },
  }
}

function signedIn(recorded: { type: string; data: unknown; metadata: { at: string }; revision: number }): SignedCheckpoint | undefined {
  const fact = parseFact(ledgerEvents, recorded)
  if (fact.type !== 'CheckpointSigned') return undefined
  const { size, root, note, vkey } = fact.data
  return { number: recorded.revision, size, root, note, vkey, at: fact.at }
}
