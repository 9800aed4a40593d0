import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { handoverText } from './keys.ts'
import { proveConsistency } from './merkle.ts'
import { signerOf, signNote } from './note.ts'
import { another, bundleOf, createDice, filesOf, isLeaf, keep, makeEvents, type Dice, type Kept } from './testing.ts'
import { verifyBundle, type Elsewhere, type Verified } from './verify.ts'
import { leafOf } from './canonical.ts'

const prove = process.env['PROVE'] !== undefined
const seed = prove ? Math.floor(Math.random() * 1e9) : 11
if (prove) console.log(`audit/bundle.test.ts: seed ${seed}`)

type Files = Map<string, Buffer>
type Made = { kept: Kept; files: Files; size: number; streams: string[] | undefined }

const streamsOf = (kept: Kept): string[] => [...new Set(kept.leaves.map(({ stream }) => stream))]
/** Any bundle: of some streams or of everything from some event on, of which all or a part or nothing is covered. */
async function anyBundle(dice: Dice): Promise<Made> {
  let kept: Kept
  do kept = keep(makeEvents(dice, 3 + dice.upTo(40)))
  while (kept.leaves.length < 2)
  const size = dice.upTo(3) === 0 ? dice.upTo(kept.leaves.length + 1) : kept.leaves.length
  const some = streamsOf(kept).filter(() => dice.upTo(3) === 0)
  const streams = dice.upTo(2) === 0 ? some.length > 0 ? some : streamsOf(kept).slice(0, 1) : undefined
  const first = dice.upTo(2) === 0 ? 0 : dice.upTo(kept.leaves.length)
  return { kept, size, streams, files: await bundleOf(kept, streams ? { size, streams } : { size, first }) }
}
const lines = (files: Files, name: string): string[] => files.get(name)!.toString().split('\n').slice(0, -1)
const withLines = (files: Files, name: string, some: readonly string[]): Files => new Map(files).set(name, Buffer.from(some.map((line) => `${line}\n`).join('')))

/** What somebody may do to the files of a bundle. */
function tamper(dice: Dice, files: Files): Files {
  const names = ['events.ndjson', 'proofs.ndjson', 'bundle.json', 'checkpoint.txt', 'keys.json', 'manifest.txt'].filter((name) => (files.get(name)?.length ?? 0) > 0)
  const kind = dice.upTo(8)
  const name = dice.of(names)
  if (kind === 0) return new Map([...files].filter(([one]) => one !== name))
  if (kind === 1) {
    const bytes = Buffer.from(files.get(name)!)
    const at = dice.upTo(bytes.length)
    bytes[at] = bytes[at]! ^ (1 << dice.upTo(8))
    return new Map(files).set(name, bytes)
  }
  if (kind === 2) return new Map(files).set(name, files.get(name)!.subarray(0, dice.upTo(files.get(name)!.length)))
  const [events, proofs] = [lines(files, 'events.ndjson'), lines(files, 'proofs.ndjson')]
  if (events.length < 2) return withLines(files, 'events.ndjson', [...events, ...events, '{}'])
  const at = dice.upTo(events.length)
  const to = (at + 1 + dice.upTo(events.length - 1)) % events.length
  const both = (change: (some: string[]) => void): Files => {
    change(events)
    change(proofs)
    return withLines(withLines(files, 'events.ndjson', events), 'proofs.ndjson', proofs)
  }
  if (kind === 3) return both((some) => some.splice(at, 1))
  if (kind === 4) return both((some) => ([some[at], some[to]] = [some[to]!, some[at]!]))
  if (kind === 5) return both((some) => some.splice(at, 0, some[to]!))
  if (kind === 6) return both((some) => (some.length = at))
  events[at] = leafOf(another(dice, { ...JSON.parse(events[at]!), position: '' }))
  return withLines(files, 'events.ndjson', events)
}

const same = (one: Files, other: Files): boolean => one.size === other.size && [...one].every(([name, bytes]) => other.get(name)?.equals(bytes) === true)

/** In one process for all, since each bundle is a matter of milliseconds. */
const python = spawnSync('python3', ['--version']).status === 0
if (!python) console.warn('NOT TESTED: there is no python3 here, so audit/verify.py was not run')
const folder = mkdtempSync(join(tmpdir(), 'bundles-'))
afterAll(() => rmSync(folder, { recursive: true }))
let written = 0
const save = (files: Files): string => {
  const path = join(folder, String((written += 1)))
  mkdirSync(path)
  for (const [name, bytes] of files) writeFileSync(join(path, name), bytes)
  return path
}
const driver = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import verify
for line in sys.stdin:
    job = json.loads(line)
    print(json.dumps(verify.verify(verify.Folder(job['path']), job.get('key'), job.get('held'), job.get('consistency'))))
`
async function inPython(jobs: readonly ({ files: Files } & Elsewhere)[]): Promise<unknown[]> {
  const child = spawn('python3', ['-c', driver, import.meta.dirname])
  let [out, err] = ['', '']
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()))
  child.stdin.end(jobs.map(({ files, ...elsewhere }) => `${JSON.stringify({ path: save(files), ...elsewhere })}\n`).join(''))
  await new Promise((resolve) => child.on('close', resolve))
  expect(err).toBe('')
  return out.trim().split('\n').map((line) => JSON.parse(line) as unknown)
}
/** Without the sentence: what it says is for people. */
const compared = ({ wrong, ...verified }: Verified | any) => ({
  ...verified,
  uncovered: { events: verified.uncovered.events, since: verified.uncovered.since ?? null },
  wrong: wrong ? { stream: wrong.stream ?? null, revision: wrong.revision ?? null } : null,
})

describe('A bundle', () => {
  test('that nobody touched is right, and says what is not covered', async () => {
    const dice = createDice(seed)
    for (let round = 0; round < 20; round += 1) {
      const { kept, files, size, streams } = await anyBundle(dice)
      const verified = await verifyBundle(filesOf(files), { key: kept.signer.vkey, held: (await kept.at(size)).note })
      const there = lines(files, 'events.ndjson').map((line) => JSON.parse(line) as { metadata: { at: string }; stream: string })
      const uncovered = there.slice(verified.covered)
      expect(verified).toMatchObject({ wrong: undefined, uncovered: { events: uncovered.length, since: uncovered[0]?.metadata.at }, keyHeld: true })
      expect(verified.verdict).toBe(uncovered.length > 0 || size === 0 ? 'not covered' : 'right')
      if (streams) expect([there.length, verified.streams]).toEqual([kept.leaves.filter(({ stream }) => streams.includes(stream)).length, { whole: streams.length, partial: 0 }])
    }
  })

  test('in which anything was changed is wrong', async () => {
    const dice = createDice(seed + 1)
    for (let round = 0; round < (prove ? 3_000 : 60); round += 1) {
      const { kept, files } = await anyBundle(dice)
      const changed = tamper(dice, files)
      if (same(files, changed)) continue
      const verified = await verifyBundle(filesOf(changed), { key: kept.signer.vkey })
      expect([round, verified.verdict]).toEqual([round, 'wrong'])
    }
  })

  test('names the first event that is wrong', async () => {
    const dice = createDice(seed + 2)
    for (let round = 0; round < 20; round += 1) {
      const { kept, files, size } = await anyBundle(dice)
      const events = lines(files, 'events.ndjson')
      const covered = (await verifyBundle(filesOf(files))).covered
      if (covered === 0) continue
      const [one, two] = [dice.upTo(covered), dice.upTo(covered)].sort((a, b) => a - b) as [number, number]
      const changed = events.map((line, at) => (at === one || at === two ? leafOf(another(dice, { ...JSON.parse(line), position: '' })) : line))
      const { stream, revision } = JSON.parse(events[one]!) as { stream: string; revision: number }
      const { wrong } = await verifyBundle(filesOf(withLines(files, 'events.ndjson', changed)), { key: kept.signer.vkey, held: (await kept.at(size)).note })
      expect(wrong).toMatchObject({ stream, revision, reason: 'it is not the event that was signed' })
    }
  })

  test('cannot be made to look whole by whoever lacks the key: not with a ledger of their own, nor with less of a stream', async () => {
    const events = makeEvents(createDice(5), 40)
    const kept = keep(events)
    const forged = keep(events.map((event) => (isLeaf(event) ? another(createDice(6), event) : event)), Buffer.alloc(32, 9))
    const size = kept.leaves.length
    expect(await verifyBundle(filesOf(await bundleOf(forged, { size })), { key: kept.signer.vkey })).toMatchObject({ verdict: 'wrong', wrong: { reason: expect.stringContaining('the checkpoint') } })
    // Against itself alone it is right, and says that this is so.
    expect(await verifyBundle(filesOf(await bundleOf(forged, { size })))).toMatchObject({ verdict: 'right', keyHeld: false })

    const stream = streamsOf(kept).find((one) => kept.leaves.filter((leaf) => leaf.stream === one).length > 2)!
    const files = await bundleOf(kept, { size, streams: [stream] })
    const shorter = withLines(withLines(files, 'events.ndjson', lines(files, 'events.ndjson').slice(0, -1)), 'proofs.ndjson', lines(files, 'proofs.ndjson').slice(0, -1))
    const revision = lines(files, 'events.ndjson').length - 1
    expect((await verifyBundle(filesOf(shorter))).wrong).toMatchObject({ stream, revision, reason: 'it is missing' })
    const head = JSON.parse(files.get('bundle.json')!.toString()) as { events: number; streams: { events: number }[] }
    head.events -= 1
    head.streams[0]!.events -= 1
    shorter.set('bundle.json', Buffer.from(`${JSON.stringify(head, null, 2)}\n`))
    expect((await verifyBundle(filesOf(shorter))).wrong).toMatchObject({ reason: 'bundle.json is not the one that was signed' })
  })

  test('has its events in the order of the log', async () => {
    const kept = keep(makeEvents(createDice(5), 40))
    const [size, streams] = [kept.leaves.length, streamsOf(kept)]
    expect(await verifyBundle(filesOf(await bundleOf(kept, { size, streams })))).toMatchObject({ verdict: 'right' })
    expect(await verifyBundle(filesOf(await bundleOf(kept, { size, streams, inOrderOfStreams: true })))).toMatchObject({ verdict: 'wrong', wrong: { reason: 'it is not in the order of the log' } })
  })

  test('is held against a checkpoint of another size by a proof between the two, and without one is not called right', async () => {
    const kept = keep(makeEvents(createDice(8), 50))
    const [old, size] = [11, kept.leaves.length]
    const files = filesOf(await bundleOf(kept, { size }))
    const proof = (await proveConsistency(kept.nodes, old, size)).map((hash) => hash.toString('base64'))
    const held = (await kept.at(old)).note
    expect(await verifyBundle(files, { held })).toMatchObject({ verdict: 'not covered', held: 'unconnected', wrong: undefined })
    expect(await verifyBundle(files, { held, consistency: proof })).toMatchObject({ verdict: 'right', held: 'connected' })
    const other = keep(kept.leaves.map((event) => another(createDice(9), event)))
    expect(await verifyBundle(files, { held: (await other.at(old)).note, consistency: proof })).toMatchObject({ verdict: 'wrong', wrong: { reason: expect.stringContaining('not of the same log') } })
    expect(await verifyBundle(filesOf(await bundleOf(kept, { size })), { held: (await other.at(size)).note })).toMatchObject({ verdict: 'wrong' })
  })

  test('is checked with a key that was handed over, by who holds the one before', async () => {
    const kept = keep(makeEvents(createDice(8), 30))
    const before = signerOf(kept.signer.name, Buffer.alloc(32, 3))
    const [size, handovers] = [kept.leaves.length, [signNote(handoverText(before.name, kept.signer.vkey), before)]]
    const files = await bundleOf(kept, { size, keys: { first: before.vkey, handovers } })
    for (const key of [before.vkey, kept.signer.vkey, undefined]) expect(await verifyBundle(filesOf(files), { key })).toMatchObject({ verdict: 'right' })
    // Other notes of the key before name nobody: only one that says so hands over.
    for (const text of [handoverText('keyledger/other', kept.signer.vkey), `keyledger bundle\n${before.name}\n${kept.signer.vkey}\n`]) {
      const other = await bundleOf(kept, { size, keys: { first: before.vkey, handovers: [signNote(text, before)] } })
      expect(await verifyBundle(filesOf(other), { key: before.vkey })).toMatchObject({ verdict: 'wrong', wrong: { reason: expect.stringContaining('the keys') } })
    }
    const alone = await bundleOf(kept, { size, keys: { first: before.vkey, handovers: [] } })
    expect(await verifyBundle(filesOf(alone), { key: before.vkey })).toMatchObject({ verdict: 'wrong' })
  })
})

describe.runIf(python)('The verifier in Python', () => {
  const count = prove ? 1_000 : 12

  test(`agrees on ${count} good and ${count} bad bundles`, async () => {
    const dice = createDice(seed + 3)
    const jobs: ({ files: Files } & Elsewhere)[] = []
    while (jobs.length < 2 * count) {
      const { kept, files, size } = await anyBundle(dice)
      const key = dice.upTo(3) > 0 ? { key: kept.signer.vkey } : {}
      const old = dice.upTo(size + 1)
      const connected = old > 0 && old < size ? { held: (await kept.at(old)).note, ...(dice.upTo(2) === 0 ? { consistency: (await proveConsistency(kept.nodes, old, size)).map((hash) => hash.toString('base64')) } : {}) } : {}
      jobs.push({ files, ...key, ...connected })
      let changed = tamper(dice, files)
      while (same(files, changed)) changed = tamper(dice, files)
      jobs.push({ files: changed, ...key })
    }
    const theirs = await inPython(jobs)
    const verdicts = new Map<string, number>()
    for (const [nth, { files, ...elsewhere }] of jobs.entries()) {
      const ours = await verifyBundle(filesOf(files), elsewhere)
      expect([nth, compared(theirs[nth])]).toEqual([nth, compared(ours)])
      verdicts.set(ours.verdict, (verdicts.get(ours.verdict) ?? 0) + 1)
    }
    expect(verdicts.get('wrong')).toBe(count)
    expect(verdicts.get('right')).toBeGreaterThan(count / 4)
  })

  test('tells people the same, and ends with a code', async () => {
    const kept = keep(makeEvents(createDice(8), 30))
    const [good, partly] = [save(await bundleOf(kept, { size: kept.leaves.length })), save(await bundleOf(kept, { size: 9 }))]
    const bad = save(withLines(await bundleOf(kept, { size: 9 }), 'events.ndjson', ['{}']))
    const run = (...args: string[]) => {
      const { status, stdout } = spawnSync('python3', [join(import.meta.dirname, 'verify.py'), ...args], { encoding: 'utf8' })
      return { status, stdout }
    }
    expect(run(good, '--key', kept.signer.vkey)).toEqual({ status: 0, stdout: expect.stringMatching(/^\d+ events are as they were/) })
    expect(run(partly)).toEqual({ status: 3, stdout: expect.stringMatching(/Not yet covered: \d+ events since 2026-03-02T.*\nThe key stands in the bundle itself/) })
    expect(run(bad)).toEqual({ status: 2, stdout: expect.stringContaining('WRONG: line 1 of events.ndjson cannot be read') })
    expect(run(join(folder, 'nowhere')).status).toBe(1)
  })
})
