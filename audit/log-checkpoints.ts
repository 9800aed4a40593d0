/** What a log has of its own checkpoints: the events of its `ledger-` stream, each held against the key that it should be signed by. */
import { parseFact, UnknownEvent } from '../domain/event.ts'
import { ledgerEvents } from '../domain/ledger/events.ts'
import type { EventLog } from '../eventlog/event-log.ts'
import type { Fault } from './examination.ts'
import { keysFrom } from './keys.ts'
import { BadNote, fromBase64, openCheckpoint, openNote, readCheckpoint, verifierOf, type Verifier } from './note.ts'
import type { Held } from './walk.ts'

/** `number`: the revision of its event. */
export type OwnCheckpoint = Held & { number: number; at: string }
export type LogCheckpoints = { stream: string | undefined; checkpoints: OwnCheckpoint[]; first: string | undefined; handovers: string[]; faults: Fault[] }

/** @throws Unavailable */
export async function readCheckpoints(log: EventLog): Promise<LogCheckpoints> {
  const found: LogCheckpoints = { stream: undefined, checkpoints: [], first: undefined, handovers: [], faults: [] }
  let signer: Verifier | undefined
  for await (const event of log.readAll({ prefixes: ['ledger-'] })) {
    const { stream, revision } = event
    const wrong = (reason: string): void => void found.faults.push({ stream, revision, reason })
    found.stream ??= stream
    if (stream !== found.stream) {
      wrong(`a second ledger: the log has ${found.stream}`)
      continue
    }
    try {
      const { type, data, at } = parseFact(ledgerEvents, event)
      if (data.origin !== `keyledger/${stream.slice('ledger-'.length)}`) wrong('it is of another log')
      if (type === 'LedgerOpened') {
        found.first = data.vkey
        signer = verifierOf(data.vkey)
      } else if (signer === undefined) {
        wrong('no key was named before it')
      } else if (type === 'LedgerKeyChanged') {
        openNote(data.handover, signer)
        found.handovers.push(data.handover)
        signer = keysFrom(signer.vkey, [data.handover]).at(-1) as Verifier
        if (signer.vkey !== data.vkey) wrong('the key before names another one')
      } else {
        const { size, root } = openCheckpoint(data.note, signer)
        if (data.vkey !== signer.vkey || size !== data.size || !root.equals(fromBase64(data.root))) wrong('it is not what its note says')
        if (size < (found.checkpoints.at(-1)?.size ?? 0)) wrong('it covers less than the checkpoint before')
        found.checkpoints.push({ number: revision, size, root, at })
      }
    } catch (error) {
      if (!(error instanceof BadNote || error instanceof UnknownEvent)) throw error
      wrong(error.message)
    }
  }
  return found
}

/**
 * What somebody holds, checked by a key that they hold, or else by one that the log itself names.
 * @throws BadNote where neither has signed it, or the log names none that leads there
 */
export function heldBy({ first, handovers }: LogCheckpoints, note: string, key: string | undefined): Held {
  const keys = keysOf(first, handovers, key)
  const failures: unknown[] = []
  for (const verifier of keys) {
    try {
      return openCheckpoint(note, verifier)
    } catch (error) {
      failures.push(error)
    }
  }
  throw failures.at(-1) ?? new BadNote(`the log has no key that could have signed the checkpoint of ${readCheckpoint(note.slice(0, note.indexOf('\n\n') + 1)).size} events`)
}

/** Those that may be believed, the newest last. @throws BadNote where the key that is held is none of this log */
export function keysOf(first: string | undefined, handovers: readonly string[], held: string | undefined): Verifier[] {
  const own = first === undefined ? [] : keysFrom(first, handovers)
  if (held === undefined) return own
  const trusted = keysFrom(held, handovers)
  if (own.length > 0 && !own.some(({ vkey }) => vkey === held)) throw new BadNote(`the log is signed by ${own.at(-1)?.vkey}, and no key names ${held}`)
  // What was signed before it was named by a key that may be lost to a thief by now: it is not believed for what is held.
  return trusted
}
