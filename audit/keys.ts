/** How the key of a ledger changes: the one before signs a note that names the next. So whoever holds any of them can go on to the newest. */
import { BadNote, openNote, verifierOf, type Verifier } from './note.ts'

const heading = 'keyledger key change'

export const handoverText = (origin: string, next: string): string => `${heading}\n${origin}\n${next}\n`

/**
 * The keys that may be believed by who trusts `trusted`, itself first: those that it named, directly or through others.
 * @param handovers in their order @throws BadNote for a handover that is wrong
 */
export function keysFrom(trusted: string, handovers: readonly string[]): Verifier[] {
  const keys = [verifierOf(trusted)]
  for (const handover of handovers) {
    const last = keys.at(-1) as Verifier
    // Those of before the trusted key are no business of ours.
    if (!isBy(handover, last)) continue
    const [head, origin, vkey = ''] = openNote(handover, last).split('\n')
    const next = verifierOf(vkey)
    if (head !== heading || origin !== last.name || next.name !== last.name) throw new BadNote('not a change of the key of this ledger')
    keys.push(next)
  }
  return keys
}

const isBy = (note: string, { name, id }: Verifier): boolean =>
  note.split('\n').some((line) => {
    const [, by, encoded = ''] = /^— (\S+) (\S+)$/.exec(line) ?? []
    return by === name && Buffer.from(encoded, 'base64').toString('hex', 0, 4) === id
  })
