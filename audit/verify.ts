/** Checks a bundle with nothing but itself, and what the auditor holds from elsewhere. audit/verify.py does the same, in the same order. */
import { createHash, hash } from 'node:crypto'
import { z } from 'zod'
import { format, manifestText, signedFiles, type Head } from './bundle.ts'
import { keysFrom } from './keys.ts'
import { BadNote, fromBase64, openCheckpoint, openNote, type Checkpoint, type Verifier } from './note.ts'
import { leafHash } from './merkle.ts'
import { extendsTree, includes } from './proofs.ts'

/** The files of a bundle, wherever they lie. */
export type BundleFiles = {
  /** Undefined where there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>
  /** Its pieces, one after the other; none where there is no such file. */
  pieces(name: string): AsyncIterable<Uint8Array>
}
/** From elsewhere: the key that is trusted, a checkpoint that was kept, and a proof between that and the one of the bundle. */
export type Elsewhere = { key?: string | undefined; held?: string | undefined; consistency?: readonly string[] | undefined }

export type Wrong = { stream: string | undefined; revision: number | undefined; reason: string }
/**
 * `right`: every event is covered and as it was. `not covered`: nothing is wrong, and something is not proved: see `uncovered` and `held`.
 * `held`: what the checkpoint from elsewhere has to do with that of the bundle; `unconnected`: a proof between the two is missing.
 */
export type Verified = {
  verdict: 'right' | 'wrong' | 'not covered'
  wrong: Wrong | undefined
  covered: number
  uncovered: { events: number; since: string | undefined }
  /** Leaves of the tree that the proofs are for. */
  size: number
  /** The key that was believed, and whether it came from elsewhere. */
  key: string
  keyHeld: boolean
  held: 'none' | 'same' | 'connected' | 'unconnected'
  /** Streams from revision 0 on, and streams that begin before the bundle does. */
  streams: { whole: number; partial: number }
}

class Fault extends Error {
  readonly wrong: Wrong
  constructor(reason: string, place: { stream?: string; revision?: number } = {}) {
    super(reason)
    this.wrong = { stream: place.stream, revision: place.revision, reason }
  }
}

const Keys = z.object({ first: z.string(), handovers: z.array(z.string()) })
const count = z.int().nonnegative()
const HeadOf = z.object({ format: z.literal(format), origin: z.string(), checkpoint: count, events: count, first: count.optional(), streams: z.array(z.object({ stream: z.string(), events: count })).optional() })
const Event = z.object({ stream: z.string(), revision: count, metadata: z.object({ at: z.string() }) })
const Proof = z.union([z.object({ index: z.null() }), z.object({ index: count, proof: z.array(z.string()), asBefore: count })])

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws Fault */
function parsed<S extends z.ZodType>(schema: S, bytes: Uint8Array | undefined, what: string): z.infer<S> {
  try {
    if (bytes) return schema.parse(JSON.parse(utf8.decode(bytes)))
  } catch {
    // What is wrong with it is of no use to anybody.
  }
  throw new Fault(`${what} ${bytes ? 'cannot be read' : 'is missing'}`)
}

export async function verifyBundle(files: BundleFiles, elsewhere: Elsewhere = {}): Promise<Verified> {
  const result: Verified = {
    verdict: 'wrong', wrong: undefined, covered: 0, uncovered: { events: 0, since: undefined }, size: 0, key: elsewhere.key ?? '', keyHeld: elsewhere.key !== undefined, held: 'none', streams: { whole: 0, partial: 0 },
  }
  try {
    await check(files, elsewhere, result)
    result.verdict = result.uncovered.events > 0 || result.held === 'unconnected' ? 'not covered' : 'right'
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    result.wrong = error.wrong
  }
  return result
}

async function check(files: BundleFiles, { key, held, consistency }: Elsewhere, result: Verified): Promise<void> {
  const keysBytes = await files.read('keys.json')
  const { first, handovers } = parsed(Keys, keysBytes, 'keys.json')
  const keys = believing('the keys', () => keysFrom(key ?? first, handovers))
  result.key = (keys[0] as Verifier).vkey

  const note = await files.read('checkpoint.txt')
  const checkpoint = note && believing('the checkpoint', () => openedBy(keys, (one) => openCheckpoint(utf8.decode(note), one)))
  result.size = checkpoint?.size ?? 0
  if (held !== undefined) result.held = connection(believing('the checkpoint that is held', () => openedBy(keys, (one) => openCheckpoint(held, one))), checkpoint, consistency)

  const headBytes = await files.read('bundle.json')
  const head = parsed(HeadOf, headBytes, 'bundle.json')
  if (head.origin !== keys[0]?.name) throw new Fault('bundle.json is of another log')
  if (head.checkpoint !== result.size) throw new Fault('bundle.json is for another checkpoint')

  const digests = await checkEvents(files, head, checkpoint, result)

  const manifest = await files.read('manifest.txt')
  if (!manifest) throw new Fault('manifest.txt is missing')
  const text = believing('the manifest', () => openedBy(keys, (one) => openNote(utf8.decode(manifest), one)))
  const wanted = manifestText(head.origin, [...[headBytes, keysBytes].map((bytes) => hash('sha256', bytes as Uint8Array, 'base64')), ...digests]).split('\n')
  const said = text.split('\n')
  if (said.length !== wanted.length || said[0] !== wanted[0] || said[1] !== wanted[1]) throw new Fault('the manifest is of something else')
  signedFiles.forEach((file, nth) => {
    if (said[nth + 2] !== wanted[nth + 2]) throw new Fault(`${file} is not the one that was signed`)
  })
}

function openedBy<T>(keys: readonly Verifier[], open: (key: Verifier) => T): T {
  for (const key of keys.toReversed().slice(0, -1)) {
    try {
      return open(key)
    } catch (error) {
      if (!(error instanceof BadNote)) throw error
    }
  }
  return open(keys[0] as Verifier)
}

function believing<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Fault(`${what}: ${error instanceof BadNote ? error.message : 'cannot be read'}`)
  }
}

/** @throws Fault when the two contradict each other */
function connection(held: Checkpoint, ours: Checkpoint | undefined, proof: readonly string[] | undefined): 'same' | 'connected' | 'unconnected' {
  if (!ours) return 'unconnected'
  if (held.size === ours.size) {
    if (!held.root.equals(ours.root)) throw new Fault('the checkpoint that is held has another root for as many events')
    return 'same'
  }
  if (!proof || held.size === 0 || ours.size === 0) return 'unconnected'
  const [old, young] = held.size < ours.size ? [held, ours] : [ours, held]
  const hashes = believing('the consistency proof', () => proof.map(fromBase64))
  if (!extendsTree({ from: old.size, to: young.size, oldRoot: old.root, newRoot: young.root, proof: hashes })) throw new Fault('the checkpoint that is held is not of the same log')
  return 'connected'
}

/** @returns the digests of the two files @throws Fault that names the first event that is wrong */
async function checkEvents(files: BundleFiles, head: Pick<Head, 'events' | 'first' | 'streams'>, checkpoint: Checkpoint | undefined, result: Verified): Promise<string[]> {
  const sums = [createHash('sha256'), createHash('sha256')] as const
  const proofs = linesOf(files.pieces('proofs.ndjson'), (bytes) => sums[1].update(bytes))
  try {
    await checkLines(linesOf(files.pieces('events.ndjson'), (bytes) => sums[0].update(bytes)), proofs, head, checkpoint, result)
  } finally {
    // Where it ended early the file is open still.
    await proofs.return(undefined)
  }
  return sums.map((sum) => sum.digest('base64'))
}

type Lines = AsyncGenerator<Uint8Array, void, undefined>

async function checkLines(events: Lines, proofs: Lines, head: Pick<Head, 'events' | 'first' | 'streams'>, checkpoint: Checkpoint | undefined, result: Verified): Promise<void> {
  const seen = new Map<string, number>()
  let lines = 0
  let last = -1
  let before: Uint8Array[] = []
  for await (const line of events) {
    lines += 1
    const { stream, revision, metadata } = parsed(Event, line, `line ${lines} of events.ndjson`)
    const place = { stream, revision }
    const proofLine = await proofs.next()
    if (proofLine.done) throw new Fault('there is no proof for it', place)
    const proof = parsed(Proof, proofLine.value, `line ${lines} of proofs.ndjson`)
    const known = seen.get(stream)
    if (known === undefined ? revision !== 0 && !head.first : revision !== known + 1) throw new Fault(`revision ${known === undefined ? 0 : known + 1} of the stream is to come next`, place)
    if (known === undefined) result.streams[revision === 0 ? 'whole' : 'partial'] += 1
    seen.set(stream, revision)
    if (proof.index === null) {
      result.uncovered.since ??= metadata.at
      result.uncovered.events += 1
      continue
    }
    const { index } = proof
    if (result.uncovered.events > 0) throw new Fault('it stands behind one that is not covered', place)
    if (head.first !== undefined && index !== head.first + lines - 1) throw new Fault(`event ${head.first + lines - 1} of the log is to come next`, place)
    if (index <= last) throw new Fault('it is not in the order of the log', place)
    last = index
    if (proof.asBefore > before.length) throw new Fault('its proof is not whole', place)
    const hashes = [...believingAt(place, () => proof.proof.map(fromBase64)), ...before.slice(before.length - proof.asBefore)]
    if (!checkpoint || !includes({ index, size: checkpoint.size, leaf: leafHash(utf8.decode(line)), root: checkpoint.root, proof: hashes })) throw new Fault('it is not the event that was signed', place)
    before = hashes
    result.covered += 1
  }
  if (!(await proofs.next()).done) throw new Fault('proofs.ndjson has more lines than events.ndjson')
  for (const { stream, events } of head.streams ?? []) {
    const there = (seen.get(stream) ?? -1) + 1
    if (there < events) throw new Fault('it is missing', { stream, revision: there })
  }
  if (lines !== head.events || (head.streams && head.streams.length !== seen.size)) throw new Fault('bundle.json names other events')
  if (head.first !== undefined && checkpoint && last !== checkpoint.size - 1 && head.first < checkpoint.size) throw new Fault(`event ${last + 1} of the log is missing`)
}

function believingAt<T>(place: { stream: string; revision: number }, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof BadNote)) throw error
    throw new Fault('its proof cannot be read', place)
  }
}

/** By line feeds alone: the canonical form leaves other line ends as they are. What is behind the last one counts as a line. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>, onBytes: (bytes: Uint8Array) => void): Lines {
  let rest: Uint8Array = Buffer.alloc(0)
  for await (const piece of pieces) {
    onBytes(piece)
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    let from = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield bytes.subarray(from, end)
      from = end + 1
    }
    rest = bytes.subarray(from)
  }
  if (rest.length > 0) yield rest
}
