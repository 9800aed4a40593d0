/** The README of a bundle: for whoever is handed one, and knows nothing of this program. */
import { accountEvents, identifierEvents, passwordFormatEvents } from '../domain/account/events.ts'
import { policyEvents } from '../domain/policy/events.ts'
import { sessionEvents } from '../domain/session/events.ts'
import { tokensEvents } from '../domain/session/tokens.ts'
import { z } from 'zod'

export const readme = `A part of the record of a Keyledger log, with proofs that it is what was signed.

What is in it
  events.ndjson    an event a line, in the order of the log, written as RFC 8785 has it: these bytes are what was hashed
  proofs.ndjson    for each of them its index in the Merkle tree of the log and the proof of it (RFC 9162, 2.1.3)
  checkpoint.txt   the root of that tree, signed (c2sp.org/tlog-checkpoint)
  keys.json        the public key of the log; where it was changed, the notes by which each key named the next
  manifest.txt     the hashes of bundle.json, keys.json, events.ndjson and proofs.ndjson, signed
  bundle.json      what was asked for, and what there should be
  schema.json      what each type of event means, and its fields

How to check it
  python3 verify.py THIS [--key VKEY] [--checkpoint FILE]     verify.py comes with Keyledger (audit/verify.py) and needs Python 3 alone
  npm run --silent cli -- audit verify THIS [--key VKEY] [--checkpoint FILE]
  Without a key and a checkpoint that you hold from elsewhere it is only checked against itself.

What it proves
  Each event that is covered was in the log, at this place and in these words, when the checkpoint was signed.
  A stream is here from revision 0 on without a gap. Where bundle.json has "first", all events from there to the checkpoint are here.
  If you hold that checkpoint, or a later one with a proof of consistency, from somebody else, then nobody has changed them since, not even
  who runs the log and has its key.

What it does not prove
  That what an event says was true when it was written. That the clock was right: times are those of the engine.
  Anything about events that are "not yet covered". What is sealed stays sealed: fields such as "a1.<id>.<...>" open with the vault of the log alone.
  For a bundle of some streams: that a stream did not go on after its last event here. Who runs the log says so by its signature; a bundle
  of all events (--all) proves it.
`

const schemas = { ...sessionEvents, ...tokensEvents, ...accountEvents, ...identifierEvents, ...passwordFormatEvents, ...policyEvents }

/** What the events mean, by their type, and their data as JSON Schema. */
export const eventSchemas = (): object =>
  Object.fromEntries(Object.entries(schemas).map(([type, schema]) => {
    const { $schema: _, ...data } = z.toJSONSchema(schema)
    return [type, data]
  }))
